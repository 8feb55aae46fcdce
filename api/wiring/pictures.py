"""
Where photos are kept and what develops them, put together.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from adapters.objects import ObjectStore, bucket, folder
from adapters.pictures.sweeping import Sweeper
from adapters.pictures.taking import TakenPictures
from adapters.pictures.uploads import Added, Room, SealedUploads
from adapters.pictures.workshop import Workshop
from commands.pictures import ObjectsUnavailable
from commands.ports import Clock, KeyVault

SWEEP_SECONDS: Final = 600.0

logger = logging.getLogger("homezone")


class Photos:
    """Uploads and pictures of one server. ``close`` ends its processes."""

    def __init__(
        self,
        objects: ObjectStore,
        vault: KeyVault,
        clock: Clock,
        room: Room,
        added: Added,
        *,
        length_max: int,
    ) -> None:
        self._workshop = Workshop()
        self.uploads = SealedUploads(objects, vault, clock, room, added, length_max=length_max)
        self.pictures = TakenPictures(objects, vault, self.uploads, self._workshop)
        self.sweeper = Sweeper(objects, self.pictures, clock, added)
        self.close: Callable[[], Awaitable[None]] = self._workshop.close

    async def sweep(self) -> None:
        """Remove what nobody came back for, again and again."""
        while True:
            try:
                await self.sweeper.sweep()
            except ObjectsUnavailable:
                logger.warning("uploads are swept later: the object store does not answer")
            except Exception:
                logger.exception("uploads are swept later")
            await asyncio.sleep(SWEEP_SECONDS)


def objects_of(data_dir: Path, url: str | None) -> ObjectStore:
    """
    The object store: a bucket by its URL, or else a folder of the data directory.

    :raises ObjectsFault: the URL or its environment makes no sense.
    """
    return folder(data_dir / "photos") if url is None else bucket(url)


def pictures_report() -> dict[str, Any]:
    """Which pictures are read here, and whether they can be compared with banned ones."""
    # A server decodes in processes of its own, and has no need of libvips itself.
    from adapters.pictures.developing import hashes_picture, libvips, reads_heic

    formats = ["jpeg", "png", "webp", "gif"]
    if reads_heic():
        formats.append("heic")
    return {"libvips": libvips(), "formats": formats, "perceptual": hashes_picture()}
