"""
Visits: each counted once, one's own not at all, and what an owner takes off the list.
"""

from datetime import UTC, date, datetime

import pytest

from domain.visit import (
    REMOVAL,
    VISITS,
    VisitMade,
    VisitMadeUnseen,
    VisitorRemoved,
    day_of,
    remove,
    visit,
    visits_stream,
)
from tests.domain.given import given
from tests.domain.people import ANNA, BELA

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
FIRST, SECOND = VisitMade(BELA, ANNA, 1), VisitMade(BELA, ANNA, 2)
UNSEEN = VisitMadeUnseen(BELA, ANNA, NOON)


def test_each_visit_says_which_it_is() -> None:
    given(VISITS).when(visit, BELA, ANNA, NOON, unseen=False).then(FIRST)
    given(VISITS, FIRST).when(visit, BELA, ANNA, NOON, unseen=False).then(SECOND)


def test_an_unseen_visit_is_none_that_its_owner_may_know_of() -> None:
    given(VISITS, FIRST).when(visit, BELA, ANNA, NOON, unseen=True).then(UNSEEN)
    given(VISITS, FIRST, UNSEEN).when(visit, BELA, ANNA, NOON, unseen=False).then(SECOND)


@pytest.mark.parametrize("unseen", [True, False])
def test_nobody_visits_their_own_space(unseen: bool) -> None:
    given(VISITS).when(visit, ANNA, ANNA, NOON, unseen=unseen).then_nothing()


def test_all_visits_so_far_are_taken_off_the_list() -> None:
    visits = given(VISITS, FIRST, SECOND).state
    removed = VisitorRemoved(ANNA, BELA, 2)
    given(REMOVAL).when(remove, visits, ANNA, BELA).then(removed)
    given(REMOVAL, removed).when(remove, visits, ANNA, BELA).then_nothing()
    again = given(VISITS, FIRST, SECOND, VisitMade(BELA, ANNA, 3)).state
    given(REMOVAL, removed).when(remove, again, ANNA, BELA).then(VisitorRemoved(ANNA, BELA, 3))


def test_who_only_came_unseen_looks_like_who_never_came() -> None:
    for visits in (given(VISITS).state, given(VISITS, UNSEEN).state):
        given(REMOVAL).when(remove, visits, ANNA, BELA).then_refused("not-found")


def test_two_members_have_one_stream_each_way() -> None:
    assert visits_stream(ANNA, BELA) == visits_stream(ANNA, BELA) != visits_stream(BELA, ANNA)


def test_a_day_begins_at_midnight_in_china() -> None:
    moments = [datetime(2026, 11, 28, 15, 59, tzinfo=UTC), datetime(2026, 11, 28, 16, tzinfo=UTC)]
    first, second = map(day_of, moments)
    assert (first, second) == (date(2026, 11, 28).toordinal(), date(2026, 11, 29).toordinal())
