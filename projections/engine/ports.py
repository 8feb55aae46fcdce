"""
What the engine needs from the log, as Protocols.

The engine lives beside the adapters, never on them; ``api/wiring`` and ``replay/`` hand the real
log in. A reader never looks back: positions are gapless and in commit order in each cell.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from domain.event import Event, Recorded


class LogReader(Protocol):
    """The committed events of every cell, read from any thread."""

    def read(
        self,
        cell: int,
        after: int,
        limit: int,
        until: int | None = None,
        types: Collection[type[Event]] | None = None,
        *,
        bytes_max: int | None = None,
    ) -> Sequence[Recorded]:
        """
        At most ``limit`` events with ``after < position <= until``, of those types, in order.

        :param bytes_max: stop once so many bytes of events were read; the first is read always.
        """

    def heads(self) -> Mapping[int, int]:
        """The last position of every cell; 0 for an empty one."""


class WatchedLog(LogReader, Protocol):
    """A log that can also say when another process wrote to it."""

    def wait_for_change(self, known: Mapping[int, int], timeout: float) -> Mapping[int, int]:
        """The heads, once one is beyond ``known``, at the latest after ``timeout`` seconds."""
