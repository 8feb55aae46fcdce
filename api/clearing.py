"""
The policy that removes the bytes of photos that were deleted, alone or with their album.

It answers while the deletion is being answered, as a rule. Where the server died first, or the
object store was away, it goes on by itself: nobody has to delete again what is gone already.
"""

from collections.abc import Sequence
from typing import Final

from api.pages import FIRST
from api.services import Services
from commands.policies import Policy, Reaction
from domain.album_events import AlbumDeleted
from domain.event import Event, Recorded
from domain.ids import AlbumId
from domain.photo_events import PhotoAdded, PhotoDeleted, PhotoHeld
from projections.reading.photos import bytes_of
from projections.reading.posts import Mark

CLEAR_PHOTOS: Final = "clear-photos"
_PATIENCE_SECONDS: Final = 5.0
#: Photos whose bytes are removed in one go.
_AT_ONCE: Final = 200


class ClearPhotos(Policy):
    """Removes bytes; done again, it finds nothing."""

    def __init__(self, services: Services) -> None:
        deletions: frozenset[type[Event]] = frozenset({PhotoDeleted, AlbumDeleted})
        super().__init__(CLEAR_PHOTOS, deletions, _nothing, services.executor)
        self._services = services

    async def react(self, recorded: Recorded) -> None:
        """
        Remove what a deletion freed.

        :raises ObjectsUnavailable: the store is away.
        :raises TimeoutError: the photos of an album are not known yet.
        """
        if isinstance(recorded.event, PhotoDeleted):
            first, *_ = await self._services.log.read_stream(recorded.stream)
            if isinstance(first.event, PhotoAdded | PhotoHeld):
                await self._services.pictures.drop(first.event.picture.renditions)
        else:
            await self._clear_album(recorded)

    async def _clear_album(self, recorded: Recorded) -> None:
        services, at = self._services, {recorded.cell: recorded.position}
        # A photo that was added just before is one of them.
        await services.freshness.wait_for(at, _PATIENCE_SECONDS, ("photos",))
        mark: Mark | None = FIRST
        while mark is not None:
            renditions, mark = await services.look(
                bytes_of, AlbumId(recorded.stream), mark, _AT_ONCE
            )
            await services.pictures.drop(renditions)


def _nothing(_: Recorded) -> Sequence[Reaction]:
    return ()
