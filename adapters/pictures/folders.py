"""
What is stored of an upload, and where:

    uploads/MEMBER/UPLOAD/info-L-T   of L bytes until T (hex ms); the key of its bytes, sealed
    uploads/MEMBER/UPLOAD/part-N     the bytes from offset N on, sealed, up to 2 MiB of them
    uploads/MEMBER/UPLOAD/new-X-N    the same, until the checksum of the request X was right
    uploads/MEMBER/UPLOAD/picture    what it was made into (``taking.py``)

How far an upload is follows from the names and sizes of its parts, so there is no count that a
crash could leave wrong; and one listing says all that is to be known of a member's uploads.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from adapters.pictures.parts import SEALING_BYTES
from commands.pictures import Stored
from domain.ids import MemberId

ROOT: Final = "uploads/"
LIFETIME: Final = timedelta(hours=24)


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
        expires_at=moment_of(int(expires_at, 16)),
        offset=0,
        parts=[],
        taken="picture" in names,
    )
    while (part := names.get(f"part-{folder.offset:012}")) is not None:
        folder.parts.append(part.name)
        folder.offset += part.size - SEALING_BYTES
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


def milliseconds(moment: datetime) -> int:
    """Since the Unix epoch."""
    return int(moment.timestamp() * 1000)


def moment_of(milliseconds: int) -> datetime:
    """The moment so many milliseconds after the Unix epoch."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def part_name(member: MemberId, id: UUID, offset: int) -> str:
    """Where the bytes of an upload from that offset on are."""
    return f"{folder_of(member, id)}part-{offset:012}"
