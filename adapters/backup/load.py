"""
Bring a backup into an empty database, up to a vector of positions.

All of it in one transaction, the comparison with the saved checkpoint included: whatever goes wrong
and whenever, the database is as empty as it was. The schema is first that of the backup's release,
as its rows are; then it is brought up to date. Read models are not its business.
"""

import io
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from typing import Any, Final

import msgspec
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text

from adapters.backup import files, rows
from adapters.backup.export import COMMANDS, copy_events
from adapters.backup.faults import BackupFault
from adapters.backup.parts import Backup, Part
from adapters.backup.tree import bring_tree
from adapters.backup.work import OnWork, Work, unseen
from adapters.schema import migrating, upgrade

_EVENTS_AT_ONCE: Final = 20_000
_PIECE_BYTES: Final = 1 << 18

_EMPTY: Final = text("SELECT to_regclass('log.log_heads') IS NULL")
_KEYS: Final = text(
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE conrelid = 'log.events'::regclass AND contype IN ('p', 'u') ORDER BY contype"
)
# The table is new in this transaction, so its rows can be written as if they were old.
_EVENTS: Final = f"COPY log.events ({rows.COLUMNS}) FROM STDIN (FORMAT binary, FREEZE)"
_HEAD: Final = text(
    "INSERT INTO log.log_heads (cell, position, last_recorded_at, rules_epoch)"
    " SELECT :cell, :position, coalesce((SELECT recorded_at FROM log.events"
    " WHERE cell = :cell AND position = :position), '1970-01-01 00:00:00+00'), :epoch"
)
_ARRIVED: Final = (
    "CREATE TEMPORARY TABLE arrived (LIKE log.commands) ON COMMIT DROP;"
    " CREATE TEMPORARY TABLE reached (cell smallint, head bigint) ON COMMIT DROP"
)
# A key whose events are not all there was not used. One without events may have been used just
# after the last: it is left out as well, and its command decided again, from the same state.
_COMMANDS: Final = text(
    f"INSERT INTO log.commands ({COMMANDS}) SELECT {COMMANDS} FROM arrived"  # noqa: S608 - constants
    " JOIN reached USING (cell) WHERE position + greatest(events, :least) - 1 <= head"
    " ON CONFLICT DO NOTHING"
)
_SUBSCRIBER: Final = text(
    "INSERT INTO log.checkpoints (cell, subscriber, position) VALUES (:cell, :name, :position)"
)


class Loaded(msgspec.Struct, frozen=True):
    """
    What was restored: events, the last position of every cell, and leaves of the notary's tree.
    """

    events: int
    positions: dict[int, int]
    leaves: int


def load(
    backup: Backup,
    engine: Engine,
    vector: Mapping[int, int],
    before_commit: Callable[[], object],
    on_work: OnWork = unseen,
    vkeys: Collection[str] = (),
) -> Loaded:
    """
    Restore a checked backup's log.

    :param engine: of the empty database's owner.
    :param before_commit: what must have been done before anybody can see the log.
    :param vkeys: of the notary's keys at hand: with the newest of the tree, it is restored.
    :raises BackupFault: the database is not empty, or what arrived is not what was saved.
    """
    with migrating(engine) as connection:
        if not connection.scalar(_EMPTY):
            raise BackupFault("the database holds a store already; restore into an empty one")
        return _Load(backup, connection, vector, on_work).run(before_commit, vkeys)


