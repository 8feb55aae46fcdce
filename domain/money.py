"""
Money in whole numbers: Q-coins (QC) and fen (CNY), two commodities that are never netted.

A share of something that cost money is cut so that what is taken and what is left always add up to
the whole, to the fen: there is no rounding loss to look for later.
"""

from datetime import date, datetime, timedelta, timezone
from typing import Final, Literal, TypeAlias

import msgspec

Commodity: TypeAlias = Literal["QC", "CNY"]

#: One Q-coin is one yuan.
FEN_PER_COIN: Final = 100

#: The most coins that one top-up, one grant or one order moves.
COINS_MAX: Final = 1_000_000

#: Limits by month and by age go by China's calendar, which knows no summer time.
CHINA: Final = timezone(timedelta(hours=8), "CST")


class Worth(msgspec.Struct, frozen=True):
    """
    Coins, and exactly what they cost.

    :param fen: for all of them together; 0 for bonus coins.
    """

    coins: int = 0
    fen: int = 0

    def share(self, coins: int) -> "Worth":
        """
        Some of the coins with their part of the cost, rounded down; the rest keeps the remainder.
        """
        if not 0 <= coins <= self.coins:
            raise ValueError("coins")
        return Worth(coins, self.fen * coins // self.coins if self.coins else 0)

    def plus(self, other: "Worth") -> "Worth":
        """Both together."""
        return Worth(self.coins + other.coins, self.fen + other.fen)

    def minus(self, other: "Worth") -> "Worth":
        """What is left without the other."""
        if other.coins > self.coins or other.fen > self.fen:
            raise ValueError("more than there is")
        return Worth(self.coins - other.coins, self.fen - other.fen)


def china_day(moment: datetime) -> date:
    """The calendar day in China."""
    return moment.astimezone(CHINA).date()


def china_month(moment: datetime) -> str:
    """The calendar month in China: ``2026-11``."""
    there = moment.astimezone(CHINA)
    return f"{there.year}-{there.month:02}"
