"""
Consents: given, withdrawn, and asked for.
"""

import pytest

from domain.consent import (
    CONSENTS,
    ConsentEvent,
    ConsentGiven,
    Consents,
    ConsentWithdrawn,
    consents_stream,
    require,
    settle,
)
from domain.event import Refused
from domain.ids import MemberId, cell_of
from tests.domain.given import given
from tests.domain.people import ANNA, BELA

GIVEN, WITHDRAWN = ConsentGiven(ANNA, "location"), ConsentWithdrawn(ANNA, "location")


def agree(consents: Consents, member: MemberId) -> tuple[ConsentEvent, ...]:
    return settle(consents, member, "location", agrees=True)


def disagree(consents: Consents, member: MemberId) -> tuple[ConsentEvent, ...]:
    return settle(consents, member, "location", agrees=False)


def test_a_member_agrees_and_takes_it_back() -> None:
    given(CONSENTS).when(agree, ANNA).then(GIVEN)
    given(CONSENTS, GIVEN).when(agree, ANNA).then_nothing()
    given(CONSENTS, GIVEN).when(disagree, ANNA).then(WITHDRAWN)
    given(CONSENTS).when(disagree, ANNA).then_nothing()
    assert given(CONSENTS, GIVEN, WITHDRAWN, GIVEN).state == Consents(frozenset({"location"}), 3)


def test_what_was_not_agreed_to_is_refused() -> None:
    require(Consents(frozenset({"location"}), 1), "location", "/location")
    with pytest.raises(Refused) as refused:
        require(Consents(), "location", "/location")
    assert (refused.value.problem, refused.value.field) == ("consent-missing", "/location")


def test_each_member_has_one_stream_in_their_own_cell() -> None:
    assert cell_of(consents_stream(ANNA)) == cell_of(ANNA)
    assert consents_stream(ANNA) != consents_stream(BELA)
