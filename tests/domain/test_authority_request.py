"""
Requests by authorities: each is answered or refused, once.
"""

from datetime import UTC, datetime

import pytest

from domain.authority_request import (
    AUTHORITY_REQUEST,
    Closed,
    Open,
    RequestAnswered,
    RequestReceived,
    RequestRefused,
    answer,
    refuse,
)
from domain.ids import mint
from tests.domain.given import given
from tests.domain.people import sealed

STAFF = mint(0, 4, 1)
AT = datetime(2026, 11, 20, tzinfo=UTC)
WORDS = sealed("some words")
RECEIVED = RequestReceived("real_name", AT, WORDS, WORDS, WORDS, STAFF)
ANSWERED = RequestAnswered("real_name", AT, "partial", WORDS, WORDS, STAFF)
REFUSED = RequestRefused("real_name", AT, WORDS, STAFF)


def test_what_waits_is_answered_or_refused_as_what_it_was() -> None:
    asked = given(AUTHORITY_REQUEST, RECEIVED)
    assert asked.state == Open("real_name", AT)
    asked.when(answer, "partial", WORDS, WORDS, STAFF).then(ANSWERED)
    asked.when(refuse, WORDS, STAFF).then(REFUSED)


@pytest.mark.parametrize("end", [ANSWERED, REFUSED])
def test_what_has_ended_ends_no_other_way(end: RequestAnswered | RequestRefused) -> None:
    ended = given(AUTHORITY_REQUEST, RECEIVED, end)
    assert isinstance(ended.state, Closed)
    ended.when(answer, "full", WORDS, WORDS, STAFF).then_refused("request-closed")
    ended.when(refuse, WORDS, STAFF).then_refused("request-closed")


def test_what_nobody_asked_is_not_answered() -> None:
    nothing = given(AUTHORITY_REQUEST)
    nothing.when(answer, "full", WORDS, WORDS, STAFF).then_refused("not-found")
    nothing.when(refuse, WORDS, STAFF).then_refused("not-found")
