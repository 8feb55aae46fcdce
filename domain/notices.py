"""
A member's notices: which kinds they want, and how far they have read.

What there is to be told is no state of this: it follows from what others did
(:mod:`projections.notices`). Read marks are positions, one a cell, since cells share no order: what
comes late from another cell is unread, whatever time it bears.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias, assert_never, get_args
from uuid import UUID

import msgspec

from domain.event import Aggregate, Event
from domain.ids import MemberId, StreamId, cell_of, derive

NoticeKind: TypeAlias = Literal[
    "comment",
    "reply",
    "like",
    "share",
    "mention",
    "message",
    "friend_request",
    "friend_accepted",
    "gift",
    "decision",
    "badge",
]
KINDS: tuple[str, ...] = get_args(NoticeKind)

#: Positions, by cell.
Mark: TypeAlias = Mapping[int, int]

#: Entries that are marked one by one; of more than that, the first to be marked are unread again.
SINGLES_MAX = 200


class NoticePreferencesChanged(Event, frozen=True, tag="notices.preferences_changed.v1"):
    """The member wants no notices of these kinds, and of all others."""

    member: MemberId
    muted: tuple[str, ...]


class NoticesRead(Event, frozen=True, tag="notices.read.v1"):
    """
    All notices have been read that came to positions up to these, of ``notice`` alone where it is
    given. ``forgotten`` are marks of single entries that are not needed any longer.
    """

    member: MemberId
    until: tuple[tuple[int, int], ...]
    notice: UUID | None = None
    forgotten: tuple[UUID, ...] = ()


NoticesEvent: TypeAlias = NoticePreferencesChanged | NoticesRead


class Notices(msgspec.Struct, frozen=True):
    """What is wanted and what was read. ``since`` is the version of the last change."""

    muted: frozenset[str] = frozenset()
    read: Mark = {}
    singles: Mapping[UUID, Mark] = {}
    since: int = 0


def evolve(notices: Notices, event: NoticesEvent, version: int) -> Notices:
    """The notices after one more event."""
    match event:
        case NoticePreferencesChanged(muted=muted):
            return msgspec.structs.replace(notices, muted=frozenset(muted), since=version)
        case NoticesRead(notice=notice, until=until, forgotten=forgotten):
            singles = {
                one: at for one, at in notices.singles.items() if one not in (notice, *forgotten)
            }
            if notice is None:
                return Notices(notices.muted, dict(until), singles, version)
            singles[notice] = dict(until)
            return Notices(notices.muted, notices.read, singles, version)
        case _:
            assert_never(event)


NOTICES: Aggregate[Notices] = Aggregate("notices", Notices(), evolve)


def notices_stream(member: MemberId) -> StreamId:
    """The stream of a member's notices."""
    return StreamId(derive(cell_of(member), "notices", member))


# Decisions


def prefer(
    notices: Notices, member: MemberId, wanted: Mapping[NoticeKind, bool]
) -> tuple[NoticesEvent, ...]:
    """Want some kinds of notices, or want them no longer; others stay as they are."""
    muted = {one for one in notices.muted if wanted.get(one) is not True}  # type: ignore[call-overload]
    muted |= {kind for kind, want in wanted.items() if not want}
    if muted == notices.muted:
        return ()
    return (NoticePreferencesChanged(member, tuple(sorted(muted))),)


def read(
    notices: Notices, member: MemberId, until: Mark, notice: UUID | None = None
) -> tuple[NoticesEvent, ...]:
    """Mark as read what came up to some positions: all of it, or one entry alone."""
    if notice is None:
        mark = _later(notices.read, until)
        if mark == notices.read:
            return ()
        covered = [one for one, at in notices.singles.items() if _later(mark, at) == mark]
        return (NoticesRead(member, _pairs(mark), None, tuple(covered)),)
    before = notices.singles.get(notice, {})
    mark = _later(before, until)
    if mark == before or _later(notices.read, mark) == notices.read:
        return ()
    others = [one for one in notices.singles if one != notice]
    forgotten = others[: max(0, len(others) + 1 - SINGLES_MAX)]
    return (NoticesRead(member, _pairs(mark), notice, tuple(forgotten)),)


def _later(one: Mark, other: Mark) -> dict[int, int]:
    cells = one.keys() | other.keys()
    return {cell: max(one.get(cell, 0), other.get(cell, 0)) for cell in cells}


def _pairs(mark: Mark) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(mark.items()))
