"""
Take a part: what the log has beyond the last one.

Only where the log ends, the keys of commands and the subscribers' checkpoints must be of one
moment; they are read in one snapshot. Events below that end never change, so they are read
afterwards, piece by piece: no snapshot is held that would keep the server from tidying up.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, text

from adapters.backup import rows
from adapters.backup.faults import BackupFault
from adapters.backup.files import File, Writing
from adapters.backup.keylist import Vault, write_list
from adapters.backup.parts import Backup, Mark, Part, file_name, identity_of
from adapters.backup.tree import write_tree
from adapters.backup.work import OnWork, Work, unseen
from adapters.notary import store

_EVENTS_AT_ONCE: Final = 20_000

_REVISION: Final = text("SELECT version_num FROM log.alembic_version")
_HEADS: Final = text(
    "SELECT cell, position, last_recorded_at, rules_epoch FROM log.log_heads ORDER BY cell"
)
# Read models are made again, so how far they were says nothing.
_SUBSCRIBERS: Final = text(
    "SELECT subscriber, cell, position FROM log.checkpoints"
    " WHERE subscriber NOT LIKE 'model/%' ORDER BY subscriber, cell"
)
COMMANDS: Final = "cell, actor, key, digest, answer, position, events, expires_at"
_COPY_COMMANDS: Final = (
    f"COPY (SELECT {COMMANDS} FROM log.commands c"  # noqa: S608 - constants
    " JOIN unnest(%s::smallint[], %s::bigint[]) AS old (cell, head) USING (cell)"
    " WHERE c.position > old.head) TO STDOUT (FORMAT binary)"
)
_COPY_EVENTS: Final = (
    f"COPY (SELECT {rows.COLUMNS} FROM log.events"  # noqa: S608 - constants
    " WHERE cell = %s AND position > %s AND position <= %s ORDER BY position)"
    " TO STDOUT (FORMAT binary)"
)


class _Moment(msgspec.Struct, frozen=True):
    """What was read in one snapshot."""

    revision: str
    heads: dict[int, tuple[int, datetime, int]]
    subscribers: dict[str, dict[int, int]]
    commands: File
    tree: store.Standing | None


def take(
    backup: Backup,
    engine: Engine,
    vault: Vault,
    now: datetime,
    release: str,
    on_work: OnWork = unseen,
) -> Part | None:
    """
    Add a part with all that is new; None when nothing is. The directory is the caller's alone.

    :param engine: may read the log.
    :raises BackupFault: the backup is another store's, the log has a hole, the disk is full.
    """
    backup.check_seals(vault)
    known = backup.last.cells if backup.parts else {}
    _check_history(engine, backup, known)
    number, _ = backup.next()
    try:
        return _take(backup, engine, vault, now, release, on_work)
    finally:
        if len(backup.parts) < number:
            _discard(backup, number)


def _take(
    backup: Backup, engine: Engine, vault: Vault, now: datetime, release: str, on_work: OnWork
) -> Part | None:
    known = backup.last.cells if backup.parts else {}
    number, previous = backup.next()
    moment = _moment(backup, engine, number, known)
    if backup.parts and moment.heads.keys() != known.keys():
        raise BackupFault(f"the backup in {backup.directory} is of a store with other cells")
    # After the heads were read: whatever an event up to there is sealed with, is in the vault now.
    listed = write_list(backup, vault, number, now)
    heads = {cell: head[0] for cell, head in moment.heads.items()}
    count = sum(heads.values()) - sum(mark.position for mark in known.values())
    tree = moment.tree
    had = backup.last.tree if backup.parts else None
    grown = tree is not None and (had is None or had.size != tree.size)
    # Refusals since then, which left nothing but their keys, go with the next part.
    if backup.parts and not (count or listed.entries or grown):
        return None
    notarised = None if tree is None else write_tree(backup, engine, number, tree)
    with Writing(backup.directory, file_name(number, "events")) as file:
        export = _Events(engine, file, count, on_work)
        marks = {cell: export.cell(cell, known.get(cell), *moment.heads[cell]) for cell in heads}
        events = export.finish()
    part = Part(
        number=number,
        previous=previous,
        taken_at=now,
        release=release,
        revision=moment.revision,
        vault=identity_of(vault),
        events=count,
        cells=marks,
        subscribers=moment.subscribers,
        keys=listed.keys,
        destroyed=listed.destroyed,
        items_destroyed=listed.items_destroyed,
        files={"events": events, "commands": moment.commands, "keys": listed.file}
        | ({} if notarised is None else {"tree": notarised.file}),
        tree=None if notarised is None else notarised.mark,
    )
    backup.add(part, vault)
    return part


class _Events:
    """The events of a part, cell by cell, into one stream."""

    def __init__(self, engine: Engine, file: Writing, total: int, on_work: OnWork) -> None:
        self._engine = engine
        self._file = file
        self._total = total
        self._done = 0
        self._on_work = on_work
        file.write(rows.HEAD)

    def cell(
        self, cell: int, known: Mark | None, head: int, recorded_at: datetime, epoch: int
    ) -> Mark:
        """Copy what is new in a cell, up to its head."""
        position = 0 if known is None else known.position
        before = rows.NOTHING if known is None else bytes.fromhex(known.before)
        digest = rows.NOTHING if known is None else bytes.fromhex(known.sha256)
        while position < head:
            end = min(position + _EVENTS_AT_ONCE, head)
            sink = _Sink(self._file, cell, position, before, digest)
            copy_events(self._engine, cell, position, end, sink.write)
            sink.close(end)
            self._done += end - position
            position, before, digest = end, sink.before, sink.digest
            self._on_work(Work("events", self._done, self._total))
        return Mark(head, recorded_at, epoch, digest.hex(), before.hex())

    def finish(self) -> File:
        self._file.write(rows.TAIL)
        return self._file.finish()


class _Sink:
    """Takes a COPY stream of a cell's events, follows their digest, and hands the rows on."""

    def __init__(
        self, file: Writing, cell: int, position: int, before: bytes, digest: bytes
    ) -> None:
        self._file = file
        self._cell = cell
        self._position = position
        self._parser = rows.Parser()
        self.before = before
        self.digest = digest

    def write(self, piece: bytes) -> None:
        """A piece of the stream."""
        for row in self._parser.feed(piece):
            self._position += 1
            if row.position != self._position:
                raise BackupFault(f"the log has no event at {self._cell}-{self._position}")
            self.before, self.digest = self.digest, rows.chained(self.digest, row.raw)
            self._file.write(row.raw)

    def close(self, end: int) -> None:
        """All of it came."""
        self._parser.close()
        if self._position != end:
            raise BackupFault(f"the log has no event at {self._cell}-{self._position + 1}")


