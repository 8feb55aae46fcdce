"""
Policies: what the system itself does in answer to an event, across cells.

A policy's command takes its id and its idempotency key from the event it answers, so delivering an
event again does nothing. Policies never run in a replay.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from commands import gifts
from commands.accounts import AccountHandlers, OpenAccount
from commands.chargebacks import RecoverLot, RecoveryHandlers, TurnLot, turn
from commands.circles import HearFriend, hear_friend
from commands.executor import Executor, Handler
from commands.gifts import HearOfGift
from commands.ports import IdempotencyKey
from commands.rules import Activate, RuleHandlers
from commands.wallets import CreditWallet, credit
from commands.work import Context
from domain.account_events import NumberClaimed
from domain.circle import FriendAccepted, FriendAsked, FriendEnded
from domain.event import Event, Recorded, Refused
from domain.gift import GiftAccepted, GiftOffered, GiftReturned
from domain.ids import OrderId, PaymentId, cell_of, derive
from domain.order import OrderRefunded, OrderRestored, OrderRevoked
from domain.payment import PaymentSettled, PaymentTurned, worth_of
from domain.reversal_events import LotReversed
from domain.rulebook import LevelEnded, LevelRaised, SetAdopted

#: The command that answers an event, its handler, and the cell it writes to.
Reaction = tuple[Any, Handler[Any], int]


#: What the recipient's cell has to hear of, where an order is a gift.
_OF_GIFTS = (GiftOffered, GiftAccepted, GiftReturned, OrderRefunded, OrderRevoked, OrderRestored)


class Policy:
    """
    Answers events of some types with a command each.

    :param types: the events it answers.
    :param answer: the reactions to one of them, at most one in a cell.
    """

    #: Whether it is enough that it answers when the runner looks by itself, and nobody is woken.
    patient = False

    def __init__(
        self,
        name: str,
        types: frozenset[type[Event]],
        answer: Callable[[Recorded], Sequence[Reaction]],
        executor: Executor,
    ) -> None:
        self.name = name
        self.types = types
        self._answer = answer
        self._executor = executor
        self._actor = derive(0, "policy", name.encode())

    async def react(self, recorded: Recorded) -> None:
        """Issue the commands that answer an event; again, if need be."""
        reactions = self._answer(recorded)
        if len(reactions) == 1:
            await self._issue(recorded, reactions[0])
        elif reactions:
            issued = (self._issue(recorded, reaction) for reaction in reactions)
            done = await asyncio.gather(*issued, return_exceptions=True)
            for failed in (one for one in done if isinstance(one, BaseException)):
                raise failed

    def forget(self) -> None:
        """Who runs it starts anew: what it remembers of events before may not be all there was."""

    async def _issue(self, recorded: Recorded, reaction: Reaction, which: str = "") -> None:
        command, handler, cell = reaction
        context = self.context(recorded, cell, which)
        try:
            await self._executor.execute(handler, command, context)
        except Refused:
            # The refusal is kept under the command's key; there is nothing to undo.
            return

    def context(self, recorded: Recorded, cell: int, which: str = "") -> Context:
        """
        In whose name the policy answers an event: its own, for ever the same.

        :param which: tells answers in one cell apart, where an event has several.
        """
        version, name = recorded.version.to_bytes(8, "big"), f"{self.name}{which and '/'}{which}"
        command = derive(cell, f"policy/{name}", recorded.stream, version)
        key = f"{name}/{recorded.stream}/{recorded.version}"
        return Context(
            actor=self._actor,
            cell=cell,
            command=command,
            correlation=recorded.correlation,
            causation=recorded.command,
            effective_at=recorded.recorded_at,
            key=IdempotencyKey(self._actor, key, command.bytes, None),
        )


def policies(
    executor: Executor, accounts: AccountHandlers, rules: RuleHandlers, cells: int
) -> tuple[Policy, ...]:
    """All policies there are."""

    def opening(recorded: Recorded) -> Sequence[Reaction]:
        event = recorded.event
        assert isinstance(event, NumberClaimed)
        command = OpenAccount(event.member, event.identity)
        return ((command, accounts.open, cell_of(event.member)),)

    def activating(_: Recorded) -> Sequence[Reaction]:
        return [(Activate(cell), rules.activate, cell) for cell in range(cells)]

    recovery = RecoveryHandlers(executor.log)

    def recovering(recorded: Recorded) -> Sequence[Reaction]:
        event = recorded.event
        assert isinstance(event, LotReversed)
        command = RecoverLot(event.member, event.lot, recorded.version)
        return ((command, recovery.recover, cell_of(event.member)),)

    return (
        Policy(
            "activate-rules", frozenset({SetAdopted, LevelRaised, LevelEnded}), activating, executor
        ),
        Policy("open-account", frozenset({NumberClaimed}), opening, executor),
        Policy(
            "carry-friendship",
            frozenset({FriendAsked, FriendAccepted, FriendEnded}),
            _carry_friendship,
            executor,
        ),
        Policy("credit-wallet", frozenset({PaymentSettled}), _credit, executor),
        Policy("turn-lot", frozenset({PaymentTurned}), _turn, executor),
        Policy("recover-lot", frozenset({LotReversed}), recovering, executor),
        Policy(
            "carry-gift",
            frozenset(_OF_GIFTS),
            _carry_gift,
            executor,
        ),
    )


def _credit(recorded: Recorded) -> Sequence[Reaction]:
    """Coins for whoever claimed the payment; see domain.payment."""
    event = recorded.event
    assert isinstance(event, PaymentSettled)
    payment = PaymentId(recorded.stream)
    command = CreditWallet(event.member, payment, event.rail, worth_of(event))
    return ((command, credit, cell_of(event.member)),)


def _turn(recorded: Recorded) -> Sequence[Reaction]:
    """Whose the money of a payment is, for the lot that it bought; see commands.chargebacks."""
    event = recorded.event
    assert isinstance(event, PaymentTurned)
    command = TurnLot(event.member, PaymentId(recorded.stream))
    return ((command, turn, cell_of(event.member)),)


def _carry_gift(recorded: Recorded) -> Sequence[Reaction]:
    """Tell the recipient's cell; see domain.received_gift."""
    event = recorded.event
    assert isinstance(event, _OF_GIFTS)
    recipient = event.recipient
    if recipient is None:
        return ()
    command = HearOfGift(OrderId(recorded.stream), recipient)
    return ((command, gifts.hear, cell_of(recipient)),)


def _carry_friendship(recorded: Recorded) -> Sequence[Reaction]:
    """Tell the other half; see domain.circle."""
    event = recorded.event
    bond: UUID
    match event:
        case FriendAsked(member=member, other=other, bond=bond):
            command = HearFriend(other, member, bond, "asked")
        case FriendAccepted(member=member, other=other, bond=bond):
            command = HearFriend(other, member, bond, "accepted")
        case FriendEnded(member=member, other=other, bond=bond, how=how):
            command = HearFriend(other, member, bond, "ended", how)
        case _:
            return ()
    return ((command, hear_friend, cell_of(command.member)),)
