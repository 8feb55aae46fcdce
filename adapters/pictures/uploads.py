"""
Uploads on their way, kept in the object store: so they outlive connections, servers and restarts,
and it does not matter which server goes on with one.

    uploads/MEMBER/UPLOAD/info-L-T   of L bytes until T (hex ms); the key of its bytes, sealed
    uploads/MEMBER/UPLOAD/part-N     the bytes from offset N on, sealed, up to 2 MiB of them
    uploads/MEMBER/UPLOAD/new-X-N    the same, until the checksum of the request X was right
    uploads/MEMBER/UPLOAD/picture    what it was made into (``taking.py``)

A part is stored only if there is none at its offset: of two connections that send the same bytes,
or two servers, one goes on and the other is told where the upload stands. How far it is follows
from the names and sizes of its parts, so there is no count that a crash could leave wrong.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final, NamedTuple
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.pictures.frames import TAG_BYTES, Damaged, Gone, new_key, open_key
from commands.pictures import (
    Checksum,
    ChecksumMismatch,
    ObjectExists,
    Objects,
    Stored,
    Upload,
)
from commands.ports import Clock, KeyVault
from domain.event import Refused
from domain.ids import MemberId
from domain.sealed import KeyClass, Sealed

ROOT: Final = "uploads/"
LIFETIME: Final = timedelta(hours=24)
#: How many uploads of a member may be neither a picture of an album nor expired.
OPEN_MAX: Final = 100
PART_BYTES: Final = 2 << 20
_NONCE_BYTES: Final = 12

Room = Callable[[MemberId], Awaitable[int]]
Added = Callable[[MemberId, UUID], Awaitable[bool]]


class Info(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is stored of an upload when it begins. ``key`` is that of its bytes, sealed."""

    key: Sealed[str]
    metadata: Sealed[str] | None = None


class Folder(msgspec.Struct):
    """
    What the names and sizes in an upload's folder say. ``parts`` are those that follow each other
    from the start on, ``offset`` where they end; ``taken``: it is a picture.
    """

    info: str
    length: int
    expires_at: datetime
    offset: int
    parts: list[str]
    taken: bool


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
        #: Who is writing an upload here; the next to come takes over.
        self._writers: dict[UUID, asyncio.Event] = {}

    @property
    def length_max(self) -> int:
        """How many bytes an upload may have."""
        return self._length_max

    async def create(self, member: MemberId, id: UUID, length: int, metadata: str | None) -> Upload:
        """Begin an upload, if there is room for all of it beside the others on their way."""
        if length > self._length_max:
            raise Refused("upload-too-large")
        _, key = await new_key(self._vault, member)
        seal = self._vault.seal
        told = None if metadata is None else await seal(member, KeyClass.CONTENT, metadata)
        expires_at = _milliseconds(self._clock.now() + LIFETIME)
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
            id=id, offset=0, length=length, expires_at=_moment(expires_at), metadata=metadata
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
        async with self._taking_over(id) as taken_over, self._turn(id):
            folder, info = await self._find(member, id)
            if folder.offset != offset:
                raise Refused("upload-offset")
            key = self._open(info)
            attempt = None if checksum is None else uuid4().hex
            summed = None if checksum is None else hashlib.new(checksum.algorithm)
            unproven: list[tuple[str, str]] = []
            try:
                async for part in _parts(body, taken_over):
                    if offset + len(part) > folder.length:
                        raise Refused("upload-too-large")
                    name = _part(member, id, offset)
                    sealed = await asyncio.to_thread(_seal_part, key, id, offset, part, summed)
                    if attempt is None:
                        await self._objects.put(name, sealed, new=True)
                    else:
                        before = name.replace("/part-", f"/new-{attempt}-")
                        unproven.append((before, name))
                        await self._objects.put(before, sealed)
                    offset += len(part)
                if checksum is not None and summed is not None:
                    if summed.digest() != checksum.digest:
                        raise ChecksumMismatch
                    await self._keep(unproven)
            except ObjectExists:
                raise Refused("upload-offset") from None
            finally:
                if unproven:
                    await asyncio.shield(self._objects.delete(one for one, _ in unproven))
            folder.offset = offset
        return _upload(id, folder, None)

    async def _keep(self, unproven: list[tuple[str, str]]) -> None:
        """Parts have proved right; in order, so that what a crash leaves is a beginning."""
        for before, name in unproven:
            sealed = await self._objects.get(before)
            if sealed is None:
                raise Damaged
            await self._objects.put(name, sealed, new=True)

    async def terminate(self, member: MemberId, id: UUID) -> None:
        """Forget an upload, whoever is writing it."""
        async with self._taking_over(id), self._turn(id):
            folder, _ = await self._find(member, id)
            if folder.taken:
                raise Refused("upload-taken")
            # What says that there is one goes first: what may be left is swept.
            await self._objects.delete([folder.info, *folder.parts])

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
            opened = await asyncio.to_thread(_open_part, key, id, offset, sealed)
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
            and not (folder.taken and await self._added(member, upload))
        ]

    @asynccontextmanager
    async def _turn(self, of: UUID) -> AsyncIterator[None]:
        """One at a time, here; between servers the store decides."""
        lock = self._turns.get(of)
        if lock is None:
            lock = self._turns[of] = asyncio.Lock()
        async with lock:
            yield

    @asynccontextmanager
    async def _taking_over(self, id: UUID) -> AsyncIterator[asyncio.Event]:
        """Ask whoever writes this upload to stop: their client has come back, and is us."""
        if (before := self._writers.get(id)) is not None:
            before.set()
        self._writers[id] = taken_over = asyncio.Event()
        try:
            yield taken_over
        finally:
            if self._writers.get(id) is taken_over:
                del self._writers[id]


