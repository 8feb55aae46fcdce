"""
Uploads on their way, kept in the object store: so they outlive connections, servers and restarts,
and it does not matter which server goes on with one.

A part is stored only if there is none at its offset: of two connections that send the same bytes,
or two servers, one goes on and the other is told where the upload stands. ``folders.py`` says what
is where.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

import msgspec

from adapters.pictures.folders import (
    LIFETIME,
    ROOT,
    Folder,
    by_upload,
    folder_of,
    milliseconds,
    moment_of,
    part_name,
    read_folder,
)
from adapters.pictures.frames import Damaged, Gone, new_key, open_key
from adapters.pictures.parts import Arrival, open_part, seal_part
from commands.pictures import (
    Checksum,
    ChecksumMismatch,
    ObjectExists,
    Objects,
    Upload,
)
from commands.ports import Clock, KeyVault
from domain.event import Refused
from domain.ids import MemberId
from domain.photo import photo_of
from domain.sealed import KeyClass, Sealed

A = TypeVar("A", bound=Arrival | None)
#: How many uploads of a member may be neither a picture of an album nor expired.
OPEN_MAX: Final = 100
#: Uploads of which it is remembered that they are photos.
_REMEMBERED_MAX: Final = 50_000

Room = Callable[[MemberId], Awaitable[int]]
Added = Callable[[MemberId, UUID], Awaitable[bool]]


class Info(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is stored of an upload when it begins. ``key`` is that of its bytes, sealed."""

    key: Sealed[str]
    metadata: Sealed[str] | None = None


class SealedUploads:
    """
    Satisfies the ``Uploads`` port.

    :param length_max: bytes of one upload.
    :param room: how many bytes a member may still store, beside the photos of their albums.
    :param added: whether an upload has become a photo of an album, and counts there.
    """

    def __init__(
        self,
        objects: Objects,
        vault: KeyVault,
        clock: Clock,
        room: Room,
        added: Added,
        *,
        length_max: int,
        open_max: int = OPEN_MAX,
    ) -> None:
        self._objects = objects
        self._vault = vault
        self._clock = clock
        self._room = room
        self._added = added
        self._open_max = open_max
        self._length_max = length_max
        self._turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._photos: set[UUID] = set()
        #: What is arriving of an upload here; whoever comes next takes over.
        self._arrivals: dict[UUID, Arrival] = {}

    @property
    def length_max(self) -> int:
        """How many bytes an upload may have."""
        return self._length_max

    async def create(self, member: MemberId, id: UUID, length: int, metadata: str | None) -> Upload:
        """Begin an upload, if there is room for all of it beside the others on their way."""
        if length > self._length_max:
            raise Refused("upload-too-large")
        photo, seal = photo_of(member, id), self._vault.seal
        _, key = await new_key(self._vault, member, photo)
        told = None if metadata is None else await seal(member, KeyClass.CONTENT, metadata, photo)
        expires_at = milliseconds(self._clock.now() + LIFETIME)
        name = f"{folder_of(member, id)}info-{length:x}-{expires_at:x}"
        # Uploads of a member begin one after the other, so that two cannot share the last room.
        async with self._turn(member):
            lengths = await self._open_lengths(member)
            if len(lengths) >= self._open_max:
                raise Refused("too-many-uploads")
            if sum(lengths) + length > await self._room(member):
                raise Refused("quota-exceeded")
            await self._objects.put(name, msgspec.msgpack.encode(Info(key, told)), new=True)
        return Upload(
            id=id, offset=0, length=length, expires_at=moment_of(expires_at), metadata=metadata
        )

    async def status(self, member: MemberId, id: UUID) -> Upload:
        """How far it is."""
        folder, info = await self._find(member, id)
        told = info.metadata
        return _upload(id, folder, None if told is None else self._vault.open(told))

    async def append(
        self,
        member: MemberId,
        id: UUID,
        offset: int,
        body: AsyncIterator[bytes],
        checksum: Checksum | None = None,
    ) -> Upload:
        """Take what comes next, a part at a time."""
        async with self._taking_over(id, Arrival(body)) as arrival, self._turn(id):
            folder, info = await self._find(member, id)
            if folder.offset != offset:
                raise Refused("upload-offset")
            writer = _Writer(self._objects, member, id, self._open(info), checksum)
            try:
                while (part := await arrival.part()) is not None:
                    if offset + len(part) > folder.length:
                        raise Refused("upload-too-large")
                    await writer.write(offset, part)
                    offset += len(part)
                await writer.finish()
            except ObjectExists:
                raise Refused("upload-offset") from None
            finally:
                await asyncio.shield(writer.close())
            folder.offset = offset
        return _upload(id, folder, None)

    async def terminate(self, member: MemberId, id: UUID) -> None:
        """Forget an upload, whoever is writing it."""
        async with self._taking_over(id, None), self._turn(id):
            folder, _ = await self._find(member, id)
            if folder.taken:
                raise Refused("upload-taken")
            # What says that there is one goes first: what may be left is swept.
            await self._objects.delete([folder.info, *folder.parts])

    async def clear(self, member: MemberId, id: UUID) -> None:
        """Forget all of an upload, at once."""
        listed = await self._objects.list(folder_of(member, id))
        await self._objects.delete(one.name for one in listed)

    async def check_finished(self, member: MemberId, id: UUID) -> None:
        """
        :raises Refused: `no-such-upload`, `upload-unfinished` (field ``/upload``).
        """
        try:
            folder, _ = await self._find(member, id)
        except Refused as refused:
            raise Refused("no-such-upload", field="/upload") from refused
        if folder.offset < folder.length:
            raise Refused("upload-unfinished", field="/upload")

    async def plain(self, member: MemberId, id: UUID) -> AsyncIterator[bytes]:
        """
        The bytes of a finished upload, part by part.

        :raises Refused: it is none.
        """
        folder, info = await self._find(member, id)
        key = self._open(info)
        offset = 0
        for part in folder.parts:
            sealed = await self._objects.get(part)
            if sealed is None:
                raise Damaged
            opened = await asyncio.to_thread(open_part, key, id, offset, sealed)
            yield opened
            offset += len(opened)

    async def discard_parts(self, member: MemberId, id: UUID) -> None:
        """Let go of what an upload was made of, once it is something."""
        listed = await self._objects.list(folder_of(member, id))
        await self._objects.delete(
            one.name for one in listed if one.name.rpartition("/")[2].startswith(("part-", "new-"))
        )

    async def _find(self, member: MemberId, id: UUID) -> tuple[Folder, Info]:
        folder = read_folder(await self._objects.list(folder_of(member, id)))
        raw = None if folder is None else await self._objects.get(folder.info)
        if folder is None or raw is None:
            raise Refused("not-found")
        if folder.expires_at <= self._clock.now():
            raise Refused("upload-expired")
        return folder, msgspec.msgpack.decode(raw, type=Info)

    def _open(self, info: Info) -> bytes:
        try:
            return open_key(self._vault, info.key)
        except Gone:
            raise Refused("not-found") from None

    async def _open_lengths(self, member: MemberId) -> list[int]:
        """The lengths of a member's uploads that have not become photos."""
        now = self._clock.now()
        return [
            folder.length
            for _, upload, folder, _ in by_upload(await self._objects.list(f"{ROOT}{member}/"))
            if folder is not None
            and folder.expires_at > now
            and not (folder.taken and await self._became(member, upload))
        ]

    async def _became(self, member: MemberId, upload: UUID) -> bool:
        """Whether it has become a photo, which remains so: asked no more once it has."""
        if upload in self._photos:
            return True
        if not await self._added(member, upload):
            return False
        if len(self._photos) >= _REMEMBERED_MAX:
            self._photos.clear()
        self._photos.add(upload)
        return True

    @asynccontextmanager
    async def _turn(self, of: UUID) -> AsyncIterator[None]:
        """One at a time, here; between servers the store decides."""
        lock = self._turns.get(of)
        if lock is None:
            lock = self._turns[of] = asyncio.Lock()
        async with lock:
            yield

    @asynccontextmanager
    async def _taking_over(self, id: UUID, arrival: A) -> AsyncIterator[A]:
        """Ask whoever writes this upload to stop: their client has come back, and is us."""
        if (before := self._arrivals.pop(id, None)) is not None:
            before.give_up()
        if arrival is not None:
            self._arrivals[id] = arrival
        try:
            yield arrival
        finally:
            if arrival is not None and self._arrivals.get(id) is arrival:
                del self._arrivals[id]


