"""
Commands about memberships: have one, end its renewal, let it rest, and what time does to it.

What was due is done first, also where no timer has come round yet; coins and membership move in one
append, in the member's cell.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from commands.relations import acting_member, stopping_member
from commands.types import Reason
from commands.work import Outcome, Work
from domain import membership_moves as decisions
from domain.account import ACCOUNT, Banned, Erased, account_stream
from domain.event import Refused
from domain.ids import LotId, MemberId, OrderId, StreamId, cell_of
from domain.membership import MEMBERSHIP, membership_stream
from domain.membership_course import Course, advance
from domain.membership_states import NeverHad, footing, growth, has_benefits
from domain.plans import PLANS, Months, Plan, level
from domain.sealed import KeyClass
from domain.wallet import WALLET, Wallet, wallet_stream


class Subscribe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    Renew by terms of so many months. ``extend`` pays a further term in any case; ``trial`` begins
    with free days.
    """

    months: Months
    extend: bool = False
    trial: bool = False


class RefundDays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Give back the days that have not begun, and end the membership."""

    reason: Reason


class FallDue(msgspec.Struct, frozen=True):
    """A timer's command: something is due of a membership."""

    membership: StreamId


async def subscribe(plan: Plan, command: Subscribe, work: Work) -> Outcome:
    """Buy, extend, resume, upgrade or downgrade: whatever it takes to have it so."""
    if command.extend and command.trial:
        raise Refused("extend-or-trial", "A trial is not extended.", "/trial")

    def decide(course: Course, at: datetime) -> None:
        charge = OrderId(work.mint(cell_of(course.member)))
        if command.trial:
            decisions.start_trial(course, charge, command.months, at)
        elif command.extend:
            decisions.extend(course, charge, command.months, at)
        else:
            decisions.subscribe(course, charge, command.months, at)

    return await _as_member(plan, work, decide)


async def cancel(plan: Plan, work: Work) -> Outcome:
    """End renewal; what was paid remains. Who is suspended need not go on paying."""
    return await _move(await stopping_member(work), plan, work, decisions.cancel)


async def pause(plan: Plan, work: Work) -> Outcome:
    """Let it rest, also while suspended: paid days would pass unused."""
    return await _move(await stopping_member(work), plan, work, decisions.pause)


async def resume(plan: Plan, work: Work) -> Outcome:
    """Go on."""
    return await _as_member(plan, work, decisions.resume)


async def refund_days(target: MemberId, plan: Plan, command: RefundDays, work: Work) -> Outcome:
    """Give back a member's unused days, into the very lots that paid them."""
    work.cell = cell_of(target)
    reason = await work.vault.seal(target, KeyClass.BILLING, command.reason)
    course, at = await _course(work, target, plan), work.context.effective_at
    if isinstance(course.membership, NeverHad):
        raise Refused("not-found")
    await _let_time_pass(work, course, at)
    decisions.refund(course, work.mint(work.cell), reason, at)
    return _done(work, course, status=201)


async def fall_due(command: FallDue, work: Work) -> Outcome:
    """What is due happens, as of the moment it was due; nothing is renewed for who is banned."""
    held = await work.load(MEMBERSHIP, command.membership)
    if isinstance(held, NeverHad):
        raise Refused("not-found")
    member, at = held.of.member, work.context.effective_at
    course = await _course(work, member, held.of.plan)
    await _let_time_pass(work, course, at)
    return _done(work, course)


async def revoke_days(
    work: Work, plan: Plan, lot: LotId, member: MemberId, wallet: Wallet
) -> Wallet:
    """Take away the days that a lot paid whose payment was taken back; the wallet after that."""
    at = work.context.effective_at
    membership = await work.load(MEMBERSHIP, membership_stream(member, plan))
    course = Course(member, plan, membership, wallet)
    await _let_time_pass(work, course, at)
    decisions.revoke(course, lot, at)
    _done(work, course)
    return course.wallet


async def _let_time_pass(work: Work, course: Course, at: datetime) -> None:
    account = await work.load(ACCOUNT, account_stream(course.member))
    if isinstance(account, Banned | Erased):
        decisions.close(course, at)
    else:
        advance(course, at)


async def privileges(work: Work, member: MemberId) -> tuple[bool, int | None]:
    """
    Whether the benefits of some plan hold, and the level of yellow while its own do. The command
    stands or falls with both.
    """
    held = await levels(work, member)
    return bool(held), held.get("yellow")


async def levels(work: Work, member: MemberId) -> dict[Plan, int]:
    """The levels of the plans whose benefits hold."""
    at, found = work.context.effective_at, dict[Plan, int]()
    for plan in PLANS:
        held = await work.load(MEMBERSHIP, membership_stream(member, plan))
        if has_benefits(held, at):
            found[plan] = level(growth(held, at))
    return found


async def _as_member(plan: Plan, work: Work, decide: Callable[[Course, datetime], None]) -> Outcome:
    return await _move(await acting_member(work), plan, work, decide)


async def _move(
    member: MemberId, plan: Plan, work: Work, decide: Callable[[Course, datetime], None]
) -> Outcome:
    at = work.context.effective_at
    course = await _course(work, member, plan)
    advance(course, at)
    decide(course, at)
    return _done(work, course)


async def _course(work: Work, member: MemberId, plan: Plan) -> Course:
    membership = await work.load(MEMBERSHIP, membership_stream(member, plan))
    return Course(member, plan, membership, await work.load(WALLET, wallet_stream(member)))


def _done(work: Work, course: Course, status: int = 200) -> Outcome:
    stream = membership_stream(course.member, course.plan)
    work.append(MEMBERSHIP, stream, course.member, course.events)
    work.append(WALLET, wallet_stream(course.member), course.member, course.moved)
    version = work.version(stream) + len(course.events)
    if not course.events and not isinstance(course.membership, NeverHad):
        version = course.membership.of.since
    return Outcome(stream, (stream, version), state=footing(course.membership).state, status=status)
