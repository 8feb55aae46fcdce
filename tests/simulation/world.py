"""
Who may see what, as plainly as it can be said: facts in dicts, and questions answered by looking at
all of them. It knows nothing of read models, caches, guards or queries.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from domain.audience import Audience, Friends, Listed, OnlyMe, Public
from domain.ids import MemberId

Pair = tuple[UUID, UUID]
#: A member, and a section of their page.
Part = tuple[UUID, str]


class Difference(AssertionError):
    """Something is shown that should not be, or not shown that should."""


@dataclass(eq=False)
class Person:
    """
    A member. ``suspended`` and ``stopped`` are the suspensions that stand, a decision's and an
    operator's, and when each ends by itself; ``banned`` and ``restricted`` are the sanctions that
    keep the member from everything, and from publishing. Who is ``erased`` is there for nobody.
    """

    id: UUID
    qq: int
    nickname: str
    suspended: tuple[UUID, datetime | None] | None = None
    stopped: tuple[UUID, datetime | None] | None = None
    certified: bool = False
    banned: UUID | None = None
    restricted: UUID | None = None
    erased: bool = False

    @property
    def barred(self) -> str | None:
        """What the member hears instead of an answer; None for whoever may act."""
        if self.erased:
            return "no-account"
        if self.banned is not None:
            return "banned"
        return None if self.suspended is self.stopped is None else "suspended"

    @property
    def publishes(self) -> bool:
        """Whether the member may publish."""
        return self.barred is None and self.restricted is None


@dataclass(eq=False)
class Half:
    """One member's half of a friendship: ``outgoing``, ``incoming`` or ``friends``."""

    standing: str
    bond: UUID

    @property
    def offered(self) -> UUID | None:
        return None if self.standing == "incoming" else self.bond


@dataclass(eq=False)
class Remark:
    """
    A comment; ``at`` orders it among others. ``waits`` and ``taken`` are as those of a post.
    """

    id: UUID
    author: UUID
    text: str
    thread: UUID
    at: tuple[datetime, UUID]
    live: bool = True
    waits: str | None = None
    taken: str | None = None

    @property
    def published(self) -> bool:
        """Whether it is there for others than its author."""
        return self.live and self.waits is None


@dataclass(eq=False)
class Asked:
    """What a post asks, and who is for which options; ``recorded`` once its end was."""

    options: tuple[str, ...]
    choose: int
    closes_at: datetime | None
    votes: dict[UUID, tuple[int, ...]] = field(default_factory=dict)
    recorded: bool = False


@dataclass(eq=False)
class Piece:
    """
    A post; ``at`` orders it among others, ``former`` are texts that it had and others could see,
    ``drafts`` those that it had while it waited. ``to`` is whom it is for, or will be.

    :param version: how often it changed for those who see it, from 1 on; while it waits, below 0.
    :param live: it is there, for its author at least.
    :param waits: ``held`` or ``private_view``: it is there for its author alone.
    :param taken: people decided that nobody is to see it; what it was, ``held`` or ``published``.
    :param pending: what it is to say once somebody approves of it, and how that waits.
    :param mentions: whom its words name, by QQ number, be they let see it or not.
    """

    id: UUID
    author: UUID
    text: str
    to: Audience
    at: tuple[datetime, UUID]
    original: "Piece | None"
    version: int = 1
    live: bool = True
    waits: str | None = None
    taken: str | None = None
    pending: tuple[str, str] | None = None
    former: list[str] = field(default_factory=list)
    drafts: list[str] = field(default_factory=list)
    remarks: dict[UUID, Remark] = field(default_factory=dict)
    likes: dict[UUID, datetime] = field(default_factory=dict)
    poll: Asked | None = None
    commenting: str = "everyone"
    mentions: tuple[UUID, ...] = ()
    images: "tuple[Photo, ...]" = ()
    ever_shown: "dict[Photo, None]" = field(default_factory=dict)

    @property
    def published(self) -> bool:
        """Whether it is there for others than its author."""
        return self.live and self.waits is None

    @property
    def seen_by(self) -> Audience:
        """For whom it is there now."""
        return self.to if self.waits is None else OnlyMe()


