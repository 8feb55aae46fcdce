"""
What the coins of a lot were spent on.

A wallet does not remember its orders, so that it need not grow with them; its own history does.
"""

from collections.abc import Iterable

from domain.event import Event
from domain.ids import LotId, OrderId
from domain.plans import Plan
from domain.wallet_events import CoinsCaptured, CoinsSpent


def plans_of(history: Iterable[Event], lot: LotId) -> tuple[Plan, ...]:
    """
    The plans whose days took coins of a lot.

    :param history: of the wallet.
    """
    found = [
        event.service.plan
        for event in history
        if isinstance(event, CoinsSpent)
        and event.service is not None
        and any(part.lot == lot for part in event.parts)
    ]
    return tuple(dict.fromkeys(found))


def orders_of(history: Iterable[Event], lot: LotId) -> tuple[OrderId, ...]:
    """
    The orders that took coins of a lot, the latest first.

    :param history: of the wallet.
    """
    found = [
        event.order
        for event in history
        if isinstance(event, CoinsSpent | CoinsCaptured)
        and any(part.lot == lot for part in event.parts)
    ]
    return tuple(dict.fromkeys(reversed(found)))