class _Writer:
    """
    Seals and stores the parts of one request, one of them while the next arrives and is sealed.

    With a checksum they have passing names until it has proved right.
    """

    def __init__(
        self, objects: Objects, member: MemberId, id: UUID, key: bytes, checksum: Checksum | None
    ) -> None:
        self._objects = objects
        self._member = member
        self._id = id
        self._key = key
        self._checksum = checksum
        self._summed = None if checksum is None else hashlib.new(checksum.algorithm)
        self._attempt = uuid4().hex
        self._unproven: list[tuple[str, str]] = []
        self._storing: asyncio.Task[None] | None = None

    async def write(self, offset: int, part: bytearray) -> None:
        """Store a part, once the one before it is."""
        sealed = await asyncio.to_thread(seal_part, self._key, self._id, offset, part, self._summed)
        await self._stored()
        self._storing = asyncio.create_task(self._store(offset, sealed))

    async def finish(self) -> None:
        """
        All is stored, and as it should be.

        :raises ChecksumMismatch: it is not.
        """
        await self._stored()
        if self._checksum is None or self._summed is None:
            return
        if self._summed.digest() != self._checksum.digest:
            raise ChecksumMismatch
        # In order, so that what a crash leaves is a beginning.
        for before, name in self._unproven:
            sealed = await self._objects.get(before)
            if sealed is None:
                raise Damaged
            await self._objects.put(name, sealed, new=True)

    async def close(self) -> None:
        """Leave nothing half-done behind."""
        if self._storing is not None:
            await asyncio.wait({self._storing})
        await self._objects.delete(before for before, _ in self._unproven)

    async def _stored(self) -> None:
        if self._storing is not None:
            storing, self._storing = self._storing, None
            await storing

    async def _store(self, offset: int, sealed: bytes) -> None:
        name = part_name(self._member, self._id, offset)
        if self._checksum is None:
            await self._objects.put(name, sealed, new=True)
            return
        before = name.replace("/part-", f"/new-{self._attempt}-")
        self._unproven.append((before, name))
        await self._objects.put(before, sealed)


def _upload(id: UUID, folder: Folder, metadata: str | None) -> Upload:
    return Upload(
        id=id,
        offset=folder.offset,
        length=folder.length,
        expires_at=folder.expires_at,
        metadata=metadata,
    )