@dataclass(eq=False)
class Note:
    """A message on the board of ``space``; the rest is as of a comment."""

    id: UUID
    space: UUID
    author: UUID
    text: str
    thread: UUID
    at: tuple[datetime, UUID]
    live: bool = True
    waits: str | None = None
    taken: str | None = None

    @property
    def published(self) -> bool:
        """Whether it is there for others than its author."""
        return self.live and self.waits is None


@dataclass(eq=False)
class Album:
    """An album; ``cover`` is the photo its owner chose, the rest is as of a post."""

    id: UUID
    author: UUID
    title: str
    to: Audience
    at: tuple[datetime, UUID]
    cover: UUID | None = None
    live: bool = True
    waits: str | None = None
    taken: str | None = None
    pending: tuple[str, str] | None = None
    former: list[str] = field(default_factory=list)
    drafts: list[str] = field(default_factory=list)

    @property
    def published(self) -> bool:
        """Whether it is there for others than its owner."""
        return self.live and self.waits is None

    @property
    def seen_by(self) -> Audience:
        """For whom it is there now."""
        return self.to if self.waits is None else OnlyMe()


@dataclass(eq=False)
class Photo:
    """A photo of ``stored`` bytes, whose picture says ``shown``; the rest is as of an album."""

    id: UUID
    author: UUID
    album: Album
    caption: str
    alt: str
    shown: str
    stored: int
    at: tuple[datetime, UUID]
    live: bool = True
    waits: str | None = None
    taken: str | None = None
    pending: tuple[str, str] | None = None
    former: list[str] = field(default_factory=list)
    drafts: list[str] = field(default_factory=list)

    @property
    def published(self) -> bool:
        """Whether it is there for others than its owner."""
        return self.live and self.waits is None


@dataclass(eq=False)
class Deed:
    """An entry of a member's timeline: about a post, a message on a board, an album, a photo."""

    at: tuple[datetime, UUID]
    kind: str
    author: UUID
    piece: Piece | None = None
    remark: Remark | None = None
    note: Note | None = None
    made: Album | Photo | None = None


