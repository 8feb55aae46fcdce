"""
Commands about visits: be in a space, take a visitor off one's list.

A visit writes to the visitor's cell alone; of the owner it reads whether they are there and have
blocked the visitor, and stands or falls with that.
"""

import msgspec

from commands.memberships import levels
from commands.relations import acting_member, other_member, relation
from commands.work import Outcome, Work
from domain import visit as decisions
from domain.audience import Public, visible
from domain.event import Refused
from domain.ids import MemberId
from domain.visit import REMOVAL, VISITS, removal_stream, visits_stream


class Visit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A visit; an ``invisible`` one, for members of Yellow Diamond, is counted and never listed."""

    invisible: bool = False


async def visit(space: MemberId, command: Visit, work: Work) -> Outcome:
    """Be in a member's space; in one's own it counts for nothing."""
    visitor = await acting_member(work)
    owner = await other_member(work, space)
    if not visible(True, Public(), await relation(work, visitor, owner, Public())):
        raise Refused("not-found")
    # Asked also where nothing comes of it, so that an answer tells whether one may.
    if command.invisible and "yellow" not in await levels(work, visitor):
        raise Refused("not-entitled", "Invisible visits take Yellow Diamond.", "/invisible")
    stream = visits_stream(visitor, owner)
    state = await work.load(VISITS, stream)
    at = work.context.effective_at
    events = decisions.visit(state, visitor, owner, at, unseen=command.invisible)
    work.append(VISITS, stream, visitor, events)
    version = work.version(stream) + len(events)
    if not events:
        return Outcome(owner, (stream, 0), state="own")
    return Outcome(owner, (stream, version), state="counted", status=201)


async def remove(visitor: MemberId, work: Work) -> Outcome:
    """Take a visitor off one's list; what was counted stays counted."""
    owner = await acting_member(work)
    stream = removal_stream(owner, visitor)
    removal = await work.load(REMOVAL, stream)
    visits = await work.load(VISITS, visits_stream(visitor, owner))
    events = decisions.remove(removal, visits, owner, visitor)
    work.append(REMOVAL, stream, owner, events)
    since = work.version(stream) + 1 if events else removal.since
    return Outcome(visitor, (stream, since), state="removed")
