"""
Finished uploads made into pictures, once each.

The three sizes are stored beside the upload first. Then a record says what they are, and by that
record they are moved to their places: whoever asks again, after whatever crash, finds the record
and goes on from there. An object in its place is therefore one that a record names, and the sweep
(``sweeping.py``) can tell by the upload alone what nobody came to show.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

import msgspec

from adapters.pictures.folders import folder_of
from adapters.pictures.frames import Damaged, Gone, opened_frames, sealed_frames
from adapters.pictures.uploads import SealedUploads
from adapters.pictures.worker import Size
from adapters.pictures.workshop import Undeveloped, Workshop
from commands.pictures import ObjectExists, Objects
from commands.ports import KeyVault
from domain.event import Refused
from domain.ids import MemberId
from domain.photo import photo_of
from domain.picture import Picture, Rendition
from domain.sealed import KeyClass, Sealed

_CHUNK_BYTES: Final = 256 << 10


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What an upload was made into. ``staged`` is where its sizes were before they had a place, in
    the order of the picture's renditions.
    """

    picture: Picture
    staged: tuple[str, str, str]
    hashes: tuple[bytes, ...] = ()


class TakenPictures:
    """Satisfies the ``Pictures`` port."""

    def __init__(
        self, objects: Objects, vault: KeyVault, uploads: SealedUploads, workshop: Workshop
    ) -> None:
        self._objects = objects
        self._vault = vault
        self._uploads = uploads
        self._workshop = workshop
        self._turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def take(self, member: MemberId, upload: UUID, *, keep_location: bool) -> Picture:
        """A finished upload's picture; made now, or when this was asked before."""
        lock = self._turns.get(upload)
        if lock is None:
            lock = self._turns[upload] = asyncio.Lock()
        async with lock:
            record = await self.record(member, upload)
            if record is None:
                record = await self._make(member, upload, keep_location=keep_location)
            elif await self._objects.get(record.staged[-1]) is None:
                # The last to be moved, so all are in their places.
                return record.picture
            await self._place(record)
            await self._uploads.discard_parts(member, upload)
            return record.picture

    async def turned(self, member: MemberId, upload: UUID) -> tuple[bytes, ...]:
        """The PDQ hashes of a taken upload's picture in all eight turns."""
        record = await self.record(member, upload)
        return () if record is None else record.hashes

    async def record(self, member: MemberId, upload: UUID) -> Record | None:
        """What an upload was made into, if it was."""
        raw = await self._objects.get(_record(member, upload))
        return None if raw is None else msgspec.msgpack.decode(raw, type=Record)

    async def read(self, member: MemberId, rendition: Rendition) -> AsyncIterator[bytes]:
        """The plain bytes of a rendition, frame by frame."""
        stored = self._objects.stream(object_name(rendition), _CHUNK_BYTES)
        begun = False
        try:
            async for frame in opened_frames(self._vault, member, stored):
                begun = True
                yield frame
        except (Damaged, Gone):
            if begun:
                raise
            raise Refused("not-found") from None

    async def drop(self, renditions: Iterable[Rendition]) -> None:
        """Remove the bytes of renditions."""
        await self._objects.delete(object_name(one) for one in renditions)

    async def _make(self, member: MemberId, upload: UUID, *, keep_location: bool) -> Record:
        """
        :raises Refused: it is no finished upload of the member's, or no picture.
        """
        await self._uploads.check_finished(member, upload)
        attempt, renditions, staged = uuid4().hex, [], []
        try:
            async with self._workshop.developing(self._uploads.plain(member, upload)) as made:
                answer = made.answer
                for number, size in enumerate(answer.sizes):
                    name = f"{folder_of(member, upload)}staged-{attempt}-{number}"
                    plain = made.bytes_of(size)
                    frames = sealed_frames(self._vault, member, photo_of(member, upload), plain)
                    renditions.append(await self._stage(name, frames, size))
                    staged.append(name)
        except Undeveloped as refused:
            raise Refused(refused.problem, field="/upload") from None
        original, screen, thumb = renditions
        location: Sealed[str] | None = None
        if keep_location and answer.location is not None:
            seal, photo = self._vault.seal, photo_of(member, upload)
            location = await seal(member, KeyClass.CONTENT, answer.location, photo)
        picture = Picture(
            original,
            screen,
            thumb,
            perceptual=answer.hashes[0] if answer.hashes else None,
            taken_at=None
            if answer.taken_at is None
            else datetime.fromtimestamp(answer.taken_at, UTC),
            location=location,
        )
        record = Record(picture, (staged[0], staged[1], staged[2]), answer.hashes)
        try:
            await self._objects.put(
                _record(member, upload), msgspec.msgpack.encode(record), new=True
            )
        except ObjectExists:
            # Another server was first; what is staged here is swept with the upload.
            earlier = await self.record(member, upload)
            assert earlier is not None
            return earlier
        return record

    async def _stage(self, name: str, frames: AsyncIterator[bytes], size: Size) -> Rendition:
        """Store a size, sealed, under a passing name, counting and hashing what is stored."""
        hashed, stored = hashlib.sha256(), 0

        async def counted() -> AsyncIterator[bytes]:
            nonlocal stored
            async for frame in frames:
                hashed.update(frame)
                stored += len(frame)
                yield frame

        await self._objects.put_stream(name, counted())
        return Rendition(hashed.digest(), stored, size.width, size.height, size.format)

    async def _place(self, record: Record) -> None:
        for name, rendition in zip(record.staged, record.picture.renditions, strict=True):
            await self._objects.move(name, object_name(rendition))


def object_name(rendition: Rendition) -> str:
    """Where a rendition's sealed bytes are: under their own digest, which anybody can check."""
    name = rendition.digest.hex()
    return f"objects/{name[:2]}/{name[2:4]}/{name}"


def _record(member: MemberId, upload: UUID) -> str:
    return f"{folder_of(member, upload)}picture"
