"""
A payment, as its rail knows it: claimed by one member, everywhere, and settled once. It may have
failed before that: what a rail calls failed, and what was given up, may still be paid.

A rail's reference must count once in all cells, so it is a stream of its own in the directory cell,
named by the reference's keyed digest alone. When it is settled, a policy puts the coins into the
wallet of whoever claimed it, in that member's cell.
"""

from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, assert_never

import msgspec

from domain.account import DIRECTORY_CELL
from domain.event import Aggregate, Event, Refused
from domain.ids import LotId, MemberId, PaymentId, StreamId, derive
from domain.money import FEN_PER_COIN, Worth
from domain.sealed import Sealed

#: What a rail says of a reference; ``unknown`` is one that it has never heard of.
RailState: TypeAlias = Literal[
    "paid", "pending", "failed", "unknown", "refunded", "disputed", "charged_back"
]

#: Whose the money of a settled payment is: ours, or given back, or withheld while its payer
#: disputes it, or lost to that. It may turn more than once.
Holding: TypeAlias = Literal["paid", "refunded", "disputed", "charged_back"]

#: How long after one look the next is taken at a payment that its rail says is pending; after the
#: last of them it has failed, and is looked at only when somebody says that there is news.
LOOKS: Final = (
    *(timedelta(seconds=5),) * 3,
    *(timedelta(minutes=1),) * 5,
    *(timedelta(minutes=30),) * 6,
    *(timedelta(hours=6),) * 28,
)


class PaymentClaimed(Event, frozen=True, tag="payment.claimed.v1"):
    """
    A member says that this payment was theirs, and how many coins it is to buy.

    :param look_again_at: when its rail is asked next; None when it has settled already.
    """

    member: MemberId
    rail: str
    reference: Sealed[str]
    coins: int
    fen: int
    effective_at: datetime
    look_again_at: datetime | None = None


class PaymentPending(Event, frozen=True, tag="payment.pending.v1"):
    """Its rail was asked again, for the ``looks``-th time, and does not know yet."""

    member: MemberId
    looks: int
    look_again_at: datetime


class PaymentSettled(Event, frozen=True, tag="payment.settled.v1"):
    """Its rail has the money: coins are owed to the member."""

    member: MemberId
    rail: str
    coins: int
    fen: int
    effective_at: datetime


class PaymentFailed(Event, frozen=True, tag="payment.failed.v1"):
    """Its rail says that it came to nothing, or never said anything else than to wait."""

    member: MemberId
    why: Literal["failed", "expired"]
    effective_at: datetime


class PaymentTurned(Event, frozen=True, tag="payment.turned.v1"):
    """Its rail says that the money is somebody else's now, or ours again: the ``turn``-th time."""

    member: MemberId
    lot: LotId
    rail: str
    coins: int
    fen: int
    was: Holding
    now: Holding
    turn: int
    effective_at: datetime


PaymentEvent: TypeAlias = (
    PaymentClaimed | PaymentPending | PaymentSettled | PaymentFailed | PaymentTurned
)


class Unclaimed(msgspec.Struct, frozen=True):
    """Nobody says that it is theirs."""


class Waiting(msgspec.Struct, frozen=True):
    """Claimed; its rail does not know yet. It has been asked again ``looks`` times."""

    claim: PaymentClaimed
    looks: int = 0


class Settled(msgspec.Struct, frozen=True):
    """Its rail had the money; ``now`` says whose it is after so many turns."""

    claim: PaymentClaimed
    now: Holding = "paid"
    turn: int = 0


class Failed(msgspec.Struct, frozen=True):
    """It came to nothing, and is not looked at any longer; but its money may still come."""

    claim: PaymentClaimed


Payment: TypeAlias = Unclaimed | Waiting | Settled | Failed


def evolve(payment: Payment, event: PaymentEvent, version: int) -> Payment:
    """The payment after one more event."""
    if isinstance(event, PaymentClaimed):
        return Waiting(event)
    if isinstance(payment, Unclaimed):
        return payment
    match event:
        case PaymentPending(looks=looks):
            return Waiting(payment.claim, looks)
        case PaymentSettled():
            return Settled(payment.claim)
        case PaymentFailed():
            return Failed(payment.claim)
        case PaymentTurned(now=now, turn=turn):
            return Settled(payment.claim, now, turn)


PAYMENT: Aggregate[Payment] = Aggregate("payment", Unclaimed(), evolve)


def payment_of(rail: str, blinded: bytes) -> PaymentId:
    """The payment with a rail's reference, given the reference's keyed digest."""
    return PaymentId(derive(DIRECTORY_CELL, "payment", rail.encode(), blinded))


