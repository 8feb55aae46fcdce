"""
How many requests are too many.

A bucket a member (or staff, or address where no token is asked for) refills steadily and may be
drained at once: people click in bursts. The headers are those of the IETF's draft on RateLimit
header fields; what is refused says when to come back.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping

import msgspec
from aiohttp import web

from api.http.call import Principal
from api.http.problems import too_many_requests
from api.http.routes import Route
from commands.ports import Clock

#: Requests a second that anyone may go on with, and how many at once.
RATE = 100.0
BURST = 1_000
#: Operators' tools act for many.
RATE_STAFF = 1_000.0
BURST_STAFF = 10_000
_BUCKETS_MAX = 100_000
#: Never refused: the operator's machines ask these.
_FREE = frozenset({"healthz", "readyz", "metrics"})


class _Bucket(msgspec.Struct):
    """``left`` requests at the moment ``at``, in seconds since the epoch."""

    left: float
    at: float


class Limits:
    """Token buckets, the least recently used forgotten first (a full one says nothing)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(
        self, request: web.Request, principal: Principal | None, route: Route
    ) -> Mapping[str, str] | None:
        """
        Count a request.

        :returns: the headers of its answer.
        :raises ProblemError: 429.
        """
        if route.name in _FREE:
            return None
        staff = principal is not None and principal.role != "member"
        rate, burst = (RATE_STAFF, BURST_STAFF) if staff else (RATE, BURST)
        who = f"{principal.role}/{principal.qq}" if principal else f"address/{request.remote}"
        bucket = self._bucket(who, rate, burst)
        allowed = bucket.left >= 1
        if allowed:
            bucket.left -= 1
        wait = math.ceil(max(0.0, 1 - bucket.left) / rate)
        headers = {
            "RateLimit-Policy": f'"default";q={burst};w={math.ceil(burst / rate)}',
            "RateLimit": f'"default";r={int(bucket.left)};t={wait}',
        }
        if not allowed:
            raise too_many_requests(max(1, wait), headers)
        return headers

    def _bucket(self, who: str, rate: float, burst: int) -> _Bucket:
        now = self._clock.now().timestamp()
        bucket = self._buckets.get(who)
        if bucket is None:
            bucket = self._buckets[who] = _Bucket(float(burst), now)
            if len(self._buckets) > _BUCKETS_MAX:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(who)
        bucket.left = min(float(burst), bucket.left + max(0.0, now - bucket.at) * rate)
        bucket.at = now
        return bucket
