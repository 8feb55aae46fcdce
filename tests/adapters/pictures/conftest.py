"""
Uploads and pictures over every kind of store, with a clock of their own.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from adapters.pictures.sweeping import Sweeper
from adapters.pictures.taking import TakenPictures
from adapters.pictures.uploads import SealedUploads
from adapters.pictures.workshop import Workshop
from adapters.vault.memory import MemoryKeyVault
from commands.pictures import Objects
from domain.ids import MemberId, mint
from tests.support.objects import objects, s3

__all__ = ["darkroom", "objects", "s3"]

START = datetime(2026, 11, 28, tzinfo=UTC)


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    """A body."""
    for piece in data:
        yield piece


class Darkroom:
    """Everything from an upload to a picture, for members one and two."""

    one = MemberId(UUID("01a22412-0d9a-800c-a2fd-4da6fb938a7a"))
    two = MemberId(UUID("01a22412-0d9a-800c-a2fd-4da6fb938a7b"))

    def __init__(self, objects: Objects, vault: MemoryKeyVault | None = None) -> None:
        self.objects = objects
        self.vault = vault or MemoryKeyVault()
        self.workshop = Workshop(seconds_max=20)
        self.ahead = timedelta()
        self.room = 1 << 30
        self.photos: set[UUID] = set()
        self.uploads = SealedUploads(
            objects, self.vault, self, self._room, self._added, length_max=100_000_000
        )
        self.pictures = TakenPictures(objects, self.vault, self.uploads, self.workshop)
        self.sweeper = Sweeper(objects, self.pictures, self, self._added)
        self._made = 0

    def now(self) -> datetime:
        return START + self.ahead

    def name(self) -> UUID:
        """A new upload's id."""
        self._made += 1
        return mint(int(self.now().timestamp() * 1000), 12, self._made)

    async def upload(self, data: bytes, member: MemberId | None = None) -> UUID:
        """A whole file."""
        member, name = member or self.one, self.name()
        await self.uploads.create(member, name, len(data), None)

        await self.uploads.append(member, name, 0, pieces(data))
        return name

    async def stored(self, prefix: str = "") -> list[str]:
        """The names of all there is."""
        return [one.name for one in await self.objects.list(prefix)]

    async def _room(self, _member: MemberId) -> int:
        return self.room

    async def _added(self, _member: MemberId, upload: UUID) -> bool:
        return upload in self.photos


@pytest.fixture
def darkroom(objects: Objects) -> Darkroom:
    return Darkroom(objects)