def copy_events(
    source: Engine | Connection, cell: int, after: int, until: int, write: Callable[[bytes], None]
) -> None:
    """A cell's events with ``after < position <= until``, as a COPY stream."""
    if isinstance(source, Engine):
        with source.connect() as connection:
            copy_events(connection, cell, after, until, write)
        return
    copy(source, _COPY_EVENTS, (cell, after, until), write)


def copy(
    connection: Connection, statement: str, values: Iterable[Any], write: Callable[[bytes], None]
) -> None:
    """Copy out in the connection's transaction."""
    driver = connection.connection.dbapi_connection
    assert driver is not None
    with closing(driver.cursor()) as cursor:
        cursor.copy_expert(cursor.mogrify(statement, tuple(values)).decode(), _Writable(write))


class _Writable:
    """The least that the driver takes for a file."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.write = write


def _moment(backup: Backup, engine: Engine, number: int, known: Mapping[int, Mark]) -> _Moment:
    """Where everything stands, in one snapshot, with the keys of commands since."""
    snapshot = engine.connect().execution_options(isolation_level="REPEATABLE READ")
    with snapshot as connection, Writing(backup.directory, file_name(number, "commands")) as file:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        heads = {
            cell: (position, at, epoch) for cell, position, at, epoch in connection.execute(_HEADS)
        }
        subscribers: dict[str, dict[int, int]] = {}
        for name, cell, position in connection.execute(_SUBSCRIBERS):
            subscribers.setdefault(name, {})[cell] = position
        revision = str(connection.execute(_REVISION).scalar_one())
        since = [known[cell].position if cell in known else -1 for cell in heads]
        copy(connection, _COPY_COMMANDS, (list(heads), since), file.write)
        tree = store.standing(connection)
        return _Moment(revision, heads, subscribers, file.finish(), tree)


def _check_history(engine: Engine, backup: Backup, known: Mapping[int, Mark]) -> None:
    """
    Refuse to go on from a backup whose last events the log does not have as they were.

    It is another store's, or the store was restored to an earlier moment and lived on from there.
    """
    for cell, mark in known.items():
        if not mark.position:
            continue
        digests: list[bytes] = []
        parser = rows.Parser()
        before = bytes.fromhex(mark.before)

        def write(
            piece: bytes,
            parser: rows.Parser = parser,
            before: bytes = before,
            digests: list[bytes] = digests,
        ) -> None:
            digests.extend(rows.chained(before, row.raw) for row in parser.feed(piece))

        copy_events(engine, cell, mark.position - 1, mark.position, write)
        if digests != [bytes.fromhex(mark.sha256)]:
            raise BackupFault(
                f"the backup in {backup.directory} has another history than this store"
                f" (at {cell}-{mark.position}): back up into an empty directory"
            )


def _discard(backup: Backup, number: int) -> None:
    """Remove the files of a part that did not come about."""
    for what in ("events", "commands", "keys", "tree"):
        (backup.directory / file_name(number, what)).unlink(missing_ok=True)