def payment_stream(payment: PaymentId) -> StreamId:
    """A payment's stream bears its own id."""
    return StreamId(payment)


# Decisions


def claim(
    payment: Payment,
    claimed: PaymentClaimed,
    state: RailState,
    paid_fen: int,
) -> tuple[PaymentEvent, ...]:
    """
    Take a payment that nobody has claimed; the same member's same claim again changes nothing
    (:func:`hasten` does, if there is news).

    :param state: what its rail says of it, and ``paid_fen``, over how much; of no account when it
        is claimed already.
    :raises Refused: it is somebody else's, or was claimed for other coins, or there is no such
        payment over that amount, or it has failed.
    """
    if not isinstance(payment, Unclaimed):
        mine = payment.claim
        if (mine.member, mine.coins) != (claimed.member, claimed.coins):
            raise Refused("rail-ref-used", "This payment has been used before.", "/rail_ref")
        return ()
    if not borne_out(claimed, state, paid_fen):
        raise unknown()
    match state:
        case "paid":
            claimed = msgspec.structs.replace(claimed, look_again_at=None)
            return (claimed, _settled(claimed, claimed.effective_at))
        case "pending":
            again = claimed.effective_at + LOOKS[0]
            return (msgspec.structs.replace(claimed, look_again_at=again),)
        case "failed" | "refunded" | "disputed" | "charged_back":
            raise failed()
        case "unknown":
            raise unknown()
        case _:
            assert_never(state)


def borne_out(claimed: PaymentClaimed, state: RailState, paid_fen: int) -> bool:
    """
    Whether a rail knows a payment such as is claimed. One over another amount is as good as none:
    an answer that told the two apart would tell whoever guesses that a reference is good.
    """
    return state != "unknown" and paid_fen == claimed.fen


def unknown() -> Refused:
    """What whoever claims it hears of a payment that their rail does not know, or not so."""
    return Refused("no-such-payment", "The rail knows no such payment of yours.", "/rail_ref")


def look_again(
    payment: Payment, state: RailState, paid_fen: int, at: datetime
) -> tuple[PaymentEvent, ...]:
    """What became of a payment that its rail did not know of yet."""
    if not isinstance(payment, Waiting):
        return ()
    claimed = payment.claim
    if state == "paid" and paid_fen == claimed.fen:
        return (_settled(claimed, at),)
    if state not in ("pending", "unknown"):
        return (PaymentFailed(claimed.member, "failed", at),)
    looks = payment.looks + 1
    if looks == len(LOOKS):
        return (PaymentFailed(claimed.member, "expired", at),)
    return (PaymentPending(claimed.member, looks, at + LOOKS[looks]),)


def hasten(
    payment: Waiting | Failed, state: RailState, paid_fen: int, at: datetime
) -> tuple[PaymentEvent, ...]:
    """
    As :func:`look_again`, out of turn: unless there is news, the next look stays as it is. A
    payment that has failed is settled, once, if its money came after all.
    """
    if isinstance(payment, Failed):
        claimed = payment.claim
        paid = state == "paid" and paid_fen == claimed.fen
        return (_settled(claimed, at),) if paid else ()
    return () if state in ("pending", "unknown") else look_again(payment, state, paid_fen, at)


def turn(payment: Settled, lot: LotId, state: RailState, at: datetime) -> tuple[PaymentEvent, ...]:
    """
    A settled payment's rail was asked again: whose the money is, if that has changed.

    :param lot: what the payment bought.
    """
    if state == "pending" or state == "failed" or state == "unknown" or state == payment.now:
        return ()
    claimed = payment.claim
    return (
        PaymentTurned(
            member=claimed.member,
            lot=lot,
            rail=claimed.rail,
            coins=claimed.coins,
            fen=claimed.fen,
            was=payment.now,
            now=state,
            turn=payment.turn + 1,
            effective_at=at,
        ),
    )


def failed() -> Refused:
    """What its claimant hears of a payment that came to nothing."""
    return Refused("payment-failed", "The payment came to nothing.", "/rail_ref")


def _settled(claimed: PaymentClaimed, at: datetime) -> PaymentSettled:
    return PaymentSettled(claimed.member, claimed.rail, claimed.coins, claimed.fen, at)


def price_of(coins: int) -> int:
    """What coins cost, in fen."""
    return coins * FEN_PER_COIN


def worth_of(settled: PaymentSettled) -> Worth:
    """What a settled payment bought."""
    return Worth(settled.coins, settled.fen)
