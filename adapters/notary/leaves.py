"""
Digest records by the index of their leaf: the tree's entries, made again from the events.
"""

from sqlalchemy import Connection

from adapters.notary import store
from adapters.notary.key import NotaryFault
from adapters.notary.rows import read_rows


def records_of(connection: Connection, first: int, end: int) -> list[bytes]:
    """
    The records of leaves from ``first`` up to ``end``, in their order; each cell is read once.

    :raises NotaryFault: one of them is of no event.
    """
    by_cell: dict[int, list[store.Run]] = {}
    for whole in store.runs_over(connection, first, end):
        run = whole.part(first, end)
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
