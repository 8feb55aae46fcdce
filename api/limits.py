"""
How many requests are too many.

A bucket refills steadily and may be drained at once: people click in bursts. A member has one,
behind however many tokens, and a smaller one for what changes anything; all members behind one
address have one together, so that many accounts are no way around it; whoever shows no valid token
counts by address alone. The headers are those of the IETF's draft on RateLimit header fields
(draft-ietf-httpapi-ratelimit-headers-10); what is refused says when to come back.

A bucket is one number: the moment at which it will be full again (that is GCRA, the algorithm of
ATM networks). It is a moment of the monotonic clock: no correction of the wall clock can lock
anyone out, or let anyone in.
"""

import math
import time
from collections.abc import Callable, Mapping

from aiohttp import web

from api.addresses import Addresses
from api.http.call import Principal
from api.http.problems import too_many_requests
from api.http.routes import Route
from api.quotas import Quota, Quotas

#: Buckets of one kind; beyond it, those that are nearly full are forgotten.
BUCKETS_MAX = 100_000
_ROUNDING_SECONDS = 1e-6


class Buckets:
    """All buckets of one kind, by who."""

    __slots__ = ("_full_at", "_interval", "_window", "burst", "name", "policy", "refused")

    def __init__(self, name: str, quota: Quota) -> None:
        self.name = name
        self.burst = quota.burst
        #: How many were refused.
        self.refused = 0
        self._interval = 1 / quota.rate
        self._window = quota.burst / quota.rate
        self.policy = f'"{name}";q={quota.burst};w={math.ceil(self._window)}'
        self._full_at: dict[object, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, who: object, now: float) -> float:
        """
        Take one.

        :returns: in how many seconds the bucket is full again; negative when there was none to
            take: minus the seconds until there is.
        """
        full_at = self._full_at.get(who, 0.0)
        # More than the window ahead it cannot be, but for a clock that went back.
        ahead = full_at - now if now < full_at < now + self._window + 0.001 else 0.0
        after = ahead + self._interval
        if after > self._window + _ROUNDING_SECONDS:
            self.refused += 1
            return self._window - after
        if full_at == 0.0 and len(self._full_at) >= BUCKETS_MAX:
            self._forget(now)
        self._full_at[who] = now + after
        return after

    def left(self, full_in: float) -> str:
        """An item of the ``RateLimit`` header."""
        left = int((self._window - full_in) / self._interval + 1e-3)
        return f'"{self.name}";r={left};t={math.ceil(full_in)}'

    def _forget(self, now: float) -> None:
        """Make room: a full bucket says nothing, a nearly full one little."""
        kept = sorted(
            ((full_at, who) for who, full_at in self._full_at.items() if full_at > now),
            key=_first,
        )
        del kept[: max(0, len(kept) - BUCKETS_MAX * 3 // 4)]
        self._full_at = {who: full_at for full_at, who in kept}


def _first(pair: tuple[float, object]) -> float:
    return pair[0]


class Limits:
    """
    The limits of one server.

    :param addresses: whom a request comes from.
    :param now: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        quotas: Quotas | None = None,
        addresses: Addresses | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        quotas = quotas or Quotas()
        self._addresses = addresses or Addresses()
        self._now = now
        self._member = Buckets("member", quotas.member)
        self._writes = Buckets("writes", quotas.writes)
        self._address = Buckets("address", quotas.address)
        self._guest = Buckets("guest", quotas.guest)
        self._staff = Buckets("staff", quotas.staff)
        self._both = f"{self._member.policy}, {self._writes.policy}"

    @property
    def kinds(self) -> tuple[Buckets, ...]:
        """All buckets, kind by kind."""
        return (self._member, self._writes, self._address, self._guest, self._staff)

    def take(
        self, request: web.Request, principal: Principal | None, route: Route
    ) -> Mapping[str, str] | None:
        """
        Count a request.

        :returns: the headers of its answer.
        :raises ProblemError: 429.
        """
        if route.always:
            return None
        now = self._now()
        if principal is None:
            return self._take_one(self._guest, self._addresses.of(request) or "", now)
        if principal.role != "member":
            return self._take_one(self._staff, (principal.role, principal.qq), now)
        full_in = self._member.take(principal.qq, now)
        if full_in < 0:
            raise self._refusal(self._member, full_in)
        policy, left = self._member.policy, self._member.left(full_in)
        if route.write:
            full_in = self._writes.take(principal.qq, now)
            if full_in < 0:
                raise self._refusal(self._writes, full_in)
            policy, left = self._both, f"{left}, {self._writes.left(full_in)}"
        # Last, so that who is over a limit of their own takes nothing from their neighbours. This
        # machine is no address that many share: it is a proxy that nobody told us of.
        address = self._addresses.of(request)
        if address is not None:
            full_in = self._address.take(address, now)
            if full_in < 0:
                raise self._refusal(self._address, full_in)
        return {"RateLimit-Policy": policy, "RateLimit": left}

    def _take_one(self, buckets: Buckets, who: object, now: float) -> Mapping[str, str]:
        full_in = buckets.take(who, now)
        if full_in < 0:
            raise self._refusal(buckets, full_in)
        return {"RateLimit-Policy": buckets.policy, "RateLimit": buckets.left(full_in)}

    @staticmethod
    def _refusal(buckets: Buckets, full_in: float) -> Exception:
        wait = max(1, math.ceil(-full_in))
        headers = {
            "RateLimit-Policy": buckets.policy,
            "RateLimit": f'"{buckets.name}";r=0;t={wait}',
        }
        return too_many_requests(wait, headers)
