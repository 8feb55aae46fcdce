"""
Wrong claims: so many a day.
"""

from datetime import datetime

from domain import misclaim as decisions
from domain.misclaim import MISCLAIMS, MISCLAIMS_MAX, PaymentMisclaimed
from tests.domain.given import given
from tests.domain.people import ANNA

#: A second before the day ends in China, and its end.
LATE = datetime.fromisoformat("2026-11-28T15:59:59+00:00")
MIDNIGHT = datetime.fromisoformat("2026-11-28T16:00:00+00:00")


def wrong(at: datetime, day: str) -> PaymentMisclaimed:
    return PaymentMisclaimed(ANNA, "demo", day, at)


def test_being_wrong_counts_by_the_day_of_china() -> None:
    assert decisions.misclaim(ANNA, "demo", LATE) == (wrong(LATE, "2026-11-28"),)
    assert decisions.misclaim(ANNA, "demo", MIDNIGHT) == (wrong(MIDNIGHT, "2026-11-29"),)


def test_after_so_many_nothing_is_claimed_until_the_day_is_over() -> None:
    some = [wrong(LATE, "2026-11-28")] * (MISCLAIMS_MAX - 1)
    given(MISCLAIMS, *some).when(_claiming, LATE).then_nothing()
    many = given(MISCLAIMS, *some, wrong(LATE, "2026-11-28"))
    many.when(_claiming, LATE).then_refused("claims-exhausted", "/rail_ref")
    many.when(_claiming, MIDNIGHT).then_nothing()
    again = given(MISCLAIMS, *some, wrong(LATE, "2026-11-28"), wrong(MIDNIGHT, "2026-11-29"))
    again.when(_claiming, MIDNIGHT).then_nothing()


def _claiming(misclaims: decisions.Misclaims, at: datetime) -> tuple[PaymentMisclaimed, ...]:
    decisions.may_claim(misclaims, at)
    return ()