async def _parts(body: AsyncIterator[bytes], taken_over: asyncio.Event) -> AsyncIterator[bytearray]:
    """
    A body in parts; what had come when it broke off, or somebody took over, is the last one.
    """
    held = bytearray()
    pieces = aiter(body)
    ended = asyncio.ensure_future(taken_over.wait())
    broken: BaseException | None = None
    try:
        while not ended.done():
            piece = asyncio.ensure_future(anext(pieces, None))
            try:
                await asyncio.wait({piece, ended}, return_when=asyncio.FIRST_COMPLETED)
                if not piece.done():
                    break
                came = piece.result()
            finally:
                piece.cancel()
            if came is None:
                break
            held += came
            while len(held) >= PART_BYTES:
                yield held[:PART_BYTES]
                del held[:PART_BYTES]
    except (ConnectionError, EOFError, TimeoutError, asyncio.CancelledError) as error:
        broken = error
    finally:
        ended.cancel()
    if held:
        yield held
    if broken is not None:
        raise broken


def folder_of(member: MemberId, id: UUID) -> str:
    """Where all of an upload is."""
    return f"{ROOT}{member}/{id}/"


def read_folder(listed: Sequence[Stored]) -> Folder | None:
    """What an upload's folder holds, its objects by name; None when it is no upload any more."""
    names = {one.name.rpartition("/")[2]: one for one in listed}
    info = next((name for name in names if name.startswith("info-")), None)
    if info is None:
        return None
    _, length, expires_at = info.split("-")
    folder = Folder(
        info=names[info].name,
        length=int(length, 16),
        expires_at=_moment(int(expires_at, 16)),
        offset=0,
        parts=[],
        taken="picture" in names,
    )
    while (part := names.get(f"part-{folder.offset:012}")) is not None:
        folder.parts.append(part.name)
        folder.offset += part.size - _NONCE_BYTES - TAG_BYTES
    if folder.taken:
        folder.offset = folder.length
    return folder


class Swept(NamedTuple):
    """All that is stored of one upload; ``folder`` is None when it is no upload any more."""

    member: MemberId
    id: UUID
    folder: Folder | None
    names: list[str]


def by_upload(listed: Sequence[Stored]) -> Iterator[Swept]:
    """What is stored, by upload; objects come by name."""
    for path, objects in groupby(listed, key=lambda one: one.name.rpartition("/")[0]):
        _, member, upload = path.split("/")
        every = list(objects)
        yield Swept(
            MemberId(UUID(member)), UUID(upload), read_folder(every), [one.name for one in every]
        )


def _upload(id: UUID, folder: Folder, metadata: str | None) -> Upload:
    return Upload(
        id=id,
        offset=folder.offset,
        length=folder.length,
        expires_at=folder.expires_at,
        metadata=metadata,
    )


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _part(member: MemberId, id: UUID, offset: int) -> str:
    return f"{folder_of(member, id)}part-{offset:012}"


def _bound_to(id: UUID, offset: int) -> bytes:
    """What a part is authenticated with: it cannot stand in for another one."""
    return id.bytes + offset.to_bytes(8, "big")


def _seal_part(
    key: bytes, id: UUID, offset: int, part: bytearray, summed: "hashlib._Hash | None"
) -> bytes:
    if summed is not None:
        summed.update(part)
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, part, _bound_to(id, offset))


def _open_part(key: bytes, id: UUID, offset: int, sealed: bytes) -> bytes:
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, text, _bound_to(id, offset))
    except InvalidTag:
        raise Damaged from None
