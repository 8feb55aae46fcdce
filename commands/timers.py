"""
Timers: what happens later, because an event said so.

An event arms a deadline; when it is due, a timer issues a command keyed by (deadline, due) that
decides for the moment it was due, so that a late or a double run changes nothing.
"""

from datetime import datetime
from uuid import UUID

from commands import gifts
from commands.accounts import AccountHandlers, ReinstateAccount
from commands.badges import AwardBadge, award
from commands.cases import FallOverdue, LapseClaim, fall_overdue, lapse_claim
from commands.erasures import BeginErasure, DestroyClass, ErasureHandlers, destroy_class
from commands.executor import Executor
from commands.gifts import ExpireGift
from commands.memberships import FallDue, fall_due
from commands.payments import LookAgain, PaymentHandlers
from commands.polls import ClosePoll
from commands.polls import close as close_poll
from commands.ports import IdempotencyKey
from commands.retentions import EndRetention, end_retention
from commands.rules import EndLevel, RuleHandlers
from commands.standings import EndSanction, ExpireStrike, end_sanction, expire_strike
from commands.wallets import (
    ExpireBelonging,
    ExpireHold,
    ExpireLot,
    expire_belonging,
    expire_hold,
    expire_lot,
)
from commands.work import Context
from domain.badge import DAYS
from domain.erasure import DESTRUCTIONS
from domain.event import Refused
from domain.ids import (
    CaseId,
    DecisionId,
    LotId,
    MemberId,
    OrderId,
    PaymentId,
    PostId,
    StreamId,
    cell_of,
    derive,
)

TIMER_ACTOR = derive(0, "timer", b"homezone")


class Timers:
    """What each kind of deadline does when it is due."""

    def __init__(
        self,
        executor: Executor,
        accounts: AccountHandlers,
        rules: RuleHandlers,
        payments: PaymentHandlers,
        erasures: ErasureHandlers,
    ) -> None:
        self._executor = executor
        self._erasures = erasures
        self._accounts = accounts
        self._rules = rules
        self._payments = payments

    async def fire(self, kind: str, deadline: UUID, subject: UUID, due: datetime) -> None:
        """
        Do what a deadline is for.

        :param subject: the member, or the thing, that it is about.
        """
        cell = cell_of(subject)
        stamp = int(due.timestamp() * 1_000_000)
        command = derive(cell, "timer", deadline, stamp.to_bytes(8, "big"))
        context = Context(
            actor=TIMER_ACTOR,
            cell=cell,
            command=command,
            correlation=command,
            effective_at=due,
            key=IdempotencyKey(TIMER_ACTOR, f"{deadline}/{stamp}", command.bytes, None),
        )
        try:
            await self._issue(kind, deadline, subject, context)
        except Refused:
            # The refusal is kept under the command's key; the deadline has been answered.
            return

    async def _issue(self, kind: str, deadline: UUID, subject: UUID, context: Context) -> None:
        """The command that answers a deadline of some kind."""
        execute = self._executor.execute
        match kind:
            case "suspension-ends":
                reinstate = ReinstateAccount(MemberId(subject), StreamId(deadline))
                await execute(self._accounts.reinstate, reinstate, context)
            case "level-ends":
                await execute(self._rules.end_level, EndLevel(context.effective_at), context)
            case "claim-lapses":
                await execute(lapse_claim, LapseClaim(CaseId(subject)), context)
            case "promise-due":
                await execute(fall_overdue, FallOverdue(CaseId(subject)), context)
            case "strike-expires":
                expire = ExpireStrike(MemberId(subject), DecisionId(deadline))
                await execute(expire_strike, expire, context)
            case "poll-closes":
                await execute(close_poll, ClosePoll(PostId(subject)), context)
            case "erasure-due":
                begin = BeginErasure(MemberId(subject))
                await execute(self._erasures.begin, begin, context)
            case _ if kind in DESTRUCTIONS:
                destroy = DestroyClass(MemberId(subject), DESTRUCTIONS[kind])
                await execute(destroy_class, destroy, context)
            case "sanction-ends":
                await execute(end_sanction, EndSanction(MemberId(subject), deadline), context)
            case "retention-ends":
                end = EndRetention(StreamId(subject))
                await execute(end_retention, end, context)
            case _ if kind in DAYS:
                await execute(award, AwardBadge(MemberId(subject), kind), context)
            case _:
                await self._issue_of_money(kind, deadline, subject, context)

    async def _issue_of_money(
        self, kind: str, deadline: UUID, subject: UUID, context: Context
    ) -> None:
        execute = self._executor.execute
        match kind:
            case "payment-pending":
                again = LookAgain(PaymentId(subject))
                await execute(self._payments.look_again, again, context)
            case "lot-expires":
                lot = ExpireLot(MemberId(subject), LotId(deadline))
                await execute(expire_lot, lot, context)
            case "hold-expires":
                held = ExpireHold(MemberId(subject), OrderId(deadline))
                await execute(expire_hold, held, context)
            case "gift-expires":
                await execute(gifts.expire, ExpireGift(OrderId(subject)), context)
            case "membership-due":
                await execute(fall_due, FallDue(StreamId(subject)), context)
            case "belonging-expires":
                await execute(expire_belonging, ExpireBelonging(StreamId(subject)), context)
            case _:
                raise AssertionError(f"no timer for deadlines of kind {kind}")
