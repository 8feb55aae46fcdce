"""
The object store's twin without a disk, for tests and simulation.

It passes the same suite as folders and buckets.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime

from commands.pictures import ObjectExists, ObjectsUnavailable, Stored


class MemoryObjects:
    """Objects in a dict. While ``away`` is set it answers nobody."""

    def __init__(self) -> None:
        self.away = False
        self._objects: dict[str, bytes] = {}

    async def put(self, name: str, data: bytes | bytearray, *, new: bool = False) -> None:
        """Store an object."""
        await self.check()
        if new and name in self._objects:
            raise ObjectExists(name)
        self._objects[name] = bytes(data)

    async def put_stream(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """Store an object once all of it has come."""
        await self.check()
        gathered = bytearray()
        async for chunk in chunks:
            gathered += chunk
        await self.put(name, gathered)

    async def get(self, name: str) -> bytes | None:
        """An object; None when there is none."""
        await self.check()
        return self._objects.get(name)

    async def stream(self, name: str, chunk_bytes: int) -> AsyncIterator[bytes]:
        """An object in pieces."""
        data = await self.get(name) or b""
        for start in range(0, len(data), chunk_bytes):
            yield data[start : start + chunk_bytes]

    async def list(self, prefix: str) -> list[Stored]:
        """All objects under a prefix, by name."""
        await self.check()
        found = [Stored(n, len(d)) for n, d in self._objects.items() if n.startswith(prefix)]
        return sorted(found)

    async def move(self, source: str, target: str) -> None:
        """Give an object another name."""
        await self.check()
        if source in self._objects:
            self._objects[target] = self._objects.pop(source)

    async def delete(self, names: Iterable[str]) -> None:
        """Remove objects."""
        await self.check()
        for name in names:
            self._objects.pop(name, None)

    async def tidy(self, _prefix: str, _before: datetime) -> int:
        """Nothing survives a crash here, least of all half of something."""
        await self.check()
        return 0

    async def check(self) -> None:
        """
        :raises ObjectsUnavailable: it is away.
        """
        if self.away:
            raise ObjectsUnavailable("the store is away")
