"""
A member's erasure: nothing is destroyed before its time, nothing that is held, and all in the end.
"""

from datetime import UTC, datetime, timedelta

import pytest

from domain.erasure import (
    CLASSES,
    ERASURE,
    ClassDue,
    ErasureAsked,
    ErasureBegun,
    ErasureClassDestroyed,
    ErasureTakenBack,
    LegalHoldPlaced,
    LegalHoldReleased,
    Terms,
    ask,
    begin,
    begin_again,
    destroy,
    place_hold,
    release_hold,
    take_back,
)
from domain.ids import mint
from domain.sealed import KeyClass
from tests.domain.given import given
from tests.domain.people import ANNA, sealed

CONTENT, IDENTITY, MODERATION, BILLING = CLASSES
STAFF = mint(0, 4, 1)
NOW = datetime(2026, 11, 29, tzinfo=UTC)
DUE = NOW + timedelta(days=14)
TERMS = Terms()
WORDS = sealed("some words")
SCHEDULE = (
    ClassDue(CONTENT, DUE),
    ClassDue(IDENTITY, DUE),
    ClassDue(MODERATION, DUE + TERMS.moderation),
    ClassDue(BILLING, DUE + TERMS.billing),
)
ASKED = ErasureAsked(ANNA, DUE, ANNA)
BEGUN = ErasureBegun(ANNA, DUE, SCHEDULE)


def destroyed(key_class: KeyClass, at: datetime = DUE) -> ErasureClassDestroyed:
    return ErasureClassDestroyed(ANNA, key_class, at)


def test_who_asks_twice_waits_as_long_as_for_the_first_time() -> None:
    given(ERASURE).when(ask, ANNA, ANNA, DUE).then(ASKED)
    given(ERASURE, ASKED).when(ask, ANNA, STAFF, DUE + timedelta(1), WORDS).then_nothing()
    given(ERASURE, ASKED, BEGUN).when(ask, ANNA, ANNA, DUE).then_nothing()


def test_it_is_taken_back_while_it_waits_and_then_never() -> None:
    waiting = given(ERASURE, ASKED)
    waiting.when(take_back, ANNA, ANNA).then(ErasureTakenBack(ANNA, ANNA))
    waiting.when(take_back, ANNA, STAFF).then(ErasureTakenBack(ANNA, STAFF))
    given(ERASURE).when(take_back, ANNA, ANNA).then_nothing()
    given(ERASURE, ASKED, BEGUN).when(take_back, ANNA, ANNA).then_refused("erasure-begun")


def test_what_compliance_asked_for_a_member_does_not_take_back() -> None:
    waiting = given(ERASURE, ErasureAsked(ANNA, DUE, STAFF, WORDS))
    waiting.when(take_back, ANNA, ANNA).then_refused("not-yours")
    waiting.when(take_back, ANNA, STAFF).then(ErasureTakenBack(ANNA, STAFF))


def test_it_begins_when_it_is_due_and_at_no_other_moment() -> None:
    waiting = given(ERASURE, ASKED)
    waiting.when(begin, ANNA, DUE, TERMS).then(BEGUN)
    waiting.when(begin, ANNA, DUE - timedelta(1), TERMS).then_nothing()
    given(ERASURE, ASKED, BEGUN).when(begin, ANNA, DUE, TERMS).then_nothing()
    taken_back = given(ERASURE, ASKED, ErasureTakenBack(ANNA, ANNA))
    taken_back.when(begin, ANNA, DUE, TERMS).then_nothing()


def test_each_class_is_destroyed_in_its_own_time_once() -> None:
    begun = given(ERASURE, ASKED, BEGUN)
    begun.when(destroy, ANNA, CONTENT, DUE).then(destroyed(CONTENT))
    begun.when(destroy, ANNA, BILLING, DUE).then_nothing()
    late = DUE + TERMS.billing
    begun.when(destroy, ANNA, BILLING, late).then(destroyed(BILLING, late))
    again = given(ERASURE, ASKED, BEGUN, destroyed(CONTENT))
    again.when(destroy, ANNA, CONTENT, DUE).then_nothing()
    given(ERASURE, ASKED).when(destroy, ANNA, CONTENT, DUE).then_nothing()


def test_a_hold_stops_the_classes_it_names_and_its_release_sets_them_going() -> None:
    placed = LegalHoldPlaced(ANNA, (CONTENT, BILLING), WORDS, STAFF)
    given(ERASURE).when(place_hold, ANNA, (BILLING, CONTENT), WORDS, STAFF, NOW).then(placed)
    held = ErasureBegun(ANNA, DUE, SCHEDULE, (CONTENT, BILLING))
    given(ERASURE, placed, ASKED).when(begin, ANNA, DUE, TERMS).then(held)
    begun = given(ERASURE, placed, ASKED, held)
    begun.when(destroy, ANNA, CONTENT, DUE).then_nothing()
    begun.when(destroy, ANNA, IDENTITY, DUE).then(destroyed(IDENTITY))
    later = DUE + timedelta(days=400)
    freed = (ClassDue(CONTENT, later), ClassDue(BILLING, DUE + TERMS.billing))
    begun.when(release_hold, ANNA, STAFF, later).then(LegalHoldReleased(ANNA, STAFF, freed))
    released = given(ERASURE, placed, ASKED, held, LegalHoldReleased(ANNA, STAFF, freed))
    released.when(destroy, ANNA, CONTENT, later).then(destroyed(CONTENT, later))
    released.when(release_hold, ANNA, STAFF, later).then_nothing()


def test_another_hold_frees_what_it_does_not_name() -> None:
    placed = LegalHoldPlaced(ANNA, (CONTENT, IDENTITY), WORDS, STAFF)
    begun = given(ERASURE, placed, ASKED, ErasureBegun(ANNA, DUE, SCHEDULE, placed.classes))
    later = DUE + timedelta(days=1)
    begun.when(place_hold, ANNA, (IDENTITY,), WORDS, STAFF, later).then(
        LegalHoldPlaced(ANNA, (IDENTITY,), WORDS, STAFF, (ClassDue(CONTENT, later),))
    )
    begun.when(place_hold, ANNA, (IDENTITY, CONTENT), WORDS, STAFF, later).then_nothing()


@pytest.mark.parametrize("history", [(), (ASKED,)])
def test_a_log_older_than_the_destruction_is_told_of_it(
    history: tuple[ErasureAsked, ...],
) -> None:
    later = NOW + timedelta(days=1)
    schedule = tuple(ClassDue(one, later + TERMS.retention(one)) for one in CLASSES)
    restored = given(ERASURE, *history)
    restored.when(begin_again, ANNA, {CONTENT, MODERATION}, later, TERMS).then(
        ErasureBegun(ANNA, later, schedule, again=True),
        destroyed(CONTENT, later),
        destroyed(MODERATION, later),
    )
    told = given(ERASURE, ASKED, BEGUN, destroyed(CONTENT))
    told.when(begin_again, ANNA, {CONTENT}, later, TERMS).then_nothing()
    told.when(begin_again, ANNA, {CONTENT, IDENTITY}, later, TERMS).then(destroyed(IDENTITY, later))
