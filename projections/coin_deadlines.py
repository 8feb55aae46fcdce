"""
Deadlines about money: payments that are pending, coins, holds and belongings that run out of time.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, get_args

from domain.belonging import (
    BelongingExpired,
    BelongingGained,
    BelongingRevoked,
    BelongingTakenBack,
)
from domain.event import Event, Recorded
from domain.ids import MemberId, derive
from domain.lots import Returned
from domain.membership_events import MembershipEvent
from domain.payment import PaymentClaimed, PaymentFailed, PaymentPending, PaymentSettled
from domain.wallet_events import (
    BonusExpired,
    BonusGranted,
    CoinsCaptured,
    CoinsHeld,
    CoinsRefunded,
    HoldVoided,
)
from projections.engine.deadlines import Arm, Arming, Disarm


def _claimed(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, PaymentClaimed | PaymentPending)
    if event.look_again_at is not None:
        yield Arm(recorded.stream, event.look_again_at, "payment-pending", recorded.stream)


def _known(recorded: Recorded) -> Iterator[Arm | Disarm]:
    yield Disarm(recorded.stream)


def _granted(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, BonusGranted)
    yield Arm(event.lot, event.expires_at, "lot-expires", event.member)


def _lot_expired(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, BonusExpired)
    yield Disarm(event.lot)


def _held(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, CoinsHeld)
    if event.gift:
        # The order ends with it: see commands.gifts.
        yield Arm(event.order, event.expires_at, "gift-expires", event.order)
    else:
        yield Arm(event.order, event.expires_at, "hold-expires", event.member)


def _captured(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, CoinsCaptured)
    if not event.kept:
        yield Disarm(event.order)


def _voided(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, HoldVoided)
    yield Disarm(event.order)
    yield from _returned(event.member, event.returned)


def _refunded(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, CoinsRefunded)
    yield from _returned(event.member, event.returned)


def _returned(member: MemberId, returned: Iterable[Returned]) -> Iterator[Arm]:
    """Expired coins that came back are a lot of their own, and expire again."""
    for one in returned:
        if one.expires_at is not None:
            yield Arm(one.into, one.expires_at, "lot-expires", member)


def _gained(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, BelongingGained)
    if event.expires_at is not None:
        yield Arm(recorded.stream, event.expires_at, "belonging-expires", recorded.stream)


def _membership(recorded: Recorded) -> Iterator[Arm | Disarm]:
    """Each event says when something is due next; there is one deadline a membership."""
    event = recorded.event
    assert isinstance(event, MembershipEvent)
    deadline = derive(recorded.cell, "membership-due", recorded.stream)
    if event.after.due is None:
        yield Disarm(deadline)
    else:
        yield Arm(deadline, event.after.due, "membership-due", recorded.stream)


OF_COINS: Final[Mapping[type[Event], Arming]] = {
    PaymentClaimed: _claimed,
    PaymentPending: _claimed,
    PaymentSettled: _known,
    PaymentFailed: _known,
    BonusGranted: _granted,
    BonusExpired: _lot_expired,
    CoinsHeld: _held,
    CoinsCaptured: _captured,
    HoldVoided: _voided,
    CoinsRefunded: _refunded,
    BelongingGained: _gained,
    BelongingTakenBack: _known,
    BelongingExpired: _known,
    BelongingRevoked: _known,
    **dict.fromkeys(get_args(MembershipEvent), _membership),
}
