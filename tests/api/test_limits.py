"""
How many requests are too many: bursts are fine, going on for ever is not, nobody pays for another.
"""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from multidict import CIMultiDict

from api import limits as module
from api.addresses import Addresses, parse_networks
from api.http.problems import ProblemError
from api.http.routes import Route
from api.limits import Buckets, Limits
from api.quotas import Quota, Quotas
from api.tokens import Principal, Role

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
READ = cast(Route, SimpleNamespace(name="read_feed", write=False, always=False))
WRITE = cast(Route, SimpleNamespace(name="publish", write=True, always=False))
USUAL = Quotas()
ONE_ITEM = re.compile(r'"[a-z]+";r=\d+;t=\d+')


def coming(remote: str, *forwarded: str) -> Any:
    """A request from an address."""
    headers = CIMultiDict([("X-Forwarded-For", one) for one in forwarded])
    return SimpleNamespace(remote=remote, headers=headers)


REQUEST = coming("192.0.2.7")


class Time:
    """A clock that goes when told."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def who(qq: int, role: Role = Role.MEMBER, token: str = "token") -> Principal:
    return Principal(qq, role, token, NOW + timedelta(hours=1))


def drain(
    limits: Limits, principal: Principal | None, route: Route = READ, request: Any = REQUEST
) -> int:
    """How many requests are let through at once."""
    for taken in range(100_000):
        try:
            limits.take(request, principal, route)
        except ProblemError:
            return taken
    raise AssertionError("never refused")


def refusal(
    limits: Limits, principal: Principal | None, route: Route = READ, request: Any = REQUEST
) -> dict[str, str]:
    with pytest.raises(ProblemError) as caught:
        limits.take(request, principal, route)
    assert caught.value.problem == "too-many-requests"
    assert caught.value.headers is not None
    return dict(caught.value.headers)


def test_who_is_refused_is_told_when_to_come_back() -> None:
    time = Time()
    limits = Limits(Quotas(member=Quota(0.25, 10)), now=time)
    drain(limits, who(10_001))
    assert refusal(limits, who(10_001)) == {
        "Retry-After": "4",
        "RateLimit-Policy": '"member";q=10;w=40',
        "RateLimit": '"member";r=0;t=4',
    }
    time.now += 3
    assert refusal(limits, who(10_001))["Retry-After"] == "1"
    time.now += 1
    assert drain(limits, who(10_001)) == 1, "the promise is kept to the second"


def test_a_burst_is_let_through_and_then_as_many_as_flow_back() -> None:
    time = Time()
    limits = Limits(now=time)
    assert drain(limits, who(10_001)) == USUAL.member.burst
    time.now += 2
    assert drain(limits, who(10_001)) == 2 * USUAL.member.rate
    time.now += 86_400
    assert drain(limits, who(10_001)) == USUAL.member.burst, "it holds no more than a burst"


def test_the_headers_say_what_is_left_and_when_all_of_it_is_back() -> None:
    time = Time()
    limits = Limits(now=time)
    for _ in range(300):
        limits.take(REQUEST, who(10_001), READ)
    headers = limits.take(REQUEST, who(10_001), WRITE)
    assert headers == {
        "RateLimit-Policy": '"member";q=1000;w=10, "writes";q=500;w=10',
        "RateLimit": '"member";r=699;t=4, "writes";r=499;t=1',
    }
    time.now += 1
    headers = limits.take(REQUEST, who(10_001), READ)
    assert headers == {
        "RateLimit-Policy": '"member";q=1000;w=10',
        "RateLimit": '"member";r=798;t=3',
    }
    assert all(ONE_ITEM.fullmatch(item) for item in headers["RateLimit"].split(", "))


def test_a_member_is_one_behind_many_tokens_and_addresses() -> None:
    limits = Limits(now=Time())
    for number in range(USUAL.member.burst):
        request = coming(f"192.0.2.{number % 250}")
        limits.take(request, who(10_001, token=f"token-{number}"), READ)
    refusal(limits, who(10_001, token="another"), request=coming("198.51.100.1"))
    limits.take(REQUEST, who(10_002), READ)


def test_writing_has_a_smaller_limit_of_its_own() -> None:
    limits = Limits(now=Time())
    assert drain(limits, who(10_001), WRITE) == USUAL.writes.burst
    assert refusal(limits, who(10_001), WRITE)["RateLimit"].startswith('"writes";r=0;t=')
    limits.take(REQUEST, who(10_001), READ)


def test_many_members_of_one_address_share_a_larger_limit() -> None:
    limits = Limits(Quotas(member=Quota(10, 10), address=Quota(100, 35)), now=Time())
    let_through = [drain(limits, who(10_001 + number)) for number in range(5)]
    assert let_through == [10, 10, 10, 5, 0]
    headers = refusal(limits, who(10_006))
    assert headers["RateLimit-Policy"].startswith('"address";')
    assert drain(limits, who(10_007), request=coming("192.0.2.8")) == 10, "others are untouched"


def test_one_member_does_not_use_up_what_is_for_all_of_an_address() -> None:
    limits = Limits(Quotas(member=Quota(10, 10), address=Quota(100, 35)), now=Time())
    for _ in range(200):
        drain(limits, who(10_001))
    assert drain(limits, who(10_002)) == 10


def test_each_kind_has_a_bucket_of_its_own() -> None:
    limits = Limits(now=Time())
    assert drain(limits, who(10_001)) == USUAL.member.burst
    assert drain(limits, who(10_001, Role.OPERATOR)) == USUAL.staff.burst
    assert drain(limits, None) == USUAL.guest.burst
    assert drain(limits, None, request=coming("192.0.2.8")) == USUAL.guest.burst
    refused = {kind.name: kind.refused for kind in limits.kinds}
    assert refused == {"member": 1, "writes": 0, "address": 0, "guest": 2, "staff": 1}


@pytest.mark.parametrize("jump", [-3 * 86_400.0, -5.0, 3 * 86_400.0])
def test_a_clock_that_jumps_locks_nobody_out(jump: float) -> None:
    time = Time()
    limits = Limits(now=time)
    drain(limits, who(10_001))
    time.now += jump
    limits.take(REQUEST, who(10_001), READ)
    assert drain(limits, who(10_001)) < USUAL.member.burst, "and still there is a limit"


def test_memory_is_bounded_and_those_near_their_limit_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "BUCKETS_MAX", 1_000)
    buckets = Buckets("guest", Quota(1, 10))
    for _ in range(10):
        assert buckets.take("drained", 0.0) >= 0
    for number in range(20_000):
        assert buckets.take(number, 0.0) >= 0
        assert len(buckets) <= 1_000
    assert buckets.take("drained", 0.0) < 0, "a crowd of strangers does not set anybody free"


@pytest.mark.parametrize("name", ["healthz", "readyz", "metrics"])
def test_the_operators_machines_are_never_refused(name: str) -> None:
    limits = Limits(Quotas(guest=Quota(1, 1)), now=Time())
    route = cast(Route, SimpleNamespace(name=name, always=True, write=False))
    for _ in range(10):
        assert limits.take(REQUEST, None, route) is None


@pytest.mark.parametrize(
    ("text", "quota"), [("100/1000", Quota(100, 1000)), ("0.5", Quota(0.5, 1)), ("7", Quota(7, 7))]
)
def test_quotas_are_said_as_rate_and_burst(text: str, quota: Quota) -> None:
    assert Quota.parse(text) == quota


@pytest.mark.parametrize("text", ["", "x", "1/x", "0/1", "-1/5", "1/0", "nan/1", "1/2/3", "inf"])
def test_what_is_no_quota_is_refused(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        Quota.parse(text)


# Addresses


@pytest.mark.parametrize(
    ("remote", "name"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", None),
        ("::1", None),
        ("", None),
    ],
)
def test_an_address_is_whoever_may_change_it_at_will(remote: str, name: str | None) -> None:
    assert Addresses().of(coming(remote)) == name


@pytest.mark.parametrize(
    ("remote", "forwarded", "name"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8:1:2::9]:4711"], "2001:db8:1:2::/64"),
        ("10.0.0.1", ["6.6.6.6, <script>"], None),
        ("10.0.0.1", ["198.51.100.1, unknown, 10.0.0.2"], None),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], None),
        ("10.0.0.1", [], None),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
    ],
)
def test_only_a_trusted_proxy_is_believed(
    remote: str, forwarded: list[str], name: str | None
) -> None:
    addresses = Addresses(parse_networks("10.0.0.0/8, 2001:db8:ffff::/48"))
    assert addresses.of(coming(remote, *forwarded)) == name


def test_addresses_that_were_seen_take_bounded_memory() -> None:
    addresses = Addresses()
    for number in range(50_000):
        addresses.of(coming(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"))
    assert len(addresses._known) <= 20_000
