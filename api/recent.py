"""
Where callers wrote just now, so that what they read next has it.
"""

import contextlib
from collections.abc import Collection
from typing import Final, Protocol
from uuid import UUID

#: What clients' reads are made of; what auditors and timers use is waited for where they do.
READ_BY_CLIENTS: Final = (
    "albums", "badges", "cases", "comments", "decisions", "gifts", "ledger", "legal_holds", "likes",
    "mall", "notices", "orders", "photos", "posts", "authority_requests", "reports", "standings",
    "timeline",
)  # fmt: skip


class Freshness(Protocol):
    """Knows how far the read models are."""

    async def wait_for(
        self, target: dict[int, int], seconds: float, models: Collection[str] | None = None
    ) -> None: ...


class RecentWrites:
    """
    Where callers of this process last wrote, so that each reads at least that without asking for
    it. A convenience, not a promise: across processes it takes ``Homezone-At-Least``.
    """

    def __init__(self, capacity: int = 10_000, patience_seconds: float = 5.0) -> None:
        self._last: dict[UUID, dict[int, int]] = {}
        self._capacity = capacity
        self._patience_seconds = patience_seconds

    def note(self, actor: UUID, cell: int, position: int) -> None:
        """A caller wrote there."""
        before = self._last.pop(actor, {})
        self._last[actor] = {**before, cell: max(position, before.get(cell, 0))}
        if len(self._last) > self._capacity:
            del self._last[next(iter(self._last))]

    async def settle(self, actor: UUID, freshness: Freshness) -> None:
        """Wait until the read models have the caller's last writes; not for ever."""
        written = self._last.get(actor)
        if written is None:
            return
        with contextlib.suppress(TimeoutError):
            await freshness.wait_for(written, self._patience_seconds, READ_BY_CLIENTS)
        # Waited for once: a read model that has stopped must not slow every read to come.
        if self._last.get(actor) is written:
            del self._last[actor]
