"""
Commands of the timers that strikes and sanctions set, and how an account is settled afterwards.
"""

from uuid import UUID

import msgspec

from commands.work import Outcome, Work
from domain import standing as decisions
from domain.account import ACCOUNT, account_stream
from domain.ids import DecisionId, MemberId, cell_of
from domain.sanctions import settle
from domain.standing import STANDING, standing_stream
from domain.standing_events import StandingEvent


class ExpireStrike(msgspec.Struct, frozen=True):
    """A timer's command: a strike's time is over."""

    member: MemberId
    strike: DecisionId


class EndSanction(msgspec.Struct, frozen=True):
    """A timer's command: a sanction's time is over."""

    member: MemberId
    sanction: UUID


async def expire_strike(command: ExpireStrike, work: Work) -> Outcome:
    """End a strike whose time is over, if it still counts."""
    member, due = command.member, work.context.effective_at
    stream = standing_stream(member)
    work.cell = cell_of(member)
    standing = await work.load(STANDING, stream)
    events = decisions.expire_strike(standing, member, command.strike, due)
    work.append(STANDING, stream, member, events)
    return Outcome(member, (stream, work.version(stream)))


async def end_sanction(command: EndSanction, work: Work) -> Outcome:
    """End a sanction whose time is over, if it is still in force; others go on."""
    member, due = command.member, work.context.effective_at
    work.cell = cell_of(member)
    standing = await work.load(STANDING, standing_stream(member))
    await change_standing(
        work, member, decisions.end_sanction(standing, member, command.sanction, due)
    )
    return Outcome(member, (standing_stream(member), work.version(standing_stream(member))))


async def change_standing(work: Work, member: MemberId, events: tuple[StandingEvent, ...]) -> None:
    """Change a standing, and let the account follow."""
    stream = standing_stream(member)
    before = await work.load(STANDING, stream)
    account = await work.load(ACCOUNT, account_stream(member))
    work.append(STANDING, stream, member, events)
    settled = settle(account, before, events, work.context.effective_at)
    work.append(ACCOUNT, account_stream(member), member, settled)
