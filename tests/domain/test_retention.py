"""
For how long what was deleted is kept, and that it goes once.
"""

from datetime import UTC, datetime, timedelta

import pytest

from domain.ids import cell_of
from domain.retention import (
    AGAIN,
    RETENTION,
    ContentDestroyed,
    ContentRetained,
    end,
    retain,
    retention_stream,
)
from tests.domain.given import given
from tests.domain.people import ANNA, BY_ANNA

DUE = datetime(2026, 12, 29, tzinfo=UTC)
EARLIER = DUE - timedelta(seconds=1)
RETAINED = ContentRetained(ANNA, "post", BY_ANNA, DUE)
FOR_A_CASE = ContentRetained(ANNA, "post", BY_ANNA, DUE + AGAIN, "case")
DESTROYED = ContentDestroyed(ANNA, "post", BY_ANNA, DUE)


def test_deleting_starts_the_clock_once() -> None:
    given(RETENTION).when(retain, ANNA, "post", BY_ANNA, DUE).then(RETAINED)
    for before in ((RETAINED,), (RETAINED, DESTROYED)):
        later = DUE + timedelta(days=1)
        given(RETENTION, *before).when(retain, ANNA, "post", BY_ANNA, later).then_nothing()


def test_it_goes_when_the_clock_has_run_out_and_not_before() -> None:
    given(RETENTION, RETAINED).when(end, EARLIER, None).then_nothing()
    given(RETENTION, RETAINED).when(end, DUE, None).then(DESTROYED)
    given(RETENTION, RETAINED, DESTROYED).when(end, DUE, None).then_nothing()


def test_what_was_never_deleted_is_never_destroyed() -> None:
    given(RETENTION).when(end, DUE, None).then_nothing()


@pytest.mark.parametrize("why", ["case", "hold"])
def test_what_somebody_needs_is_asked_for_again_later(why: str) -> None:
    again = ContentRetained(ANNA, "post", BY_ANNA, DUE + AGAIN, why)  # type: ignore[arg-type]
    given(RETENTION, RETAINED).when(end, DUE, why).then(again)  # type: ignore[arg-type]


def test_a_clock_that_was_set_again_does_not_end_at_its_first_hour() -> None:
    given(RETENTION, RETAINED, FOR_A_CASE).when(end, DUE, None).then_nothing()
    destroyed = ContentDestroyed(ANNA, "post", BY_ANNA, DUE + AGAIN)
    given(RETENTION, RETAINED, FOR_A_CASE).when(end, DUE + AGAIN, None).then(destroyed)


def test_its_clock_is_where_it_is() -> None:
    assert cell_of(retention_stream(BY_ANNA)) == cell_of(BY_ANNA)
