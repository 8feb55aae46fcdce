"""
Timers: what happens later, because an event said so.

An event arms a deadline; when it is due, a timer issues a command keyed by (deadline, due) that
decides for the moment it was due, so that a late or a double run changes nothing.
"""

from datetime import datetime
from uuid import UUID

from commands.accounts import AccountHandlers, ReinstateAccount
from commands.cases import FallOverdue, LapseClaim, fall_overdue, lapse_claim
from commands.executor import Executor
from commands.ports import IdempotencyKey
from commands.rules import EndLevel, RuleHandlers
from commands.standings import EndSanction, ExpireStrike, end_sanction, expire_strike
from commands.work import Context
from domain.event import Refused
from domain.ids import CaseId, DecisionId, MemberId, StreamId, cell_of, derive

TIMER_ACTOR = derive(0, "timer", b"homezone")


class Timers:
    """What each kind of deadline does when it is due."""

    def __init__(self, executor: Executor, accounts: AccountHandlers, rules: RuleHandlers) -> None:
        self._executor = executor
        self._accounts = accounts
        self._rules = rules

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
            match kind:
                case "suspension-ends":
                    reinstate = ReinstateAccount(MemberId(subject), StreamId(deadline))
                    await self._executor.execute(self._accounts.reinstate, reinstate, context)
                case "level-ends":
                    await self._executor.execute(self._rules.end_level, EndLevel(due), context)
                case "claim-lapses":
                    await self._executor.execute(lapse_claim, LapseClaim(CaseId(subject)), context)
                case "promise-due":
                    overdue = FallOverdue(CaseId(subject))
                    await self._executor.execute(fall_overdue, overdue, context)
                case "strike-expires":
                    expire = ExpireStrike(MemberId(subject), DecisionId(deadline))
                    await self._executor.execute(expire_strike, expire, context)
                case "sanction-ends":
                    end = EndSanction(MemberId(subject), deadline)
                    await self._executor.execute(end_sanction, end, context)
                case _:
                    raise AssertionError(f"no timer for deadlines of kind {kind}")
        except Refused:
            # The refusal is kept under the command's key; the deadline has been answered.
            return
