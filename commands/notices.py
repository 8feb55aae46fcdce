"""
Commands about a member's notices: which kinds are wanted, and how far they were read.
"""

from typing import Annotated, Final, TypeAlias
from uuid import UUID

import msgspec

from commands.relations import acting_member
from commands.work import Outcome, Work
from domain import notices as decisions
from domain.event import Refused
from domain.notices import NOTICES, NoticeKind, notices_stream

#: One position: a cell below 4096 and a number of at most 18 digits.
_ONE: Final = r"(0|[1-9][0-9]{0,2}|[1-3][0-9]{3}|40[0-8][0-9]|409[0-5])-(0|[1-9][0-9]{0,17})"

Until = Annotated[
    str,
    msgspec.Meta(
        min_length=3,
        max_length=512,
        pattern=f"^{_ONE}(,{_ONE})*$",
        examples=["0-12,3-45"],
        description="`until` of a notification, or of the count of unread ones.",
    ),
]


Wanted: TypeAlias = bool | msgspec.UnsetType


class ReadNotices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Mark as read what has come up to `until`: of all, or of the notification `id` alone."""

    until: Until
    id: UUID | None = None


class WantedKinds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whether each kind is wanted."""

    comment: Wanted = msgspec.UNSET
    reply: Wanted = msgspec.UNSET
    like: Wanted = msgspec.UNSET
    share: Wanted = msgspec.UNSET
    mention: Wanted = msgspec.UNSET
    message: Wanted = msgspec.UNSET
    friend_request: Wanted = msgspec.UNSET
    friend_accepted: Wanted = msgspec.UNSET
    gift: Wanted = msgspec.UNSET
    decision: Wanted = msgspec.UNSET
    badge: Wanted = msgspec.UNSET


class PreferNotices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which kinds are wanted; what is not named stays as it is."""

    kinds: WantedKinds


async def read(command: ReadNotices, work: Work) -> Outcome:
    """Mark notices as read."""
    member = await acting_member(work)
    stream = notices_stream(member)
    state = await work.load(NOTICES, stream)
    events = decisions.read(state, member, _positions(command.until, work.cells), command.id)
    work.append(NOTICES, stream, member, events)
    version = work.version(stream) + 1 if events else state.since
    return Outcome(member, (stream, version))


async def prefer(command: PreferNotices, work: Work) -> Outcome:
    """Say which kinds of notices are wanted."""
    member = await acting_member(work)
    stream = notices_stream(member)
    state = await work.load(NOTICES, stream)
    wanted: dict[NoticeKind, bool] = msgspec.to_builtins(command.kinds)
    events = decisions.prefer(state, member, wanted)
    work.append(NOTICES, stream, member, events)
    version = work.version(stream) + 1 if events else state.since
    return Outcome(member, (stream, version))


def _positions(until: str, cells: int) -> dict[int, int]:
    """
    The positions that a text of :data:`Until` names.

    :raises Refused: a cell that there is not, or one that is named twice.
    """
    pairs = [part.partition("-") for part in until.split(",")]
    mark = {int(cell): int(position) for cell, _, position in pairs}
    if len(mark) < len(pairs) or max(mark) >= cells:
        raise Refused("no-such-positions", "These are not positions of this service.", "/until")
    return mark