class World:
    """Members, how they stand, and all that they wrote."""

    def __init__(self) -> None:
        #: How many commands' events there are.
        self.commits = 0
        self.claimed: dict[int, UUID] = {}
        self.people: dict[UUID, Person] = {}
        self.halves: dict[Pair, Half] = {}
        self.blocks: set[Pair] = set()
        self.follows: set[Pair] = set()
        self.lists: dict[UUID, tuple[UUID, str, frozenset[MemberId]]] = {}
        self.pieces: dict[UUID, Piece] = {}
        self.remarks: dict[UUID, tuple[Piece, Remark]] = {}
        self.deeds: dict[UUID, Deed] = {}
        self.liked: set[Pair] = set()
        #: Whom each section of a page is for, where not everybody; and who writes on its board.
        self.privacy: dict[Part, str] = {}
        self.writers: dict[UUID, str] = {}
        self.notes: dict[UUID, Note] = {}
        self.albums: dict[UUID, Album] = {}
        self.photos: dict[UUID, Photo] = {}
        #: How many visits there were to each space; by whom that its owner may know of, how often
        #: and when last; and how many of those are off the list.
        self.visits: Counter[UUID] = Counter()
        self.guests: dict[Pair, tuple[int, datetime]] = {}
        self.removed: Counter[Pair] = Counter()
        #: Every text that was ever said, and where.
        self.said: dict[str, str] = {}
        #: What time it is; polls close by it.
        self.now: Callable[[], datetime] = lambda: datetime.min.replace(tzinfo=UTC)

    # Questions

    def apart(self, one: UUID, other: UUID) -> bool:
        """Whether either has blocked the other."""
        return (one, other) in self.blocks or (other, one) in self.blocks

    def offered(self, one: UUID, other: UUID) -> UUID | None:
        """The bond that one's half offers to another."""
        half = self.halves.get((one, other))
        return None if half is None else half.offered

    def friends(self, one: UUID, other: UUID) -> bool:
        """Whether both halves offer one bond."""
        return self.offered(one, other) is not None and self.offered(one, other) == self.offered(
            other, one
        )

    def standing(self, one: UUID, other: UUID) -> str:
        """How another stands to one, as one is told."""
        mine, theirs = self.offered(one, other), self.halves.get((other, one))
        if mine is not None:
            return "friends" if self.friends(one, other) else "outgoing"
        return "incoming" if theirs is not None and theirs.standing == "outgoing" else "none"

    def sees(self, viewer: UUID, piece: Piece) -> bool:
        """Whether a post is there for a viewer."""
        return piece.live and self._is_for(viewer, piece.author, piece.seen_by)

    def _is_for(self, viewer: UUID, author: UUID, audience: Audience) -> bool:
        if author == viewer:
            return True
        if self.apart(viewer, author):
            return False
        match audience:
            case Public():
                return True
            case Friends():
                return self.friends(viewer, author)
            case OnlyMe():
                return False
            case Listed(members=members, named=None):
                return viewer in members
            case Listed(named=named):
                assert named is not None
                return named in self.lists and viewer in self.lists[named][2]

    def sees_album(self, viewer: UUID, album: Album) -> bool:
        """Whether an album is there for a viewer."""
        return album.live and self._is_for(viewer, album.author, album.seen_by)

    def sees_photo(self, viewer: UUID, photo: Photo) -> bool:
        """Whether a photo is there for a viewer, in its album."""
        there = photo.published or (photo.live and photo.author == viewer)
        return there and self.sees_album(viewer, photo.album)

    def cover(self, viewer: UUID, album: Album) -> Photo | None:
        """The photo that stands for an album before one who sees it: while it is there."""
        photo = None if album.cover is None else self.photos[album.cover]
        if photo is None or photo.album is not album or not self.sees_photo(viewer, photo):
            return None
        return photo

    @staticmethod
    def images(viewer: UUID, piece: Piece) -> list[Photo]:
        """The images that a post shows to one who sees it."""
        return [
            one
            for one in piece.images
            if (one.published or (one.live and one.author == viewer)) and one.album.live
        ]

    def meets(self, viewer: UUID, piece: Piece) -> bool:
        """Whether a viewer may comment on a post, like or share it: not while it waits."""
        return piece.published and self.sees(viewer, piece)

    def may_comment(self, viewer: UUID, piece: Piece) -> bool:
        """Whether one who meets a post may comment on it."""
        if piece.commenting == "friends":
            return viewer == piece.author or self.friends(viewer, piece.author)
        return piece.commenting == "everyone"

    def closed(self, poll: Asked) -> bool:
        """Whether votes count no longer."""
        return poll.closes_at is not None and poll.closes_at <= self.now()

    def mentioned(self, viewer: UUID, piece: Piece) -> list[UUID]:
        """Whom a viewer is told that a post mentions: those who see it, too."""
        return [
            one
            for one in piece.mentions
            if self.sees(one, piece) and piece.waits is None and not self.apart(viewer, one)
        ]

    def mentioning(self, viewer: UUID) -> list[Piece]:
        """The posts that mention a viewer, newest first."""
        found = (one for one in self._seen(viewer) if viewer in one.mentions)
        return sorted(found, key=lambda one: one.id.int, reverse=True)

    def finds(self, viewer: UUID, remark: Remark) -> bool:
        """Whether a comment is there for a viewer who sees its post."""
        own = remark.author == viewer
        return remark.live and (own or remark.published) and not self.apart(viewer, remark.author)

    def in_feed(self, viewer: UUID, piece: Piece) -> bool:
        """Whether a post that is there for a viewer comes into the feed."""
        author = piece.author
        followed = (viewer, author) in self.follows and self.people[author].certified
        return author != viewer and (self.friends(viewer, author) or followed)

    def feed(self, viewer: UUID) -> list[Piece]:
        """Posts by friends and followed certified spaces, newest first."""
        return self._newest(one for one in self._seen(viewer) if self.in_feed(viewer, one))

    def by(self, viewer: UUID, author: UUID) -> list[Piece]:
        """An author's posts, newest first, as a viewer finds them."""
        return self._newest(one for one in self._seen(viewer) if one.author == author)

    def comments(self, viewer: UUID, piece: Piece) -> list[Remark]:
        """The comments that a viewer finds under a post, oldest first."""
        found = (one for one in piece.remarks.values() if self.finds(viewer, one))
        return sorted(found, key=lambda one: one.at)

    def shares(self, piece: Piece) -> int:
        """How often a post is shared, for others than whoever shares it."""
        return sum(
            one.original is piece and one.published and not isinstance(one.to, OnlyMe)
            for one in self.pieces.values()
        )

    def likers(self, viewer: UUID, piece: Piece) -> list[UUID]:
        """Who likes a post, as a viewer is told: the latest first."""
        latest = sorted(((at, one) for one, at in piece.likes.items()), reverse=True)
        return [one for _, one in latest if not self.apart(viewer, one)]

    def timeline(self, viewer: UUID, owner: UUID) -> list[Deed]:
        """All that a member did and a viewer may know of, the latest first."""
        if not self.opens(viewer, owner, "posts"):
            return []
        found = (one for one in self.deeds.values() if one.author == owner)
        known = (deed for deed in found if self._knows_of(viewer, deed))
        return sorted(known, key=lambda deed: deed.at, reverse=True)

    def _knows_of(self, viewer: UUID, deed: Deed) -> bool:
        if deed.note is not None:
            return self.opens(viewer, deed.note.space, "messages") and self.reads(viewer, deed.note)
        if deed.made is not None:
            of = self.sees_album if isinstance(deed.made, Album) else self.sees_photo
            return self.opens(viewer, deed.author, "albums") and of(viewer, deed.made)  # type: ignore[arg-type]
        assert deed.piece is not None
        if deed.kind == "vote" and viewer != deed.author:
            return False
        found = deed.remark is None or self.finds(viewer, deed.remark)
        return self.sees(viewer, deed.piece) and found

    def opens(self, viewer: UUID, owner: UUID, section: str) -> bool:
        """Whether a section of a member's page is there for a viewer."""
        if viewer == owner:
            return True
        if self.apart(viewer, owner):
            return False
        whom = self.privacy.get((owner, section), "public")
        return whom == "public" or (whom == "friends" and self.friends(viewer, owner))

    def may_write(self, author: UUID, owner: UUID) -> bool:
        """Whether a member may write on a board."""
        if author == owner:
            return True
        writers = self.writers.get(owner, "public")
        may = writers == "public" or (writers == "friends" and self.friends(author, owner))
        return may and self.opens(author, owner, "messages")

    def reads(self, viewer: UUID, note: Note) -> bool:
        """Whether a message is there for a viewer who sees its board."""
        own = note.author == viewer
        return note.live and (own or note.published) and not self.apart(viewer, note.author)

    def board(self, viewer: UUID, owner: UUID) -> list[Note]:
        """What a viewer finds on a board that is there for them, the newest first."""
        on = (one for one in self.notes.values() if one.space == owner)
        found = (one for one in on if self.reads(viewer, one))
        return sorted(found, key=lambda one: one.at, reverse=True)

    def visitors(self, viewer: UUID, owner: UUID) -> list[tuple[datetime, UUID, int]]:
        """Who was in a space, as a viewer is told: when last, who, how often; the latest first."""
        found = (
            (at, guest, times - self.removed[space, guest])
            for (space, guest), (times, at) in self.guests.items()
            if space == owner and times > self.removed[space, guest]
        )
        return sorted((one for one in found if not self.apart(viewer, one[1])), reverse=True)

    def _seen(self, viewer: UUID) -> Iterator[Piece]:
        return (one for one in self.pieces.values() if self.sees(viewer, one))

    @staticmethod
    def _newest(pieces: Iterable[Piece]) -> list[Piece]:
        return sorted(pieces, key=lambda piece: piece.at, reverse=True)
