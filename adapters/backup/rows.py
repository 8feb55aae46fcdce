"""
Events as a backup holds them: rows in PostgreSQL's binary COPY format, and the digest over them.

The bytes are the same from every PostgreSQL, so a restored log can be held against the digests that
were taken from the original. The digest of a cell is a chain: that of its last event covers every
event before it, and it goes on from one run to the next without reading again what was read.
"""

import hashlib
from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Final, NamedTuple

from adapters.backup.faults import BackupFault

#: The columns of format 1, those of fixed width first; never changed, whatever the table becomes.
COLUMNS: Final = (
    "cell, position, stream_id, version, recorded_at, owner, actor, command_id, correlation_id,"
    " causation_id, type, data"
)
HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TAIL: Final = b"\xff\xff"

#: The digest of a cell without events.
NOTHING: Final = bytes(32)

_FIELDS: Final = 12
_fixed = Struct(">hihiqi16siiiqi16si16si16si16si")
_length = Struct(">i").unpack_from


class Row(NamedTuple):
    """One event: where, when (in PostgreSQL's microseconds), by which command; and its bytes."""

    cell: int
    position: int
    microseconds: int
    command: bytes
    raw: bytes


class Parser:
    """Rows out of one COPY stream that comes in pieces of any size."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False

    def feed(self, piece: bytes) -> Iterator[Row]:
        """
        The rows that are complete with this piece.

        :raises BackupFault: it is no such stream.
        """
        rest = self._rest + piece
        at = 0
        if not self._begun:
            if len(rest) < len(HEAD):
                self._rest = rest
                return
            if not rest.startswith(HEAD):
                raise BackupFault("this is no stream of events")
            self._begun = True
            at = len(HEAD)
        while (end := _end_of_row(rest, at)) is not None:
            yield _row(rest, at, end)
            at = end
        self._rest = rest[at:]

    def close(self) -> None:
        """
        Nothing more comes.

        :raises BackupFault: it broke off.
        """
        if self._rest != TAIL:
            raise BackupFault("a stream of events breaks off")


def parse(pieces: Iterable[bytes]) -> Iterator[Row]:
    """The rows of a whole stream."""
    parser = Parser()
    for piece in pieces:
        yield from parser.feed(piece)
    parser.close()


def chained(before: bytes, raw: bytes) -> bytes:
    """A cell's digest after one more event."""
    return hashlib.sha256(before + raw).digest()


def _end_of_row(data: bytes, at: int) -> int | None:
    """Where the row that begins at ``at`` ends; None while it is not all there."""
    size = len(data)
    end = at + _fixed.size
    if end > size:
        return None
    (causation,) = _length(data, end - 4)
    end += max(causation, 0)
    for _ in ("type", "data"):
        if end + 4 > size:
            return None
        (length,) = _length(data, end)
        end += 4 + length
    return end if end <= size else None


def _row(data: bytes, at: int, end: int) -> Row:
    # fmt: off
    (fields, _, cell, _, position, _, _, _, _, _, microseconds, _, _, _, _,
     _, command, _, _, _) = _fixed.unpack_from(data, at)
    # fmt: on
    if fields != _FIELDS:
        raise BackupFault("a row of events has another shape")
    return Row(cell, position, microseconds, command, data[at:end])
