"""
What pictures need from outside, as Protocols: a store of objects, uploads on their way into it, and
finished uploads made into pictures.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec

from domain.ids import MemberId
from domain.picture import Picture, Rendition


class ObjectsUnavailable(Exception):
    """The object store cannot be reached or has no room; nothing of what was asked counts."""


class ObjectExists(Exception):
    """There is an object of that name already; it stays as it is."""


class Stored(NamedTuple):
    """An object's name, and its size in bytes."""

    name: str
    size: int


class Objects(Protocol):
    """
    Bytes by name. Names are paths of plain segments; an object is there whole or not at all, and
    durable once it is. Everything raises :class:`ObjectsUnavailable`.
    """

    async def put(self, name: str, data: bytes | bytearray, *, new: bool = False) -> None:
        """
        Store an object, in place of what had its name.

        :param new: there must be none of that name.
        :raises ObjectExists: there is, and that was not to be.
        """

    async def put_stream(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """
        Store an object as its bytes come, a few MiB of it in memory at once.

        :raises Exception: whatever ``chunks`` raises; then there is no such object.
        """

    async def get(self, name: str) -> bytes | None:
        """A small object; None when there is none."""

    def stream(self, name: str, chunk_bytes: int) -> AsyncIterator[bytes]:
        """
        An object in pieces of ``chunk_bytes``, the last maybe smaller; nothing at all when there is
        none.
        """

    async def list(self, prefix: str) -> list[Stored]:
        """All objects under a prefix that ends in a slash, by name."""

    async def move(self, source: str, target: str) -> None:
        """Give an object another name. Done already, or no such object: nothing happens."""

    async def delete(self, names: Iterable[str]) -> None:
        """Remove objects; those that are not there are no error."""

    async def tidy(self, prefix: str, before: datetime, /) -> int:
        """
        Remove what writes under a prefix began before then and never ended, by a crash; how many
        there were. None of it is an object.
        """

    async def check(self) -> None:
        """Find out whether it answers."""


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """
    How far an upload is: ``offset`` of ``length`` bytes have arrived. ``metadata`` is what the
    client said of it (tus ``Upload-Metadata``), as it came.
    """

    id: UUID
    offset: int
    length: int
    expires_at: datetime
    metadata: str | None = None

    @property
    def finished(self) -> bool:
        """Whether all of it has arrived."""
        return self.offset == self.length


class ChecksumMismatch(Exception):
    """What arrived is not what was sent; none of it is kept."""


class Checksum(NamedTuple):
    """What a body must hash to; ``algorithm`` is one of hashlib's."""

    algorithm: str
    digest: bytes


class Uploads(Protocol):
    """
    Uploads that can be interrupted and resumed. All are a member's: another's is as good as none.
    """

    @property
    def length_max(self) -> int:
        """How many bytes an upload may have."""

    async def create(self, member: MemberId, id: UUID, length: int, metadata: str | None) -> Upload:
        """
        Begin an upload.

        :raises Refused: `upload-too-large`, `too-many-uploads`, `quota-exceeded`.
        """

    async def status(self, member: MemberId, id: UUID) -> Upload:
        """
        How far it is.

        :raises Refused: `not-found`, `upload-expired`.
        """

    async def append(
        self,
        member: MemberId,
        id: UUID,
        offset: int,
        body: AsyncIterator[bytes],
        checksum: Checksum | None = None,
    ) -> Upload:
        """
        Take what comes next. Whatever arrived before ``body`` breaks off is kept, unless there is
        a checksum: then all counts or nothing.

        :raises Refused: as :meth:`status`; `upload-offset` when it is not at ``offset``;
            `upload-too-large` when there is more than its length.
        :raises ChecksumMismatch: none of it was kept.
        """

    async def terminate(self, member: MemberId, id: UUID) -> None:
        """
        Forget an upload.

        :raises Refused: as :meth:`status`; `upload-taken` once it is a picture.
        """

    async def clear(self, member: MemberId, id: UUID) -> None:
        """
        Forget all of an upload that nobody will ask for again, whatever it became; the picture it
        was made into stays.
        """


class Pictures(Protocol):
    """Finished uploads made into pictures, and the bytes of these."""

    async def take(self, member: MemberId, upload: UUID, *, keep_location: bool) -> Picture:
        """
        Read a finished upload of a member's, clean, resize, seal and store it; the same answer when
        asked again.

        :raises Refused: `no-such-upload`, `upload-unfinished`, `not-a-picture`, `picture-too-large`
            (field ``/upload``).
        """

    async def turned(self, member: MemberId, upload: UUID) -> tuple[bytes, ...]:
        """
        The PDQ hashes of a taken upload's picture, turned and mirrored in all eight ways, upright
        first; empty where none is computed.
        """

    def read(self, member: MemberId, rendition: Rendition) -> AsyncIterator[bytes]:
        """
        The plain bytes of a rendition, in pieces.

        :raises Refused: `not-found`: there are no such bytes, or none that open any more.
        """

    async def drop(self, renditions: Iterable[Rendition]) -> None:
        """Remove the bytes of renditions that nothing shows any more; again is no error."""
