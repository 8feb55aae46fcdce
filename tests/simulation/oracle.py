"""
What a history is held against: the world as its events make it, in the order of their commits.

It also says whether an event may stand at all: a comment by somebody who cannot see the post at
that very commit, a like given twice, a friendship without two halves are illegal, whoever let them
through.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from adapters.vault.memory import MemoryKeyVault
from commands.timers import TIMER_ACTOR
from domain.account_events import (
    AccountOpened,
    AccountReinstated,
    AccountSuspended,
    NicknameChanged,
    NumberClaimed,
)
from domain.audience import Audience, Listed
from domain.circle import (
    FriendAccepted,
    FriendAsked,
    FriendConfirmed,
    FriendEnded,
    FriendLapsed,
    FriendRequestReceived,
    MemberBlocked,
    MemberUnblocked,
    SpaceFollowed,
    SpaceUnfollowed,
)
from domain.comment import CommentDeleted, CommentWritten
from domain.event import Recorded
from domain.ids import MemberId
from domain.like import LikeGiven, LikeWithdrawn
from domain.named_list import ListDeleted, ListSaved
from domain.post_events import PostAudienceChanged, PostDeleted, PostEdited, PostPublished
from domain.space import CertificationWithdrawn, SpaceCertified
from tests.simulation.world import Deed, Half, Person, Piece, Remark, World


class Illegal(AssertionError):
    """An event that should never have been committed."""


class Oracle(World):
    """The world, and what may become of it."""

    def __init__(self, vault: MemoryKeyVault) -> None:
        super().__init__()
        self.timers_fired: set[UUID] = set()
        self._vault = vault
        self._over: set[UUID] = set()
        self._batches = 0
        self._heads: dict[int, tuple[int, datetime]] = {}
        self._versions: dict[UUID, int] = {}
        self._commands: dict[UUID, int] = {}

    def take(self, events: Sequence[Recorded]) -> None:
        """
        Believe a commit.

        :raises Illegal: an event of it should not be there.
        """
        self._batches += 1
        self.commits += len({recorded.command for recorded in events})
        for recorded in events:
            self._place(recorded)
            self._take(recorded)

    def _place(self, recorded: Recorded) -> None:
        position, at = self._heads.get(recorded.cell, (0, recorded.recorded_at))
        _must(recorded.position == position + 1, recorded, "positions have no gap")
        _must(recorded.recorded_at >= at, recorded, "time does not run backwards in a cell")
        self._heads[recorded.cell] = recorded.position, recorded.recorded_at
        version = self._versions.get(recorded.stream, 0)
        _must(recorded.version == version + 1, recorded, "versions have no gap")
        self._versions[recorded.stream] = recorded.version
        batch = self._commands.setdefault(recorded.command, self._batches)
        _must(batch == self._batches, recorded, "a command is written once")

    def _take(self, recorded: Recorded) -> None:
        match recorded.event:
            case NumberClaimed(member=member, identity=identity):
                qq = int(self._open(identity.qq))
                _must(qq not in self.claimed, recorded, "a number is claimed once")
                self.claimed[qq] = member
            case AccountOpened(member=member, identity=identity):
                qq = int(self._open(identity.qq))
                promised = self.claimed.get(qq) == member and member not in self.people
                _must(promised, recorded, "an account is opened once, for whom a number promises")
                self.people[member] = Person(member, qq, self._open(identity.nickname))
            case NicknameChanged(member=member, nickname=nickname):
                self._acts(recorded, member)
                self.people[member].nickname = self._open(nickname)
            case AccountSuspended(member=member, suspension=suspension, until=until):
                person = self.people[member]
                _must(person.suspended is None, recorded, "suspended once")
                person.suspended = suspension, until
            case AccountReinstated(member=member):
                self._reinstate(recorded, recorded.event)
            case SpaceCertified(member=member):
                self.people[member].certified = True
            case CertificationWithdrawn(member=member):
                _must(self.people[member].certified, recorded, "it was certified")
                self.people[member].certified = False
            case ListSaved() | ListDeleted():
                self._take_list(recorded, recorded.event)
            case PostPublished() | PostEdited() | PostAudienceChanged() | PostDeleted():
                self._take_post(recorded, recorded.event)
            case CommentWritten() | CommentDeleted():
                self._take_comment(recorded, recorded.event)
            case LikeGiven() | LikeWithdrawn():
                self._take_like(recorded, recorded.event)
            case _:
                self._take_tie(recorded)

    def _reinstate(self, recorded: Recorded, event: AccountReinstated) -> None:
        person = self.people[event.member]
        known = person.suspended
        _must(known is not None and known[0] == event.suspension, recorded, "this suspension stood")
        assert known is not None
        if recorded.actor == TIMER_ACTOR:
            _must(event.effective_at == known[1], recorded, "a timer decides for when it was due")
            _must(event.suspension not in self.timers_fired, recorded, "a timer fires once")
            self.timers_fired.add(event.suspension)
        person.suspended = None

    def _take_list(self, recorded: Recorded, event: ListSaved | ListDeleted) -> None:
        self._acts(recorded, event.owner)
        which, now = event.list, self.lists.get(event.list)
        on = frozenset() if now is None else now[2]
        if isinstance(event, ListSaved):
            _must(which not in self._over, recorded, "a deleted list does not come back")
            _must(event.removed == on - event.members, recorded, "it says who is off it")
            self.lists[which] = event.owner, self._open(event.name), event.members
        else:
            _must(now is not None and event.removed == on, recorded, "it says who was on it")
            del self.lists[which]
            self._over.add(which)

    def _take_post(
        self,
        recorded: Recorded,
        event: PostPublished | PostEdited | PostAudienceChanged | PostDeleted,
    ) -> None:
        self._acts(recorded, event.author)
        if isinstance(event, PostPublished):
            self._publish(recorded, event)
            return
        piece = self.pieces[recorded.stream]
        _must(piece.live and piece.author == event.author, recorded, "its author's, and there")
        piece.version = recorded.version
        match event:
            case PostEdited(content=content):
                piece.former.append(piece.text)
                piece.text = self._say(recorded, content.text)
            case PostAudienceChanged(audience=audience):
                self._may_name(recorded, audience)
                piece.to = audience
            case PostDeleted():
                piece.live = False
                del self.deeds[piece.id]

    def _publish(self, recorded: Recorded, event: PostPublished) -> None:
        self._may_name(recorded, event.audience)
        original = None
        if event.share_of is not None:
            original = self.pieces[event.share_of]
            _must(self.sees(event.author, original), recorded, "whoever shares a post sees it")
            _must(original.original is None, recorded, "a share is of an original")
        at = recorded.recorded_at, UUID(int=recorded.stream.int)
        text = self._say(recorded, event.content.text)
        piece = Piece(recorded.stream, event.author, text, event.audience, at, original)
        self.pieces[piece.id] = piece
        self.deeds[piece.id] = Deed(at, "post", event.author, piece)

    def _may_name(self, recorded: Recorded, audience: Audience) -> None:
        if isinstance(audience, Listed) and audience.named is not None:
            mine = self.lists.get(audience.named)
            owner = recorded.owner
            _must(mine is not None and mine[0] == owner, recorded, "the list is the author's")

    def _take_comment(self, recorded: Recorded, event: CommentWritten | CommentDeleted) -> None:
        piece = self.pieces[event.post]
        self._acts(recorded, MemberId(recorded.actor))
        if isinstance(event, CommentDeleted):
            remark = piece.remarks[recorded.stream]
            _must(remark.live, recorded, "it was there")
            mine = recorded.actor in (remark.author, piece.author)
            _must(mine, recorded, "its author's or the post's author's")
            remark.live = False
            del self.deeds[remark.id]
            return
        _must(self.sees(event.author, piece), recorded, "whoever comments sees the post")
        if event.reply_to is not None:
            answered = piece.remarks[event.reply_to]
            seen = answered in self.comments(event.author, piece)
            _must(seen, recorded, "whoever answers sees the comment")
            same = (event.thread, event.answered) == (answered.thread, answered.author)
            _must(same, recorded, "an answer stands in the thread")
        at = recorded.recorded_at, UUID(int=recorded.stream.int)
        text = self._say(recorded, event.text)
        remark = Remark(recorded.stream, event.author, text, event.thread, at)
        piece.remarks[remark.id] = remark
        self.remarks[remark.id] = piece, remark
        self.deeds[remark.id] = Deed(at, "comment", event.author, piece, remark)

    def _take_like(self, recorded: Recorded, event: LikeGiven | LikeWithdrawn) -> None:
        piece, member = self.pieces[event.post], event.member
        self._acts(recorded, member)
        given = isinstance(event, LikeGiven)
        _must((member in piece.likes) is not given, recorded, "liked once, unliked once")
        if given:
            _must(self.sees(member, piece), recorded, "whoever likes sees the post")
            piece.likes[member] = recorded.recorded_at
            self.liked.add((member, piece.id))
            at = recorded.recorded_at, UUID(int=recorded.stream.int)
            self.deeds[recorded.stream] = Deed(at, "like", member, piece)
        else:
            del piece.likes[member]
            del self.deeds[recorded.stream]

    def _take_tie(self, recorded: Recorded) -> None:
        event = recorded.event
        member, other = event.member, event.other  # type: ignore[attr-defined]
        pair, half = (member, other), self.halves.get((member, other))
        theirs = self.halves.get((other, member))
        if recorded.actor == member:
            self._acts(recorded, member)
        match event:
            case FriendAsked(bond=bond):
                _must(not self.apart(*pair), recorded, "nobody asks across a block")
                _must(not self.friends(*pair), recorded, "friends do not ask")
                self.halves[pair] = Half("outgoing", bond)
            case FriendRequestReceived(bond=bond):
                asked = theirs is not None and theirs.offered == bond
                _must(asked and pair not in self.blocks, recorded, "a request that stands")
                self.halves[pair] = Half("incoming", bond)
            case FriendAccepted(bond=bond):
                asked = theirs is not None and theirs.offered == bond
                _must(asked and not self.apart(*pair), recorded, "what is accepted was asked for")
                self.halves[pair] = Half("friends", bond)
            case FriendConfirmed(bond=bond):
                asked = half is not None and (half.standing, half.bond) == ("outgoing", bond)
                _must(asked, recorded, "what is confirmed was asked for")
                self.halves[pair] = Half("friends", bond)
            case FriendEnded(bond=bond) | FriendLapsed(bond=bond):
                if half is not None and half.bond == bond:
                    del self.halves[pair]
            case MemberBlocked():
                _must(pair not in self.blocks, recorded, "blocked once")
                _must(half is None and pair not in self.follows, recorded, "a block ends the rest")
                self.blocks.add(pair)
            case MemberUnblocked():
                _must(pair in self.blocks, recorded, "it was blocked")
                self.blocks.discard(pair)
            case SpaceFollowed():
                may = self.people[other].certified and not self.apart(*pair)
                _must(may and pair not in self.follows, recorded, "a certified space, once")
                self.follows.add(pair)
            case SpaceUnfollowed():
                _must(pair in self.follows, recorded, "it was followed")
                self.follows.discard(pair)
            case _:
                raise Illegal(f"{type(event).__name__} is new to the oracle")

    def _acts(self, recorded: Recorded, member: UUID) -> None:
        active = member in self.people and self.people[member].suspended is None
        _must(active, recorded, "only who is not suspended acts")

    def _say(self, recorded: Recorded, sealed: object) -> str:
        text = self._open(sealed)
        _must(text not in self.said, recorded, "what is retried is done once")
        self.said[text] = recorded.at
        return text

    def _open(self, sealed: object) -> str:
        text = self._vault.open(sealed)  # type: ignore[arg-type]
        assert text is not None
        return text


def _must(holds: bool, recorded: Recorded, rule: str) -> None:
    if not holds:
        raise Illegal(f"{recorded.at} {type(recorded.event).__name__}: {rule}")
