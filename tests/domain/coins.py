"""
What tests of money have in common: Anna's wallet, and moments to fill and empty it.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.ids import LotId, OrderId, PaymentId, mint
from domain.lots import Part
from domain.wallet import lot_of
from domain.wallet_events import BonusGranted, WalletToppedUp
from tests.domain.people import ANNA, sealed

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def payment(number: int) -> PaymentId:
    """A payment, on its stream in the directory cell."""
    return PaymentId(mint(1_790_000_400_000, 0, number))


def order(number: int) -> OrderId:
    """One of Anna's orders."""
    return OrderId(mint(1_790_000_500_000, 1, number))


def refund_id(number: int) -> UUID:
    """A refund, as whoever asks for it names it."""
    return mint(1_790_000_600_000, 1, number)


def bought_lot(number: int) -> LotId:
    """The lot that a payment buys."""
    return lot_of(payment(number), ANNA)


def bonus_lot(number: int) -> LotId:
    """A lot that was granted."""
    return LotId(mint(1_790_000_700_000, 1, number))


def bought(number: int, coins: int, fen: int | None = None, at: datetime = NOON) -> WalletToppedUp:
    """A payment bought coins, at a yuan each unless said otherwise."""
    cost = coins * 100 if fen is None else fen
    return WalletToppedUp(ANNA, bought_lot(number), payment(number), "demo", coins, cost, at)


def granted(number: int, coins: int, days: int, at: datetime = NOON) -> BonusGranted:
    """Coins were granted for some days."""
    return BonusGranted(ANNA, bonus_lot(number), coins, at + days * DAY, sealed("hello"), at)


def paid(number: int, coins: int) -> Part:
    """Coins of a bought lot, at a yuan each."""
    return Part(bought_lot(number), "paid", coins, coins * 100)


def bonus(number: int, coins: int) -> Part:
    """Coins of a granted lot."""
    return Part(bonus_lot(number), "bonus", coins, 0)
