"""
Albums and photos of a copy, brought in elsewhere.

A photo goes the way of every upload: resumed where an import that was ended left it, decoded,
cleaned and sealed anew. Its id follows from the one it had, so it comes once.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import Final
from uuid import UUID

import msgspec

from api.exports.bringing import BROUGHT, HERE, TAKEN_DOWN, UNREADABLE, Bringing
from api.exports.items import MadeAlbum, MadePhoto
from api.exports.reading import CopyReader
from commands import photos
from commands.albums import AlbumHandlers, ChangeAlbum, CreateAlbum
from commands.copies import Copied
from commands.photos import AddPhoto, Taken
from commands.pictures import Pictures, Upload, Uploads
from domain.album import ALBUM, Album, AnyAlbum, album_stream
from domain.event import Event, Refused
from domain.exhibit import Published
from domain.ids import AlbumId, PhotoId
from domain.photo import PHOTO, AnyPhoto, Photo, photo_of, photo_stream
from domain.sealed import KeyClass

_NO_ALBUM: Final = "its album is not here"


class AlbumImporter:
    """
    Brings albums in, and then what is in them.

    :param images: the photos that a post may show, by their ids there.
    """

    def __init__(self, bringing: Bringing, uploads: Uploads, pictures: Pictures) -> None:
        self.images: dict[UUID, PhotoId] = {}
        self._bringing = bringing
        self._uploads = uploads
        self._pictures = pictures
        self._albums = AlbumHandlers(bringing.directory)

    async def bring(self, copy: CopyReader) -> None:
        """All of them; what is refused is counted with the reason, and the rest goes on."""
        albums = {one.id: one for one in copy.made() if isinstance(one, MadeAlbum)}
        shown = [one for one in copy.made() if isinstance(one, MadePhoto)]
        here = {one.id: await self._bring_album(one) for one in albums.values()}
        # In their owner's own order, which is the order in which they come to an album.
        shown.sort(key=lambda photo: (photo.album.int, photo.place))
        for there, inside in groupby(shown, lambda photo: photo.album):
            album = here.get(there)
            for photo in inside:
                became = _NO_ALBUM if album is None else await self._photo(copy, album, photo)
                self._bringing.counts["photo", became] += 1
            if album is not None:
                await self._cover(album, albums[there])

    async def _bring_album(self, album: MadeAlbum) -> AlbumId | None:
        """What it is here; None where it is not."""
        became, here = TAKEN_DOWN if album.state == "taken_down" else UNREADABLE, None
        if album.state != "taken_down" and album.title is not None:
            copied = Copied(album.id, album.created_at.astimezone(UTC))
            audience = await self._bringing.audience(album.audience)
            try:
                command = msgspec.convert(
                    {
                        "title": album.title,
                        "audience": msgspec.to_builtins(audience),
                        "layout": album.layout,
                        "sort": album.sort,
                        "slideshow": album.slideshow,
                    },
                    type=CreateAlbum,
                )
            except msgspec.ValidationError as error:
                became = str(error)
            else:
                create = partial(self._albums.create, copied=copied)
                became = await self._bringing.attempt(create, command)
                here = AlbumId(copied.here("album", self._bringing.member))
                state = await self._album(here)
                here = here if isinstance(state, Album) else None
        self._bringing.counts["album", became] += 1
        return here

    async def _photo(self, copy: CopyReader, album: AlbumId, photo: MadePhoto) -> str:
        """Bring one in; what became of it."""
        if photo.state == "taken_down":
            return TAKEN_DOWN
        copied = Copied(photo.id, photo.added_at.astimezone(UTC))
        upload = copied.here("upload", self._bringing.member)
        here = photo_of(self._bringing.member, upload)
        if await self._history(here):
            became = HERE
        else:
            try:
                became = await self._add(copy, album, photo, upload, copied)
            except Refused as no:
                became = no.problem
            except msgspec.ValidationError as error:
                became = str(error)
            # Whatever it became, it is not on its way any more, nor counted as that for a day.
            await self._uploads.clear(self._bringing.member, upload)
        state: AnyPhoto = PHOTO.fold(await self._history(here), PHOTO.initial)
        if isinstance(state, Photo) and isinstance(state.standing, Published):
            self.images[photo.id] = here
        return became

    async def _add(
        self, copy: CopyReader, album: AlbumId, photo: MadePhoto, upload: UUID, copied: Copied
    ) -> str:
        member, executor = self._bringing.member, self._bringing.executor
        said = {"upload": upload, "caption": photo.caption, "alt": photo.alt}
        command = msgspec.convert(said, type=AddPhoto)
        await self._upload(copy, photo.file, upload)
        picture = await self._pictures.take(member, upload, keep_location=False)
        # The original in a copy has no metadata: what it said stands beside it.
        picture = msgspec.structs.replace(picture, taken_at=_utc(photo.taken_at))
        turned = await self._pictures.turned(member, upload)
        taken = Taken(picture, turned, copied.at(executor.clock.now()))
        became = await self._show(album, command, taken, photo.location)
        if not await self._history(photo_of(member, upload)):
            # In this order: an upload without its picture's bytes would be a photo without.
            await self._uploads.clear(member, upload)
            await self._pictures.drop(picture.renditions)
        return became

    async def _show(
        self, album: AlbumId, command: AddPhoto, taken: Taken, location: str | None
    ) -> str:
        """Add it to its album; without its location, where the member has not consented here."""
        attempt, executor = self._bringing.attempt, self._bringing.executor
        if location is not None:
            member = self._bringing.member
            here = photo_of(member, command.upload)
            sealed = await executor.vault.seal(member, KeyClass.CONTENT, location, here)
            located = msgspec.structs.replace(taken.picture, location=sealed)
            there = msgspec.structs.replace(taken, picture=located)
            keeping = msgspec.structs.replace(command, keep_location=True)
            became = await attempt(partial(photos.add, album, there), keeping)
            if became != "consent-missing":
                return became
        return await attempt(partial(photos.add, album, taken), command)

    async def _upload(self, copy: CopyReader, file: str, upload: UUID) -> None:
        """Send what has not arrived yet."""
        member, length = self._bringing.member, copy.length(file)
        at: Upload
        try:
            at = await self._uploads.status(member, upload)
        except Refused as no:
            if no.problem != "not-found":
                raise
            at = await self._uploads.create(member, upload, length, None)
        if not at.finished:
            body = _after(copy.pieces(file), at.offset)
            await self._uploads.append(member, upload, at.offset, body)

    async def _cover(self, here: AlbumId, album: MadeAlbum) -> None:
        """Its cover, once that is there; one that was chosen here stays."""
        state = await self._album(here)
        cover = None if album.cover is None else self.images.get(album.cover)
        if cover is not None and isinstance(state, Album) and state.arrangement.cover is None:
            change = partial(self._albums.change, here)
            if (
                became := await self._bringing.attempt(change, ChangeAlbum(cover=cover))
            ) != BROUGHT:
                self._bringing.counts["cover", became] += 1

    async def _album(self, album: AlbumId) -> AnyAlbum:
        history = await self._bringing.executor.log.read_stream(album_stream(album))
        return ALBUM.fold((one.event for one in history), ALBUM.initial)

    async def _history(self, photo: PhotoId) -> list[Event]:
        history = await self._bringing.executor.log.read_stream(photo_stream(photo))
        return [one.event for one in history]


async def _after(pieces: Iterable[bytes], offset: int) -> AsyncIterator[bytes]:
    """What comes after so many bytes."""
    for piece in pieces:
        if offset < len(piece):
            yield piece[offset:]
        offset = max(0, offset - len(piece))


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
