"""
What members are told of, and what they have come to: notices and badges as events make them.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from domain.badge import BADGES, BadgeAwarded, Days, Deeds
from domain.comment import CommentApproved, CommentWritten
from domain.event import Recorded
from domain.notices import NoticePreferencesChanged, NoticesRead
from domain.photo_events import PhotoAdded, PhotoApproved
from domain.post_events import PostApproved, PostPublished
from tests.simulation.legal import must
from tests.simulation.world import Difference, Piece, Remark, World

#: A notice: its kind, and the post or the member that it is about.
Told: TypeAlias = tuple[str, str]
#: Something of a notice: its kind, what it is about, and who did it.
News: TypeAlias = tuple[str, object, UUID]


@dataclass(eq=False)
class _Heard:
    """Whom a comment was told to, and as what."""

    piece: Piece
    remark: Remark
    member: UUID
    kind: str


@dataclass(eq=False)
class Honours:
    """Deeds, badges, and what there was to be told, of all members."""

    world: World
    joined: dict[UUID, datetime] = field(default_factory=dict)
    awarded: dict[UUID, set[str]] = field(default_factory=dict)
    #: What members have ever said they want, and do not; the kinds that they do not want now; how
    #: far they read, by cell.
    asked: dict[UUID, list[dict[str, bool]]] = field(default_factory=dict)
    muted: dict[UUID, frozenset[str]] = field(default_factory=dict)
    read: dict[UUID, dict[int, int]] = field(default_factory=dict)
    _deeds: Counter[tuple[UUID, str]] = field(default_factory=Counter)
    _heard: dict[UUID, list[_Heard]] = field(default_factory=dict)
    _confirmed: set[tuple[UUID, UUID]] = field(default_factory=set)

    def take(self, recorded: Recorded) -> None:
        """Something happened; the world has heard of it."""
        event: Any = recorded.event
        match event:
            case BadgeAwarded(member=member, badge=badge):
                self._award(recorded, member, badge)
            case PostPublished(author=author) | PostApproved(author=author):
                self._deeds[author, "posts"] += 1
            case PhotoAdded(owner=owner) | PhotoApproved(owner=owner):
                self._deeds[owner, "photos"] += 1
            case CommentWritten(author=author) | CommentApproved(author=author):
                self._deeds[author, "comments"] += 1
                self._hear(recorded, event)
            case _:
                pass

    def listen(self, recorded: Recorded, event: NoticesRead | NoticePreferencesChanged) -> None:
        """Somebody wants other kinds, or has read on."""
        must(recorded.actor == event.member, recorded, "it is one's own affair")
        if isinstance(event, NoticePreferencesChanged):
            known, muted = self.muted.get(event.member, frozenset()), frozenset(event.muted)
            asked = self.asked.get(event.member, [])
            said = any(muted == _muted(known, one) != known for one in asked)
            must(said, recorded, "what was not named stays, and all else is as was asked")
            self.muted[event.member] = muted
            return
        before, until = self.read.get(event.member, {}), dict(event.until)
        kept = all(until.get(cell, 0) >= at for cell, at in before.items())
        must(kept and until != before, recorded, "a mark goes on, and never back")
        self.read[event.member] = until

    def confirm(self, member: UUID, other: UUID) -> None:
        """A member's request was accepted."""
        self._confirmed.add((member, other))

    def end(self, member: UUID, other: UUID) -> None:
        """It is over."""
        self._confirmed.discard((member, other))

    def badges(self, member: UUID) -> set[str]:
        """Those of a member."""
        return self.awarded.get(member, set())

    def notices(self, viewer: UUID) -> dict[Told, set[int]]:
        """
        Who did what a viewer is told of, by number: likes, comments, answers, mentions,
        messages, friendship and badges; nothing of kinds that they do not want.
        """
        told = dict[Told, set[int]]()
        for of in (self._likes, self._shares, self._remarks, self._words, self._friendship):
            for kind, subject, who in of(viewer):
                told.setdefault((kind, str(subject)), set()).add(self.world.people[who].qq)
        for badge in self.badges(viewer):
            told["badge", badge] = {self.world.people[viewer].qq}
        muted = self.muted.get(viewer, frozenset())
        return {one: who for one, who in told.items() if one[0] not in muted}

    def _likes(self, viewer: UUID) -> Iterator[News]:
        for piece in self.world.pieces.values():
            if piece.author == viewer and self.world.sees(viewer, piece):
                for liker in self.world.likers(viewer, piece):
                    if liker != viewer:
                        yield "like", piece.id, liker

    def _remarks(self, viewer: UUID) -> Iterator[News]:
        for heard in self._heard.get(viewer, ()):
            remark = heard.remark
            if self.world.sees(viewer, heard.piece) and self.world.finds(viewer, remark):
                yield heard.kind, heard.piece.id, remark.author

    def _words(self, viewer: UUID) -> Iterator[News]:
        """Posts that mention the viewer, and messages on their board."""
        world = self.world
        for piece in world.mentioning(viewer):
            yield "mention", piece.id, piece.author
        for note in world.notes.values():
            mine = note.space == viewer != note.author
            if mine and note.published and not world.apart(viewer, note.author):
                yield "message", "", note.author

    def _shares(self, viewer: UUID) -> Iterator[News]:
        world = self.world
        for piece in world.pieces.values():
            original = piece.original
            if original is None or not original.author == viewer != piece.author:
                continue
            if piece.published and world.sees(viewer, piece) and world.sees(viewer, original):
                yield "share", original.id, piece.author

    def _friendship(self, viewer: UUID) -> Iterator[News]:
        world = self.world
        for other in world.people:
            if other == viewer or world.apart(viewer, other):
                continue
            half, standing = world.halves.get((viewer, other)), world.standing(viewer, other)
            if half is not None and half.standing == standing == "incoming":
                yield "friend_request", world.people[other].qq, other
            if standing == "friends" and (viewer, other) in self._confirmed:
                yield "friend_accepted", world.people[other].qq, other

    def check_rest(self, now: datetime) -> None:
        """
        All that was earned was awarded.

        :param now: by a clock that is not ahead of any server's.
        """
        for member in self.world.people:
            for badge in BADGES:
                if self._earned(member, badge, now) and badge not in self.badges(member):
                    raise Difference(f"{member} earned {badge}, and has {self.badges(member)}")

    def _award(self, recorded: Recorded, member: UUID, badge: str) -> None:
        must(badge not in self.badges(member), recorded, "a badge is awarded once")
        at = recorded.recorded_at + timedelta(seconds=5)
        must(self._earned(member, badge, at), recorded, "a badge is earned")
        self.awarded.setdefault(member, set()).add(badge)

    def _earned(self, member: UUID, badge: str, at: datetime) -> bool:
        match BADGES[badge]:
            case Deeds(deed=deed, count=count):
                return self._deeds[member, deed] >= count
            case Days(days=days):
                return at >= self.joined[member] + timedelta(days=days)

    def _hear(self, recorded: Recorded, event: CommentWritten | CommentApproved) -> None:
        piece, remark = self.world.remarks[recorded.stream]
        author, answered = event.author, event.answered
        told: list[tuple[UUID, str]] = []
        if answered is not None and answered != author:
            told.append((answered, "reply"))
        if piece.author not in (author, answered):
            told.append((piece.author, "comment"))
        for member, kind in told:
            known = self._heard.setdefault(member, [])
            if not any(one.remark is remark for one in known):
                known.append(_Heard(piece, remark, member, kind))


def _muted(known: frozenset[str], wanted: dict[str, bool]) -> frozenset[str]:
    """What somebody does not want after they said so."""
    return frozenset(
        {one for one in known if not wanted.get(one)} | {one for one in wanted if not wanted[one]}
    )
