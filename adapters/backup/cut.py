"""
A moment as a vector of positions, found in a backup.

A time is the last position of each cell recorded at or before it. Positions are the first moment at
which all of them are there: a command is never cut in two, so a position is taken on to the end of
its command; cells that are not named stand as they stood when the latest of those was recorded.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from adapters.backup import files, rows
from adapters.backup.faults import BackupFault
from adapters.backup.parts import Backup, Part

When: TypeAlias = Mapping[int, int] | datetime
Vector: TypeAlias = dict[int, int]

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def resolve(backup: Backup, when: When | None) -> Vector:
    """
    The last position of every cell at a moment; at the backup's end, when none is named.

    Reads only the parts in which the moment lies.

    :raises BackupFault: the backup does not reach that far, or nothing was there yet.
    """
    last = backup.last
    if when is None:
        return last.heads
    if isinstance(when, datetime):
        if when > last.taken_at:
            raise BackupFault(f"the backup ends at {_shown(last.taken_at)}")
        vector = _at_time(backup, when)
    else:
        vector = _at_positions(backup, when)
    if not any(vector.values()):
        raise BackupFault("nothing had been recorded by then")
    return vector


def _at_time(backup: Backup, moment: datetime) -> Vector:
    limit = (moment - _EPOCH) // _MICROSECOND
    vector = dict.fromkeys(backup.last.cells, 0)
    for part in backup.parts:
        if all(mark.recorded_at <= moment for mark in part.cells.values()):
            vector = part.heads
            continue
        # Times never run backwards in a cell: what follows a later event is later.
        for row in _events(backup, part):
            if row.microseconds <= limit:
                vector[row.cell] = row.position
    return vector


def _at_positions(backup: Backup, named: Mapping[int, int]) -> Vector:
    heads = backup.last.heads
    for cell, position in named.items():
        if position > heads.get(cell, -1):
            raise BackupFault(f"the backup has no event at {cell}-{position}")
    wanted = {cell: position for cell, position in named.items() if position}
    ends: Vector = {}
    latest = 0
    commands: dict[int, bytes] = {}
    for part in backup.parts:
        if not _concerns(backup, part, wanted):
            continue
        for row in _events(backup, part):
            position = wanted.get(row.cell, 0)
            if row.position == position:
                commands[row.cell] = row.command
            elif row.position < position or commands.get(row.cell) != row.command:
                commands.pop(row.cell, None)
                continue
            ends[row.cell] = row.position
            latest = max(latest, row.microseconds)
    vector = _at_time(backup, _EPOCH + latest * _MICROSECOND)
    return vector | dict.fromkeys(named, 0) | ends


def _concerns(backup: Backup, part: Part, wanted: Vector) -> bool:
    """Whether one of these positions, or the rest of its command, may be in a part."""
    before = backup.parts[part.number - 2].heads if part.number > 1 else {}
    return any(
        before.get(cell, 0) < position <= part.cells[cell].position
        for cell, position in wanted.items()
    )


def _events(backup: Backup, part: Part) -> Iterator[rows.Row]:
    return rows.parse(files.read(backup.directory, part.files["events"]))


def _shown(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
