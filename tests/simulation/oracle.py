"""
What a history is held against: the world as its events make it, in the order of their commits.

It also says whether an event may stand at all: a comment by somebody who cannot see the post at
that very commit, a like given twice, a friendship without two halves, a text published that the
rules in force would have held are illegal, whoever let them through.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, get_args
from uuid import UUID

import msgspec

from adapters.vault.memory import MemoryKeyVault
from domain.account_events import (
    AccountErased,
    AccountOpened,
    NicknameApproved,
    NicknameChanged,
    NicknameFlagged,
    NicknameHeld,
    NicknameRefused,
    NicknameRejected,
    NicknameRestored,
    NicknameWithdrawn,
    NumberClaimed,
)
from domain.badge import BadgeAwarded
from domain.circle import (
    CircleClosed,
    FriendConfirmed,
    FriendEnded,
    FriendLapsed,
)
from domain.comment import CommentFlagged, CommentHeld, CommentRefused, CommentWritten
from domain.erasure import ErasureEvent
from domain.event import Recorded
from domain.like import LikeGiven, LikeWithdrawn
from domain.message import MessageFlagged, MessageHeld, MessageRefused, MessageWritten
from domain.named_list import ListDeleted, ListSaved
from domain.notices import NoticePreferencesChanged, NoticesRead
from domain.poll import VoteCast
from domain.post_events import (
    PostEdited,
    PostEditHeld,
    PostEditRefused,
    PostFlagged,
    PostHeld,
    PostPublished,
    PostRefused,
)
from domain.retention import ContentDestroyed, ContentRetained
from domain.space import CertificationWithdrawn, SpaceCertified
from tests.simulation.boards import OF_PAGES, Boards
from tests.simulation.casebook import OF_CASE, Casebook
from tests.simulation.clocks import Clocks
from tests.simulation.galleries import FLAGGED, OF_GALLERY, Galleries
from tests.simulation.honours import Honours
from tests.simulation.legal import FORGETTER, must
from tests.simulation.penalties import OF_SANCTIONS, OF_STANDING, Penalties
from tests.simulation.screens import RuleEvent, Rules
from tests.simulation.treasury import OF_MONEY, Treasury
from tests.simulation.world import Person
from tests.simulation.writings import OF_COMMENT, OF_POST, Writings

_OF_ERASURE = frozenset({AccountErased, CircleClosed, *get_args(ErasureEvent)})
_OF_RULES = frozenset(get_args(RuleEvent))
_FLAGGED = (PostFlagged, CommentFlagged, MessageFlagged, NicknameFlagged, *FLAGGED)


class Oracle(Writings):
    """The world, and what may become of it."""

    def __init__(self, vault: MemoryKeyVault) -> None:
        super().__init__(vault)
        self.rules = Rules()
        self.cases = Casebook(self)
        self.penalties = Penalties(self)
        self.treasury = Treasury(self)
        self.honours = Honours(self)
        self.boards = Boards(self, self.treasury)
        self.galleries = Galleries(self)
        self.clocks = Clocks()
        self._batches = 0
        self._heads: dict[int, tuple[int, datetime]] = {}
        self._versions: dict[UUID, int] = {}
        self._commands: dict[UUID, int] = {}

    def take(self, events: Sequence[Recorded], taken: Callable[[], None] = lambda: None) -> None:
        """
        Believe a commit.

        :param taken: called after each of its commands: what stood between two of them stood.
        :raises Illegal: an event of it should not be there.
        """
        self._batches += 1
        self.commits += len({recorded.command for recorded in events})
        for _, said in groupby(events, lambda recorded: recorded.command):
            command = list(said)
            for recorded in command:
                self._place(recorded)
                self._take(recorded)
                if recorded.actor != FORGETTER:
                    # With all that is theirs goes the key that it is sealed under.
                    self.clocks.deleted(recorded)
                self.honours.take(recorded)
            self._check_screened(command)
            self.cases.settle(command)
            self.penalties.settle(command)
            self.treasury.settle(command)
            self.galleries.settle(command)
            self.clocks.settle(command)
            taken()

    def heads(self) -> dict[int, int]:
        """The last position of each cell in which something happened."""
        return {cell: at for cell, (at, _) in self._heads.items()}

    def version_of(self, stream: UUID) -> int:
        """How many events it has."""
        return self._versions.get(stream, 0)

    def _place(self, recorded: Recorded) -> None:
        position, at = self._heads.get(recorded.cell, (0, recorded.recorded_at))
        must(recorded.position == position + 1, recorded, "positions have no gap")
        must(recorded.recorded_at >= at, recorded, "time does not run backwards in a cell")
        self._heads[recorded.cell] = recorded.position, recorded.recorded_at
        version = self._versions.get(recorded.stream, 0)
        must(recorded.version == version + 1, recorded, "versions have no gap")
        self._versions[recorded.stream] = recorded.version
        batch = self._commands.setdefault(recorded.command, self._batches)
        must(batch == self._batches, recorded, "a command is written once")

    def _take(self, recorded: Recorded) -> None:
        event: Any = recorded.event
        recorded = self._in_whose_name(recorded)
        kind = type(event)
        if kind in OF_POST:
            self.take_post(recorded, event)
        elif kind in OF_COMMENT:
            self.take_comment(recorded, event)
        elif kind in OF_PAGES:
            self.boards.take(recorded, event)
        elif kind in OF_GALLERY:
            self.galleries.take(recorded, event)
        elif kind in OF_CASE:
            self.cases.take(recorded, event)
        elif kind in OF_STANDING:
            self.penalties.take(recorded, event)
        elif kind in OF_SANCTIONS:
            self.penalties.take_account(recorded, event)
        elif kind in _OF_ERASURE:
            self._take_erasure(event)
        elif kind in _OF_RULES:
            self.rules.take(recorded, event)
        elif kind in OF_MONEY:
            self.treasury.take(recorded, event)
        else:
            self._take_other(recorded, event)

    def _in_whose_name(self, recorded: Recorded) -> Recorded:
        """Of who is forgotten the house alone takes away what is left, as they would have."""
        if recorded.actor == FORGETTER:
            must(self.people[recorded.owner].erased, recorded, "only of who is forgotten")
            return msgspec.structs.replace(recorded, actor=recorded.owner)
        person = self.people.get(recorded.actor)
        must(person is None or not person.erased, recorded, "who is forgotten does nothing")
        return recorded

    def _take_erasure(self, event: Any) -> None:
        """Who is forgotten is to everybody as one who has blocked them, from that commit on."""
        if isinstance(event, AccountErased):
            gone = event.member
            self.people[gone].erased = True
            self.blocks |= {(gone, other) for other in self.people if other != gone}

    def left_of(self, member: UUID) -> list[str]:
        """What there is of a member, seen or not: of who is forgotten nothing."""
        made = (self.pieces, self.notes, self.albums, self.photos)
        found: list[Any] = [one for every in made for one in every.values()]
        found += [one for _, one in self.remarks.values()]
        own = [one for one in found if one.author == member]
        left = [type(one).__name__ for one in own if one.live or one.taken]
        left += ["like" for piece in self.pieces.values() if member in piece.likes]
        left += ["tie" for pair in (*self.halves, *self.follows) if pair[0] == member]
        return left + ["list" for owner, _, _ in self.lists.values() if owner == member]

    def _take_other(self, recorded: Recorded, event: Any) -> None:
        match event:
            case NumberClaimed(member=member, identity=identity):
                qq = int(self.open(identity.qq))
                must(qq not in self.claimed, recorded, "a number is claimed once")
                self.claimed[qq] = member
            case AccountOpened(member=member, identity=identity):
                qq = int(self.open(identity.qq))
                promised = self.claimed.get(qq) == member and member not in self.people
                must(promised, recorded, "an account is opened once, for whom a number promises")
                self.people[member] = Person(member, qq, self.open(identity.nickname))
                self.honours.joined[member] = recorded.recorded_at
            case (
                NicknameChanged()
                | NicknameApproved()
                | NicknameWithdrawn()
                | NicknameRestored()
                | NicknameHeld()
                | NicknameRefused()
                | NicknameRejected()
                | NicknameFlagged()
            ):
                self._take_name(recorded, event)
            case SpaceCertified(member=member):
                self.people[member].certified = True
            case CertificationWithdrawn(member=member):
                must(self.people[member].certified, recorded, "it was certified")
                self.people[member].certified = False
            case ListSaved() | ListDeleted():
                self.take_list(recorded, event)
            case LikeGiven() | LikeWithdrawn():
                self.take_like(recorded, event)
            case VoteCast():
                self.take_vote(recorded, event)
            case ContentRetained() | ContentDestroyed():
                self.clocks.take(recorded)
            case NoticesRead() | NoticePreferencesChanged():
                self.honours.listen(recorded, event)
            case BadgeAwarded():
                pass
            case _:
                self.take_tie(recorded)
                self._take_friendship(event)

    def _take_name(self, recorded: Recorded, event: Any) -> None:
        match event:
            case NicknameChanged(member=member, nickname=nickname):
                self.publishes(recorded, member)
                self.people[member].nickname = self.open(nickname)
            case (
                NicknameApproved(member=member, nickname=nickname)
                | NicknameWithdrawn(member=member, nickname=nickname)
                | NicknameRestored(member=member, nickname=nickname)
            ):
                self.people[member].nickname = self.open(nickname)
            case NicknameHeld(member=member) | NicknameRefused(member=member):
                self.publishes(recorded, member)
            case _:
                pass

    def _take_friendship(self, event: Any) -> None:
        match event:
            case FriendConfirmed(member=member, other=other):
                self.honours.confirm(member, other)
            case FriendEnded(member=member, other=other) | FriendLapsed(member=member, other=other):
                self.honours.end(member, other)
            case _:
                pass

    # What the rules in force made of it

    def _check_screened(self, command: Sequence[Recorded]) -> None:
        """Of each text became what the rules that its cell had in force say."""
        flagged = any(isinstance(one.event, _FLAGGED) for one in command)
        for recorded in command:
            if (said := self._said(recorded) or self.galleries.said(recorded)) is None:
                continue
            text, became = said
            wanted = self.rules.outcome(recorded.cell, text)
            if became == "waits on":
                # Whatever is found in what waits is noted, and it goes on waiting.
                became = "flagged" if flagged else "published"
                wanted = "flagged" if wanted in ("private_view", "held") else wanted
            elif became == "published" and flagged:
                became = "flagged"
            must(became == wanted, recorded, f"the rules say {wanted} of '{text}', not {became}")

    def _said(self, recorded: Recorded) -> tuple[str, str] | None:
        """What an event says that was screened, and what became of that."""
        event: Any = recorded.event
        match event:
            case PostEdited() if self.pieces[recorded.stream].waits is not None:
                return self._words(recorded), "waits on"
            case PostPublished() | PostEdited():
                return self._words(recorded), "published"
            case PostHeld() | PostEditHeld():
                return self._words(recorded), event.how
            case PostRefused() | PostEditRefused():
                return self._words(recorded), "refused"
            case CommentWritten(text=text) | MessageWritten(text=text):
                return self.open(text), "published"
            case CommentHeld(text=text) | MessageHeld(text=text):
                return self.open(text), event.how
            case CommentRefused(text=text) | MessageRefused(text=text):
                return self.open(text), "refused"
            case NicknameChanged(nickname=nickname):
                return self.open(nickname), "published"
            case NicknameHeld(nickname=nickname):
                return self.open(nickname), event.how
            case NicknameRefused(nickname=nickname):
                return self.open(nickname), "refused"
            case _:
                return None

    def _words(self, recorded: Recorded) -> str:
        """All that a post says after an event, its options with it."""
        event: Any = recorded.event
        text = self.open(event.content.text)
        if isinstance(event, PostRefused):
            options = () if event.poll is None else event.poll.options
            return " ".join([text, *map(self.open, options)])
        post = event.post if isinstance(event, PostEditRefused) else recorded.stream
        poll = self.pieces[post].poll
        return " ".join([text, *(() if poll is None else poll.options)])
