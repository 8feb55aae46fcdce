"""
A payment rail in a history: members pay on it before they claim, and it takes its time to say so.

What it says was true when it looked and may come late; now and then it cannot be asked. Whether it
is paid never changes once it is decided; whose the money is then may, and each time is remembered,
so whatever is believed of a payment can be held against it.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from commands.rails import RailUnavailable, Seen
from domain.payment import Holding, RailState

NAME = "demo"


class Transfer(msgspec.Struct, frozen=True):
    """Money under way: what becomes of it, from when on, and over how much it is in fen."""

    fen: int
    becomes: Literal["paid", "failed"]
    at: datetime


class SimulatedRail:
    """
    The rail, one for all servers.

    :param now: its own clock, which is right.
    :param lost: whether an answer goes astray.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        pause: Callable[[], Awaitable[None]],
        lost: Callable[[], bool],
    ) -> None:
        self._now = now
        self._pause = pause
        self._lost = lost
        self.transfers: dict[str, Transfer] = {}
        #: Whose the money of a payment was, and since when, the first first; ours at first.
        self.turns: dict[str, list[tuple[datetime, Holding]]] = {}

    def pay(
        self, reference: str, fen: int, becomes: Literal["paid", "failed"], seconds: float
    ) -> None:
        """Somebody pays; what becomes of it is known so many seconds later."""
        at = self._now() + timedelta(seconds=seconds)
        self.transfers[reference] = Transfer(fen, becomes, at)

    def turn(self, reference: str, to: Holding) -> None:
        """The money of a payment is somebody else's from now on, or ours again."""
        self.turns.setdefault(reference, []).append((self._now(), to))

    def state(self, reference: str, ago: timedelta = timedelta()) -> RailState:
        """What it knows at this moment, or knew so long ago."""
        known = self.transfers.get(reference)
        if known is None:
            return "unknown"
        then = self._now() - ago
        turned = [to for at, to in self.turns.get(reference, ()) if at <= then]
        if turned:
            return turned[-1]
        return known.becomes if known.at <= then else "pending"

    def states(self, reference: str, ago: timedelta) -> set[RailState]:
        """All that it knew at one moment or another since so long ago."""
        found: set[RailState] = {self.state(reference, ago), self.state(reference)}
        since = self._now() - ago
        known = self.transfers.get(reference)
        if known is not None and since < known.at <= self._now():
            found.add(known.becomes)
        return found.union(to for at, to in self.turns.get(reference, ()) if at > since)

    async def look_up(self, reference: str, _asked_fen: int, /) -> Seen:
        """
        What a server hears.

        :raises RailUnavailable: the question or its answer went astray.
        """
        await self._pause()
        if self._lost():
            raise RailUnavailable("away")
        known = self.transfers.get(reference)
        seen = Seen(self.state(reference), 0 if known is None else known.fen)
        await self._pause()
        if self._lost():
            raise RailUnavailable("away")
        return seen