class _Load:
    def __init__(
        self, backup: Backup, connection: Connection, vector: Mapping[int, int], on_work: OnWork
    ) -> None:
        self._backup = backup
        self._connection = connection
        self._vector = dict(vector)
        self._on_work = on_work
        self._total = sum(vector.values())
        self._done = 0
        self._digests = dict.fromkeys(vector, rows.NOTHING)
        self._whole: Part | None = None

    def run(self, before_commit: Callable[[], object], vkeys: Collection[str]) -> Loaded:
        try:
            upgrade(self._connection, self._backup.last.revision)
        except CommandError:
            raise BackupFault("the backup was taken by a newer release of Homezone") from None
        keys = self._drop_keys()
        for part in self._backup.parts:
            self._copy_part(part)
        self._on_work(Work("indexes", 0, 1))
        for name, definition in keys:
            self._say(f'ALTER TABLE log.events ADD CONSTRAINT "{name}" {definition}')
        self._say("ANALYZE log.events")
        self._on_work(Work("indexes", 1, 1))
        self._put_heads()
        self._put_commands()
        self._compare()
        upgrade(self._connection)
        leaves = bring_tree(self._backup, self._connection, self._vector, vkeys, self._on_work)
        before_commit()
        return Loaded(self._total, self._vector, leaves)

    def _drop_keys(self) -> list[tuple[str, str]]:
        """Indexes are made in one go when the rows are there."""
        keys = [(name, definition) for name, definition in self._connection.execute(_KEYS)]
        for name, _ in keys:
            self._say(f'ALTER TABLE log.events DROP CONSTRAINT "{name}"')
        return keys

    def _copy_part(self, part: Part) -> None:
        pieces = files.read(self._backup.directory, part.files["events"])
        heads = part.heads
        if all(heads[cell] <= position for cell, position in self._vector.items()):
            self._copy(_EVENTS, pieces)
            self._digests = {cell: bytes.fromhex(mark.sha256) for cell, mark in part.cells.items()}
            self._whole = part
            self._done = sum(heads.values())
            self._on_work(Work("events", self._done, self._total))
        elif self._done < self._total:
            self._copy(_EVENTS, self._until_there(pieces))

    def _until_there(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The part of a stream that lies within the vector."""
        vector, digests = self._vector, self._digests
        kept: list[bytes] = [rows.HEAD]
        size = 0
        for row in rows.parse(pieces):
            if row.position <= vector[row.cell]:
                digests[row.cell] = rows.chained(digests[row.cell], row.raw)
                kept.append(row.raw)
                size += len(row.raw)
                self._done += 1
                if size >= _PIECE_BYTES:
                    yield b"".join(kept)
                    self._on_work(Work("events", self._done, self._total))
                    kept, size = [], 0
        yield b"".join((*kept, rows.TAIL))
        self._on_work(Work("events", self._done, self._total))

    def _put_heads(self) -> None:
        for cell, position in self._vector.items():
            mark = None if self._whole is None else self._whole.cells[cell]
            epoch = 0 if mark is None else mark.rules_epoch
            values = {"cell": cell, "position": position, "epoch": epoch}
            self._connection.execute(_HEAD, values)
        # How far subscribers were is only certain of a moment before the one that is restored:
        # what they did after it may be missing, and they do nothing twice.
        subscribers = {} if self._whole is None else self._whole.subscribers
        for name, positions in subscribers.items():
            for cell, position in positions.items():
                self._connection.execute(
                    _SUBSCRIBER, {"cell": cell, "name": name, "position": position}
                )

    def _put_commands(self) -> None:
        self._say(_ARRIVED)
        reached = ",".join(f"({cell},{position})" for cell, position in self._vector.items())
        self._say(f"INSERT INTO reached VALUES {reached}")  # noqa: S608 - numbers
        everything = self._vector == self._backup.last.heads
        # The newest first: of a key that expired and was used again, the last use counts.
        for part in reversed(self._backup.parts):
            pieces = files.read(self._backup.directory, part.files["commands"])
            self._copy(f"COPY arrived ({COMMANDS}) FROM STDIN (FORMAT binary)", pieces)
            self._connection.execute(_COMMANDS, {"least": 0 if everything else 1})
            self._say("TRUNCATE arrived")

    def _compare(self) -> None:
        """Read the log that is there now, and hold its digests against the saved ones."""
        done = 0
        for cell, head in self._vector.items():
            digest, position = rows.NOTHING, 0
            while position < head:
                end = min(position + _EVENTS_AT_ONCE, head)
                digest, position = self._digest(cell, position, end, digest)
                if position != end:
                    raise BackupFault(f"the backup has no event at {cell}-{position + 1}")
                self._on_work(Work("comparing", done + position, self._total))
            if digest != self._digests[cell]:
                raise BackupFault(f"the events of cell {cell} are not those of the checkpoint")
            done += head

    def _digest(self, cell: int, after: int, until: int, digest: bytes) -> tuple[bytes, int]:
        parser = rows.Parser()
        position = after

        def follow(piece: bytes) -> None:
            nonlocal digest, position
            for row in parser.feed(piece):
                if row.position != position + 1:
                    raise BackupFault(f"the backup has no event at {cell}-{position + 1}")
                position = row.position
                digest = rows.chained(digest, row.raw)

        copy_events(self._connection, cell, after, until, follow)
        parser.close()
        return digest, position

    def _copy(self, statement: str, pieces: Iterator[bytes]) -> None:
        driver = self._connection.connection.dbapi_connection
        assert driver is not None
        with closing(driver.cursor()) as cursor:
            cursor.copy_expert(statement, _Readable(pieces), _PIECE_BYTES)

    def _say(self, statement: str) -> Any:
        return self._connection.exec_driver_sql(statement)


class _Readable(io.RawIOBase):
    """Pieces as the file that the driver reads from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes; none at the end."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = memoryview(piece)
        cut = len(self._rest) if size < 0 else size
        data, self._rest = bytes(self._rest[:cut]), self._rest[cut:]
        return data
