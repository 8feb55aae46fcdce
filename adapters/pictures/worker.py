"""
The process in which files of strangers are decoded: ``python -m adapters.pictures.worker``.

It may take so much memory and no more, may write no file, and is told files and tells pictures
through its standard streams, one at a time. Whoever asked kills it when it takes too long; when it
runs out of memory it dies by itself. Neither concerns anybody else.

    file      4 bytes length | bytes, again and again; length 0 ends it
    answer    4 bytes length | MessagePack ``Answer`` | the bytes of its three sizes
"""

import os
import resource
import sys
from typing import Any, BinaryIO, Final

import msgspec

from domain.picture import PictureFormat

MEMORY_MAX: Final = 1_280 << 20
FILE_BYTES_MAX: Final = 256 << 20


class Size(msgspec.Struct, frozen=True):
    """One size in an answer: its bytes follow, so many of them."""

    length: int
    format: PictureFormat
    width: int
    height: int


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What came of a file: why it was refused, or its sizes and what it said of itself. ``taken_at``
    is in seconds since the epoch.
    """

    refused: str | None = None
    sizes: tuple[Size, ...] = ()
    hashes: tuple[bytes, ...] = ()
    taken_at: int | None = None
    location: str | None = None


def main() -> None:
    """Develop files until there are no more."""
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    os.environ.update(
        VIPS_CONCURRENCY="1", VIPS_DISC_THRESHOLD="1t", VIPS_NOVECTOR="0", G_SLICE="always-malloc"
    )
    from adapters.pictures import developing

    developing.restrict()
    _limit()
    while (data := _read(source)) is not None:
        _answer(developing, data, target)
        del data


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_MAX),
        # Neither a cache nor a core: no plain byte of a picture touches a disk.
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _read(source: BinaryIO) -> bytes | None:
    """A whole file; None when there are no more."""
    data = bytearray()
    while True:
        head = source.read(4)
        if len(head) < 4:
            return None
        length = int.from_bytes(head, "big")
        if not length:
            break
        data += source.read(length)
    return bytes(data)


def _answer(developing: Any, data: bytes, target: BinaryIO) -> None:
    try:
        made = developing.develop(data)
    except developing.NotAPicture:
        _say(target, Answer(refused="not-a-picture"))
        return
    except (developing.TooLarge, MemoryError):
        _say(target, Answer(refused="picture-too-large"))
        return
    every = (made.original, made.screen, made.thumb)
    taken_at = None if made.taken_at is None else int(made.taken_at.timestamp())
    _say(
        target,
        Answer(
            sizes=tuple(Size(len(one.data), one.format, one.width, one.height) for one in every),
            hashes=made.hashes,
            taken_at=taken_at,
            location=made.location,
        ),
        *(one.data for one in every),
    )


def _say(target: BinaryIO, answer: Answer, *bodies: bytes) -> None:
    head = msgspec.msgpack.encode(answer)
    target.write(len(head).to_bytes(4, "big") + head)
    target.writelines(bodies)
    target.flush()


if __name__ == "__main__":
    main()
