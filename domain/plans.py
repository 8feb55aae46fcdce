"""
The plans of membership: what they cost, how they make members grow, and what their levels bring.

Tables have a version, which is stored with whatever was decided by one; another price is another
table, and changes nothing that was bought.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal, TypeAlias

import msgspec

#: Yellow Diamond is for the space, Green Diamond for music.
Plan: TypeAlias = Literal["yellow", "green"]
PLANS: Final[tuple[Plan, ...]] = ("yellow", "green")

#: For how many months at once a membership is bought.
Months: TypeAlias = Literal[1, 3, 6, 12]

#: How long whoever never had a plan may try it.
TRIAL: Final = timedelta(days=7)
#: How long benefits last when a renewal could not be paid.
GRACE: Final = timedelta(days=7)
#: How long after a grace that nobody paid for there is no other.
GRACE_AGAIN: Final = timedelta(days=365)
#: When a renewal that could not be paid is tried again, each counted from the one before.
RETRIES: Final = (timedelta(days=2), timedelta(days=5), timedelta(days=7), timedelta(days=7))
#: How long a membership may rest in all until a further term is paid; then it goes on by itself.
PAUSE_MAX: Final = timedelta(days=90)
#: How far ahead a membership may be paid.
AHEAD_MAX: Final = timedelta(days=3 * 366)

_GB: Final = 1 << 30
#: What everybody has.
QUOTA_ORDINARY: Final = 3 * _GB
LEVEL_MAX: Final = 8


class Rate(msgspec.Struct, frozen=True):
    """What so many months cost in coins, and the points of growth for each day of them."""

    coins: int
    daily: int


class Table(msgspec.Struct, frozen=True):
    """
    One version of all that memberships go by.

    :param decay: points lost for each whole day without benefits.
    :param levels: from how many points on a level is reached, the first first.
    :param quotas: bytes of storage by level of yellow.
    """

    rates: Mapping[Plan, Mapping[Months, Rate]]
    decay: int
    levels: tuple[int, ...]
    quotas: tuple[int, ...]


TABLES: Final[Mapping[int, Table]] = {
    1: Table(
        rates={
            "yellow": {1: Rate(10, 10), 3: Rate(30, 10), 6: Rate(60, 10), 12: Rate(100, 15)},
            "green": {1: Rate(10, 10), 3: Rate(30, 10), 6: Rate(60, 10), 12: Rate(100, 15)},
        },
        decay=5,
        levels=(0, 600, 1_800, 3_600, 6_000, 10_800, 16_800, 24_000),
        quotas=tuple(size * _GB for size in (25, 50, 75, 100, 150, 200, 300, 500)),
    )
}
#: The one that is decided by now.
TABLE: Final = 1


def level(points: int, table: int = TABLE) -> int:
    """The level, 1 to 8, that so many points reach."""
    return sum(1 for least in TABLES[table].levels if points >= least)


def storage_quota(yellow_level: int | None, table: int = TABLE) -> int:
    """
    How many bytes a member may store.

    :param yellow_level: while yellow's benefits last; None without them.
    """
    return QUOTA_ORDINARY if yellow_level is None else TABLES[table].quotas[yellow_level - 1]
