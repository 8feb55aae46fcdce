"""
How many requests are too many: bursts are fine, going on for ever is not, nobody pays for another.
"""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.clock import ManualClock
from api.http.problems import ProblemError
from api.http.routes import Route
from api.limits import BURST, BURST_STAFF, RATE, Limits
from api.tokens import Principal, Role

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
READ = cast(Route, SimpleNamespace(name="read_feed"))
REQUEST = cast(Any, SimpleNamespace(remote="192.0.2.7"))


def who(qq: int, role: Role = Role.MEMBER) -> Principal:
    return Principal(qq, role, "token", NOW + timedelta(hours=1))


def drain(limits: Limits, principal: Principal | None) -> int:
    """How many requests are let through at once."""
    for taken in range(2 * BURST_STAFF):
        try:
            limits.take(REQUEST, principal, READ)
        except ProblemError:
            return taken
    raise AssertionError("never refused")


def test_who_is_refused_is_told_when_to_come_back() -> None:
    limits = Limits(ManualClock(NOW))
    drain(limits, who(10_001))
    with pytest.raises(ProblemError) as caught:
        limits.take(REQUEST, who(10_001), READ)
    assert caught.value.problem == "too-many-requests"
    assert caught.value.headers is not None
    assert caught.value.headers["Retry-After"] == "1"
    assert caught.value.headers["RateLimit"].startswith('"default";r=0;')


def test_a_burst_is_let_through_and_then_as_many_as_flow_back() -> None:
    clock = ManualClock(NOW)
    limits = Limits(clock)
    assert drain(limits, who(10_001)) == BURST
    clock.advance(timedelta(seconds=2))
    assert drain(limits, who(10_001)) == 2 * RATE
    clock.advance(timedelta(days=1))
    assert drain(limits, who(10_001)) == BURST, "a bucket holds no more than a burst"


def test_each_has_a_bucket_of_their_own() -> None:
    limits = Limits(ManualClock(NOW))
    assert drain(limits, who(10_001)) == BURST
    assert drain(limits, who(10_002)) == BURST
    assert drain(limits, who(10_001, Role.OPERATOR)) == BURST_STAFF
    assert drain(limits, None) == BURST


def test_a_clock_that_jumps_back_gives_and_takes_nothing() -> None:
    clock = ManualClock(NOW)
    limits = Limits(clock)
    headers = limits.take(REQUEST, who(10_001), READ)
    assert headers == {
        "RateLimit-Policy": f'"default";q={BURST};w=10',
        "RateLimit": f'"default";r={BURST - 1};t=0',
    }
    clock.set(NOW - timedelta(days=3))
    assert drain(limits, who(10_001)) == BURST - 1


@pytest.mark.parametrize("name", ["healthz", "readyz", "metrics"])
def test_the_operators_machines_are_never_refused(name: str) -> None:
    limits = Limits(ManualClock(NOW))
    route = cast(Route, SimpleNamespace(name=name))
    for _ in range(BURST + 10):
        assert limits.take(REQUEST, None, route) is None
