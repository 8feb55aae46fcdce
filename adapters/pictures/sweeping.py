"""
What is left of uploads that nobody came back for.

An hour after an upload has expired, everything of it goes: parts, staged sizes, records; and the
objects of a picture that never became a photo of an album. The hour is for whoever adds it at the
last moment. What a server was writing when it was killed goes as well.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.pictures.folders import LIFETIME, ROOT, by_upload
from adapters.pictures.taking import TakenPictures
from adapters.pictures.uploads import Added
from commands.pictures import Objects
from commands.ports import Clock
from domain.ids import milliseconds_of

MARGIN: Final = timedelta(hours=1)


class Sweeper:
    """
    Sweeps when it is told to.

    :param added: whether an upload has ever become a photo of an album.
    """

    def __init__(
        self, objects: Objects, pictures: TakenPictures, clock: Clock, added: Added
    ) -> None:
        self._objects = objects
        self._pictures = pictures
        self._clock = clock
        self._added = added

    async def sweep(self) -> int:
        """
        Remove what nobody will ask for; how many uploads there were of it.

        :raises ObjectsUnavailable: some, or all, of it is left for the next time.
        """
        gone = 0
        before = self._clock.now() - MARGIN
        for left in by_upload(await self._objects.list(ROOT)):
            # Without its beginning it was terminated; its own id tells how old it is.
            begun = datetime.fromtimestamp(milliseconds_of(left.id) / 1000, UTC)
            if (begun + LIFETIME if left.folder is None else left.folder.expires_at) > before:
                continue
            record = await self._pictures.record(left.member, left.id)
            if record is not None and not await self._added(left.member, left.id):
                await self._pictures.drop(record.picture.renditions)
            await self._objects.delete(left.names)
            gone += 1
        await self._objects.tidy(ROOT, before - LIFETIME)
        return gone
