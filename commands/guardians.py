"""
Commands for the guardians of minors, which staff give in their name.
"""

from typing import Annotated
from uuid import UUID

import msgspec

from commands.births import birth_date
from commands.directory import Directory
from commands.relations import check_id
from commands.types import Reason, Statement
from commands.work import Outcome, Work
from domain import belonging as belongings
from domain import order as decisions
from domain import wallet_moves
from domain.account import ACCOUNT, Nobody, account_stream
from domain.belonging import BELONGING, belonging_stream
from domain.guardian import GuardianClaim
from domain.ids import OrderId, cell_of
from domain.order import ORDER, order_stream
from domain.sealed import KeyClass
from domain.wallet import WALLET, wallet_stream


class RefundToGuardian(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    Undo what a minor bought. ``house_percent`` is the house's part of the fault, and so of what
    comes back; ``evidence`` is what says that it was a minor, and that this is the guardian.
    """

    reason: Reason
    evidence: Statement
    house_percent: Annotated[int, msgspec.Meta(ge=1, le=100, examples=[70])] = 100


class GuardianHandlers:
    """The handlers, over the directory of numbers, where birth dates are."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def refund(self, which: OrderId, command: RefundToGuardian, work: Work) -> Outcome:
        """
        Give back the house's part of what an order still holds, into the very lots it came from,
        and take back what it brought; once an order, whatever the buyer's standing.
        """
        check_id(work, which)
        work.cell = cell_of(which)
        stream, at, refund = order_stream(which), work.context.effective_at, work.mint(work.cell)
        order = decisions.fulfilled(await work.load(ORDER, stream))
        member, charge = order.member, order.charge
        account = await work.load(ACCOUNT, account_stream(member))
        born = None
        if not isinstance(account, Nobody):
            born = await birth_date(work, self._directory, account)
        seal = work.vault.seal
        reason = await seal(member, KeyClass.BILLING, command.reason)
        evidence = await seal(member, KeyClass.BILLING, command.evidence)
        claim = GuardianClaim(evidence, command.house_percent)
        events = decisions.refund_to_guardian(order, refund, born, claim, reason, at)
        if not events:
            return _refunded(which, order.guardian or refund, charge.refundable, order.since)
        (event,) = events
        wallet = await work.load(WALLET, wallet_stream(member))
        taken_at = charge.taken_at
        back = wallet_moves.refund(wallet, member, which, refund, event.parts, taken_at, at)
        work.append(ORDER, stream, member, events)
        work.append(WALLET, wallet_stream(member), member, back)
        if order.gift is None:
            # What was given is in another cell: a policy takes it back there.
            belonging = await work.load(BELONGING, belonging_stream(which))
            taken = belongings.take_back(belonging, refund, at)
            work.append(BELONGING, belonging_stream(which), member, taken)
        return _refunded(which, refund, event.left, work.version(stream) + 1)


def _refunded(which: OrderId, refund: UUID, left: int, version: int) -> Outcome:
    state = "partly_refunded" if left else "refunded"
    return Outcome(refund, (order_stream(which), version), state=state, status=201)
