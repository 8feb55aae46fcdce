"""
The twin of what makes uploads into pictures and keeps their bytes; and how small all limits are
here, so that they are come to.

A picture is a word that nothing else says. So whoever is sent its bytes is found out as whoever is
shown a text is.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from hashlib import sha256
from typing import Any, get_args
from uuid import UUID

from api.http.answers import Answer
from domain.event import Refused
from domain.ids import MemberId
from domain.picture import Picture, Rendition, Size

ALBUMS_MAX, PHOTOS_MAX = 4, 6
#: Bytes; a picture takes 100 to 600 of them.
QUOTA = 2_500
_SHARES: dict[Size, int] = {"original": 3, "screen": 2, "thumb": 1}


def quota(_: object = None) -> int:
    """How many bytes anybody may store, whatever the level."""
    return QUOTA


class Darkroom:
    """Finished uploads, and the bytes of pictures: what a store of objects holds."""

    def __init__(self) -> None:
        self._uploads: dict[tuple[UUID, UUID], tuple[str, int]] = {}
        self._taken: dict[tuple[UUID, UUID], Picture] = {}
        self._stored: dict[bytes, bytes] = {}
        #: The word of each picture, by the digest of its original.
        self.words: dict[bytes, str] = {}

    def upload(self, member: UUID, upload: UUID, word: str, unit: int) -> None:
        """
        All of it has arrived.

        :param unit: a sixth of the bytes that its picture takes.
        """
        self._uploads[member, upload] = word, unit

    def size(self, member: UUID, upload: UUID) -> int:
        """How many bytes its picture takes."""
        return sum(_SHARES.values()) * self._uploads[member, upload][1]

    def take(self, member: UUID, upload: UUID) -> Picture:
        """
        Make it into a picture, once.

        :raises Refused: no-such-upload.
        """
        at = member, upload
        if at not in self._uploads:
            raise Refused("no-such-upload", field="/upload")
        if at not in self._taken:
            word, unit = self._uploads[at]
            made: dict[Size, Rendition] = {}
            for size in get_args(Size):
                data = content(word, size)
                digest = sha256(data).digest()
                self._stored[digest] = data
                made[size] = Rendition(digest, _SHARES[size] * unit, 40, 30, "jpeg")
            self.words[made["original"].digest] = word
            self._taken[at] = Picture(made["original"], made["screen"], made["thumb"])
        return self._taken[at]

    def read(self, rendition: Rendition) -> bytes:
        """
        The bytes of one size.

        :raises Refused: not-found.
        """
        if rendition.digest not in self._stored:
            raise Refused("not-found")
        return self._stored[rendition.digest]

    def drop(self, renditions: Iterable[Rendition]) -> None:
        """Remove bytes; again is no error."""
        for rendition in renditions:
            self._stored.pop(rendition.digest, None)

    def served(self, pause: Callable[[], Awaitable[None]]) -> Any:
        """It, as a server has it: everything takes its time."""
        return _Served(self, pause)


def content(word: str, size: Size) -> bytes:
    """What a picture's bytes in a size say."""
    return f"{word} as {size}".encode()


class _Served:
    """The port."""

    def __init__(self, darkroom: Darkroom, pause: Callable[[], Awaitable[None]]) -> None:
        self._darkroom = darkroom
        self._pause = pause

    async def take(self, member: MemberId, upload: UUID, *, keep_location: bool) -> Picture:
        """A finished upload, made into a picture; none here was taken anywhere."""
        await self._pause()
        assert not keep_location
        return self._darkroom.take(member, upload)

    async def turned(self, *_: object) -> tuple[bytes, ...]:
        """No hashes are computed here."""
        return ()

    async def read(self, _: MemberId, rendition: Rendition) -> AsyncIterator[bytes]:
        """The bytes, in pieces."""
        await self._pause()
        data = self._darkroom.read(rendition)
        yield data[:3]
        await self._pause()
        yield data[3:]

    async def drop(self, renditions: Iterable[Rendition]) -> None:
        """Remove bytes."""
        await self._pause()
        self._darkroom.drop(renditions)


async def serve_whole(_: object, __: str, pieces: AsyncIterator[bytes], *, filename: str) -> Answer:
    """A download, as a client has it in the end."""
    assert filename.isascii()
    return Answer(b"".join([piece async for piece in pieces]))
