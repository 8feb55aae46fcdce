"""
One client's end of a stream.

A thousand idle clients must cost nothing while others are busy. So nobody writes to them how far
the hub has come: each looks when it sends a heartbeat.
"""

import asyncio
from typing import Protocol
from uuid import UUID

from api.http.streams import QUEUE_LENGTH_MAX, Channel, Ending, Frame, event_bytes
from api.stream.items import Sent
from domain.ids import MemberId


class Followed(Protocol):
    """What a connection looks at: how far its hub has come, and in which round that was."""

    @property
    def text(self) -> str: ...

    @property
    def round(self) -> int: ...


class Connection(Channel):
    """
    A channel whose cursor is the hub's, once it has joined, unless items wait in it.

    ``sources`` are all whose posts may matter to it; ``served`` is the last of the hub's rounds
    that it was told of, so that a round that is tried again tells nobody twice.
    """

    def __init__(
        self,
        hub: Followed,
        member: MemberId,
        sources: set[UUID],
        cursor: str,
        frame: Frame = event_bytes,
    ) -> None:
        self.member = member
        self.sources = sources
        self.served = -1
        self.joined = False
        self._hub = hub
        self._latest = cursor
        self._written = cursor
        self._round = -1
        self._room = asyncio.Event()
        super().__init__(cursor, frame=frame)

    @property
    def cursor(self) -> str:
        """Where a client would go on that has received all that was written so far."""
        if self._waiting:
            return self._written
        # One that has ended was told nothing of what came after.
        follows = self.joined and not self.closed
        return self._hub.text if follows and self._round < self._hub.round else self._latest

    @cursor.setter
    def cursor(self, cursor: str | None) -> None:
        assert cursor is not None
        self._latest = cursor
        self._round = self._hub.round

    def send(self, sent: Sent) -> bool:
        """Queue an item; False when the client was too slow and the stream ends."""
        return self.offer(sent.kind, sent.data, sent.cursor)

    def join(self) -> None:
        """From now on the hub's progress is this client's."""
        self.joined = True

    async def room(self) -> bool:
        """Wait until much more can be queued; False when the client has left."""
        while len(self._waiting) > QUEUE_LENGTH_MAX // 2 and not self.closed:
            self._room.clear()
            await self._room.wait()
        return not self.closed

    def close(self, ending: Ending = "over") -> None:
        """End the stream once what is queued has been written."""
        super().close(ending)
        self._room.set()

    async def take(self, seconds: float) -> bytes:
        """All that is queued, as one write."""
        taken = await super().take(seconds)
        self._written = self._latest
        self._room.set()
        return taken
