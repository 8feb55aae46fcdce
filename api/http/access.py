"""
A line for each request that was slow or failed, or for every one.

A line says which operation, how it ended, how long it took, and the ids to find it by; never an
address, a path or a parameter, for those name people. In a storm of failures the first lines tell
as much as all of them: beyond a rate they are counted, and the next line says how many there were.
"""

import time
from collections.abc import Callable

import structlog
from aiohttp import web

from api.http.correlation import upstream_ids
from api.http.routes import Route

log = structlog.stdlib.get_logger("homezone.access")

#: Lines a second, and how many at once, when not every request is to have one.
RATE = 20.0
BURST = 200
SLOW_SECONDS = 1.0


class AccessLog:
    """
    Used from one loop.

    :param every: a line for every request, however many there are.
    """

    def __init__(self, *, every: bool, now: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self.seconds_min = 0.0 if self._every else SLOW_SECONDS
        self._now = now
        self._left = float(BURST)
        self._at = now()
        self._left_out = 0

    def note(self, route: Route, request: web.Request, status: int, seconds: float) -> None:
        """One request was answered."""
        if not self._every and not self._room():
            self._left_out += 1
            return
        fields: dict[str, object] = dict(upstream_ids(request.headers))
        if self._left_out:
            fields["left_out"], self._left_out = self._left_out, 0
        say = log.warning if status >= 500 else log.info
        say(
            "request",
            operation=route.name,
            status=status,
            milliseconds=round(seconds * 1000, 1),
            **fields,
        )

    def _room(self) -> bool:
        now = self._now()
        self._left = min(float(BURST), self._left + max(0.0, now - self._at) * RATE)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
