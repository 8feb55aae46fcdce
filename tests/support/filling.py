"""
A store filled in seconds: histories as members make them, appended in large batches.

For tests and measurements that need a store of some size and have no interest in how it came to
be. The events are the domain's own, at the versions and on the streams on which commands would
have put them, so a server goes on from here as from any other store. Members are skewed as people
are: the first has a tie to everybody, and most of what is said is said under few posts.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from random import Random
from uuid import UUID

import msgspec

from commands.ports import Append, Appended, EventLog, IdempotencyKey, KeyVault, NewEvent
from domain.account import DIRECTORY_CELL, account_stream, number_stream
from domain.account_events import AccountOpened, AccountSuspended, Identity, NumberClaimed
from domain.album import album_stream
from domain.album_events import AlbumCreated, AlbumPhotoCame, Arrangement
from domain.audience import Audience, Friends, Listed, OnlyMe, Public
from domain.belonging import BelongingGained, belonging_stream
from domain.case import case_of, case_stream
from domain.case_events import CaseDecided, CaseOpened, CaseReported, Subject
from domain.circle import (
    FriendAccepted,
    FriendAsked,
    FriendConfirmed,
    FriendRequestReceived,
    MemberBlocked,
    SpaceFollowed,
    circle_stream,
)
from domain.comment import CommentHeld, CommentWritten, comment_stream
from domain.decision import Decision
from domain.disclosure_policy import Told
from domain.event import Event
from domain.gallery import GalleryAlbumOpened, GalleryPhotoAdded, gallery_stream
from domain.home import Home, HomeChanged, home_stream
from domain.ids import (
    AlbumId,
    CommentId,
    DecisionId,
    ItemId,
    ListId,
    MemberId,
    MessageId,
    OrderId,
    PaymentId,
    PhotoId,
    PostId,
    StreamId,
    cell_of,
    derive,
    mint,
)
from domain.like import LikeGiven, like_stream
from domain.lots import Part
from domain.mall import ItemListed, Terms
from domain.message import MessageWritten, message_stream
from domain.named_list import ListSaved, lists_stream
from domain.order import OrderPlaced
from domain.photo import PLACE_STEP, photo_stream
from domain.photo_events import PhotoAdded, PhotoWords
from domain.picture import Picture, Rendition
from domain.poll import Poll, VoteCast, vote_stream
from domain.post import post_stream
from domain.post_events import PostContent, PostPublished
from domain.promise import Promise
from domain.screening import Screening, SetVersion
from domain.sealed import KeyClass, Sealed
from domain.space import SpaceCertified, space_stream
from domain.visit import VisitMade, visits_stream
from domain.wallet import lot_of, wallet_stream
from domain.wallet_events import CoinsHeld, CoinsSpent, WalletToppedUp

#: One command's events go to one cell; so many of them make one append.
EVENTS_PER_APPEND = 250
APPENDS_IN_FLIGHT = 32
QQ_FIRST = 600_001
#: 2026-01-01, in milliseconds: when the first id was minted.
_EPOCH_MS = 1_767_225_600_000
#: One comment in so many waits for somebody to look at it.
_WAITING = 0.02
_SCREENING = Screening(1, 0, (SetVersion("filled", 1, "0" * 64),), "none", ())
_PROMISE = Promise("review", datetime(2026, 1, 3, tzinfo=UTC), "none")
_LONG_AHEAD = datetime(2100, 1, 1, tzinfo=UTC)


class Made(msgspec.Struct, frozen=True):
    """A post that is there to be commented on and liked."""

    post: PostId
    author: MemberId


class Filling:
    """
    Writes a world into an empty store, a function of the seed.

    Used from one loop; what is waited for is a few appends behind, so that none piles up.
    """

    def __init__(self, log: EventLog, vault: KeyVault, seed: int = 1) -> None:
        self.members: list[MemberId] = []
        self.qq: dict[MemberId, int] = {}
        self.posts: list[Made] = []
        self.events = 0
        self._log = log
        self._vault = vault
        self._random = Random(seed)
        self._minted = 0
        self._versions: Counter[StreamId] = Counter()
        self._waiting: dict[int, list[NewEvent]] = {}
        self._said: dict[MemberId, Sealed[str]] = {}
        self._in_flight: deque[asyncio.Future[Appended]] = deque()

    async def people(self, count: int, friends: int) -> None:
        """
        So many members, each with about so many friends beside the first member, who knows all; a
        tenth of them are blocked by another, and the last is a certified space that all follow.
        """
        for number in range(count):
            await self._join(QQ_FIRST + number)
        hub, *others = self.members
        for index, member in enumerate(others):
            self._befriend(hub, member)
            for _ in range(friends // 2):
                other = self._random.choice(others)
                if other != member:
                    self._befriend(member, other)
            await self._settle(APPENDS_IN_FLIGHT)
            if index % 10 == 1:
                blocked = others[index - 1]
                self._put(member, circle_stream(member), MemberBlocked(member, blocked))
        space = self.members[-1]
        said = await self._vault.seal(space, KeyClass.IDENTITY, "太白书院")
        certified = SpaceCertified(space, "brand", said, self._vault.blind("space", "太白书院"))
        self._put(space, space_stream(space), certified)
        for member in self.members[:-1]:
            self._put(member, circle_stream(member), SpaceFollowed(member, space))
        for owner in self.members[:: max(1, count // 20)]:
            self._save_list(owner)
        await self.flush()

    async def suspensions(self, count: int) -> None:
        """So many more members, of whom nobody knows and whose suspensions end one day."""
        for number in range(count):
            member = await self._join(QQ_FIRST + len(self.members) + number)
            self.members.pop()
            suspension = self._mint(cell_of(member))
            reason = await self._vault.seal(member, KeyClass.MODERATION, "stolen")
            suspended = AccountSuspended(member, suspension, reason, _LONG_AHEAD)
            self._put(member, account_stream(member), suspended)
            await self._settle(APPENDS_IN_FLIGHT)
        await self.flush()

    async def talk(self, events: int) -> None:
        """So many events of members who publish, comment and like, in the end all written."""
        until = self.events + events
        kinds: Sequence[Callable[[], None]] = (self._publish, self._comment, self._like)
        while self.events < until:
            said = self._random.choices(kinds, (45, 30, 25))[0] if self.posts else self._publish
            said()
            await self._settle(APPENDS_IN_FLIGHT)
        await self.flush()

    async def cases(self, count: int) -> None:
        """So many cases that members opened by a report; every other one is decided."""
        for number in range(count):
            subject = Subject("post", self._mint(0), self._anybody())
            case = case_of(subject)
            stream, reporter = case_stream(case), self._random.choice(self.members)
            due = datetime.fromtimestamp(_EPOCH_MS // 1000 + number * 60, UTC)
            promise = Promise("review", due, "test/1")
            opened = CaseOpened(subject, "report", "reports", promise, 1)
            self._put(subject.owner, stream, opened)
            report = self._mint(cell_of(reporter))
            self._put(subject.owner, stream, CaseReported(report, reporter, "spam"))
            if number % 2:
                decided = self._decision(subject.owner, due)
                staff = derive(0, "staff", b"7")
                event = CaseDecided(subject, decided, staff, None, (reporter,))
                self._put(subject.owner, stream, event)
            await self._settle(APPENDS_IN_FLIGHT)
        await self.flush()

    async def coins(self, count: int) -> None:
        """So many items, top-ups, grants and orders, a few of which are held for."""
        at = datetime.fromtimestamp(_EPOCH_MS // 1000, UTC)
        for number in range(count):
            member, item = self._anybody(), ItemId(self._mint(DIRECTORY_CELL))
            terms = Terms("theme", "雪夜", 30)
            self._put(member, StreamId(item), ItemListed(terms), DIRECTORY_CELL)
            payment = PaymentId(self._mint(DIRECTORY_CELL))
            lot, wallet = lot_of(payment, member), wallet_stream(member)
            self._put(member, wallet, WalletToppedUp(member, lot, payment, "demo", 50, 5_000, at))
            order, parts = OrderId(self._mint(cell_of(member))), (Part(lot, "paid", 30, 3_000),)
            if number % 20 == 0:
                held = CoinsHeld(member, order, parts, 1, _LONG_AHEAD, at)
                self._put(member, wallet, held)
                continue
            placed = OrderPlaced(member, item, terms, 1, 30, parts, 1, at)
            gained = BelongingGained(member, order, item, "theme", "雪夜", 1, at)
            self._put(member, StreamId(order), placed)
            self._put(member, wallet, CoinsSpent(member, order, parts, 1, at))
            self._put(member, belonging_stream(order), gained)
            await self._settle(APPENDS_IN_FLIGHT)
        await self.flush()

    async def boards(self, count: int) -> None:
        """
        So many messages on boards, and as many visits, most of them to the first members; and every
        page has a name for its posts.
        """
        at = datetime.fromtimestamp(_EPOCH_MS // 1000, UTC)
        for member in self.members:
            home = Home({"posts": self._said[member]})
            self._put(member, home_stream(member), HomeChanged(member, home, at))
        for _ in range(count):
            author, space = self._random.choice(self.members), self._anybody()
            message = MessageId(self._mint(cell_of(author)))
            written = MessageWritten(author, space, self._said[author], message)
            self._put(author, message_stream(message), written)
            if author != space:
                stream = visits_stream(author, space)
                times = self._versions[stream] + 1
                self._put(author, stream, VisitMade(author, space, times))
            await self._settle(APPENDS_IN_FLIGHT)
        await self.flush()

    async def photos(
        self, albums: int, photos: int, owner: MemberId | None = None
    ) -> list[AlbumId]:
        """So many albums of so many photos each, somebody's or anybody's; nothing is stored."""
        made: list[AlbumId] = []
        for _ in range(albums):
            member = owner or self._anybody()
            cell, said = cell_of(member), self._said[member]
            album, gallery = AlbumId(self._mint(cell)), gallery_stream(member, cell)
            made.append(album)
            created = AlbumCreated(member, said, self._audience(), Arrangement())
            self._put(member, album_stream(album), created)
            self._put(member, gallery, GalleryAlbumOpened(member, album))
            for place in range(1, photos + 1):
                photo = PhotoId(self._mint(cell))
                size = Rendition(photo.bytes * 2, 1, 400, 300, "jpeg")
                picture = Picture(size, size, size)
                added = PhotoAdded(member, album, PhotoWords(said), picture, place * PLACE_STEP)
                self._put(member, photo_stream(photo), added)
                came = AlbumPhotoCame(member, photo, picture.stored)
                self._put(member, album_stream(album), came)
                self._put(member, gallery, GalleryPhotoAdded(member, photo, picture.stored))
            await self._settle(APPENDS_IN_FLIGHT)
        await self.flush()
        return made

    def _decision(self, owner: MemberId, at: datetime) -> Decision:
        said = self._said[owner]
        return Decision(
            id=DecisionId(self._mint(cell_of(owner))),
            verdict="unpublish",
            ground="terms",
            clause="4.2",
            explanation=said,
            category="spam",
            facts=said,
            on=1,
            cause="report",
            automated_detection=False,
            told=Told(),
            decided_at=at,
        )

    async def polls(self, number: int) -> None:
        """Polls, and about four votes on each: events to that number."""
        asked: list[Made] = []
        voted: set[tuple[MemberId, PostId]] = set()
        for _ in range(number):
            if not asked or self._random.random() < 0.2:
                asked.append(self._ask())
                continue
            member, on = self._anybody(), self._random.choice(asked)
            if (member, on.post) not in voted:
                voted.add((member, on.post))
                cast = VoteCast(member, on.post, on.author, (self._random.randrange(2),))
                self._put(member, vote_stream(member, on.post), cast)
            await self._settle(APPENDS_IN_FLIGHT)
        await self.flush()

    async def flush(self) -> None:
        """Write what waits."""
        for cell in list(self._waiting):
            self._submit(cell)
        await self._settle(0)

    # One of each

    async def _join(self, qq: int) -> MemberId:
        member = MemberId(self._mint(qq % self._log.cells))
        seal = self._vault.seal
        identity = Identity(
            qq=await seal(member, KeyClass.IDENTITY, str(qq)),
            nickname=await seal(member, KeyClass.IDENTITY, f"m{qq}"),
            real_name=await seal(member, KeyClass.IDENTITY, "李太白"),
            birth_date=await seal(member, KeyClass.IDENTITY, date(1999, 1, 8).isoformat()),
        )
        number = number_stream(self._vault.blind("qq", str(qq)))
        self._put(member, number, NumberClaimed(member, identity), DIRECTORY_CELL)
        self._put(member, account_stream(member), AccountOpened(member, identity))
        self._said[member] = await seal(member, KeyClass.CONTENT, "但愿人长久，千里共婵娟。")
        self.members.append(member)
        self.qq[member] = qq
        return member

    def _befriend(self, one: MemberId, other: MemberId) -> None:
        bond = self._mint(cell_of(one))
        mine, theirs = circle_stream(one), circle_stream(other)
        self._put(one, mine, FriendAsked(one, other, bond))
        self._put(other, theirs, FriendRequestReceived(other, one, bond))
        self._put(other, theirs, FriendAccepted(other, one, bond))
        self._put(one, mine, FriendConfirmed(one, other, bond))

    def _save_list(self, owner: MemberId) -> None:
        cell = cell_of(owner)
        which = ListId(derive(cell, "list", owner, b"family", bytes(4)))
        listed = frozenset(self._random.sample(self.members, min(20, len(self.members))))
        saved = ListSaved(owner, which, self._said[owner], listed - {owner})
        self._put(owner, lists_stream(owner, cell), saved)

    def _publish(self) -> None:
        author = self._anybody()
        post = PostId(self._mint(cell_of(author)))
        content = PostContent(self._said[author])
        published = PostPublished(author, "shuoshuo", content, self._audience())
        self._put(author, post_stream(post), published)
        self.posts.append(Made(post, author))

    def _ask(self) -> Made:
        author = self._anybody()
        post = PostId(self._mint(cell_of(author)))
        said = self._said[author]
        content = PostContent(said, mentions=(self._anybody(),))
        asked = PostPublished(author, "poll", content, self._audience(), poll=Poll((said, said)))
        self._put(author, post_stream(post), asked)
        return Made(post, author)

    def _comment(self) -> None:
        author, on = self._anybody(), self._known_post()
        comment = CommentId(self._mint(cell_of(author)))
        said = self._said[author]
        written: Event = CommentWritten(author, on.post, on.author, said, thread=comment)
        if self._random.random() < _WAITING:
            written = CommentHeld(
                author, on.post, on.author, said, comment, "held", _SCREENING, _PROMISE
            )
        self._put(author, comment_stream(comment), written)

    def _like(self) -> None:
        member, on = self._anybody(), self._known_post()
        stream = like_stream(member, on.post)
        if not self._versions[stream]:
            self._put(member, stream, LikeGiven(member, on.post, on.author))

    def _audience(self) -> Audience:
        drawn = self._random.random()
        if drawn < 0.9:
            return Public() if drawn < 0.5 else Friends()
        if drawn < 0.95:
            return OnlyMe()
        return Listed(frozenset(self._random.sample(self.members, min(5, len(self.members)))))

    def _anybody(self) -> MemberId:
        """The first members speak most."""
        return self.members[int(len(self.members) * self._random.random() ** 3)]

    def _known_post(self) -> Made:
        """Half of all is said under the first few posts, the rest under recent ones."""
        if self._random.random() < 0.5:
            return self.posts[int(min(20, len(self.posts)) * self._random.random() ** 2)]
        return self.posts[-1 - int(min(5_000, len(self.posts)) * self._random.random())]

    # To the log

    def _mint(self, cell: int) -> UUID:
        self._minted += 1
        return mint(_EPOCH_MS + self._minted, cell, self._random.getrandbits(62))

    def _put(
        self, owner: MemberId, stream: StreamId, event: Event, cell: int | None = None
    ) -> None:
        at = cell_of(stream) if cell is None else cell
        self._versions[stream] += 1
        waiting = self._waiting.setdefault(at, [])
        waiting.append(NewEvent(stream, self._versions[stream], owner, event))
        self.events += 1
        if len(waiting) == EVENTS_PER_APPEND:
            self._submit(at)

    def _submit(self, cell: int) -> None:
        events = tuple(self._waiting.pop(cell))
        actor, command = events[0].owner, self._mint(cell)
        key = IdempotencyKey(actor, command.hex, command.bytes * 2, None)
        append = Append(cell, command, actor, command, None, events, key=key, answer=b"{}")
        self._in_flight.append(self._log.submit(append).outcome)

    async def _settle(self, in_flight: int) -> None:
        while len(self._in_flight) > in_flight:
            await self._in_flight.popleft()
