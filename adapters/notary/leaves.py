"""
Digest records by the index of their leaf: the tree's entries, made again from the events.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from adapters.notary import store
from adapters.notary.key import NotaryFault
from adapters.notary.rows import read_rows
from domain.evidence.tree import leaf_hash


def records_of(connection: Connection, first: int, end: int) -> list[bytes]:
    """
    The records of leaves from ``first`` up to ``end``, in their order.

    :raises NotaryFault: one of them is of no event.
    """
    whole = store.runs_over(connection, first, end)
    return _records(connection, [run.part(first, end) for run in whole], first, end)


def hashes_of(
    connection: Connection, runs: Sequence[store.Run], first: int, end: int
) -> list[bytes]:
    """
    The hashes of leaves from ``first`` up to ``end``, of which are these runs, in their order.

    :raises NotaryFault: one of them is of no event.
    """
    return [leaf_hash(record) for record in _records(connection, runs, first, end)]


def _records(
    connection: Connection, these: Sequence[store.Run], first: int, end: int
) -> list[bytes]:
    """Each cell is read once: its runs follow each other in the log as they do in the tree."""
    by_cell: dict[int, list[store.Run]] = {}
    for run in these:
        by_cell.setdefault(run.cell, []).append(run)
    records = [b""] * (end - first)
    for cell, runs in by_cell.items():
        until = runs[-1].position + runs[-1].events - 1
        rows = read_rows(connection, cell, runs[0].position - 1, until, end - first)
        for run in runs:
            for index in range(run.events):
                position = run.position + index
                row = next(rows, None)
                if row is None or row.position != position:
                    raise NotaryFault(f"the log has no event at {cell}-{position}")
                records[run.leaf - first + index] = row.record(cell, run.tags_of(position))
    if not all(records):
        raise NotaryFault(f"nothing says which event leaf {first + records.index(b''):,} is")
    return records
