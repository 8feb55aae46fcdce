"""
A bundle's events as a table in Parquet, for whoever analyses many of them.

Parquet differs from release to release of its writer, so no checker could work it out again: it is
made from a bundle that was checked, and is no part of one. Its library is large, and optional.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from domain.evidence.bundles import BundledEvent, shown_data
from domain.evidence.records import DigestRecord

_ROWS_AT_ONCE: Final = 10_000


class NoParquet(Exception):
    """The library is not installed."""


class Rows:
    """A table on its way, a group of rows at a time."""

    def __init__(self, arrow: Any, writer: Any, schema: Any) -> None:
        self._arrow = arrow
        self._writer = writer
        self._schema = schema
        self._rows: list[tuple[Any, ...]] = []

    def add(self, record: DigestRecord, event: BundledEvent) -> None:
        """The next event."""
        actor, owner, command, correlation, causation = event.ids
        at = datetime.fromisoformat(record.recorded_at)
        place = (record.cell, record.position, at, record.type, record.stream, record.version)
        ids = (owner, actor, command, correlation, causation or None)
        self._rows.append((*place, *ids, shown_data(event)))
        if len(self._rows) == _ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what there is."""
        columns = list(zip(*self._rows, strict=True)) or [()] * len(self._schema)
        arrays = [
            self._arrow.array(column, field.type)
            for column, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_table(self._arrow.table(arrays, schema=self._schema))
        self._rows.clear()


@contextmanager
def table(path: Path) -> Iterator[Rows]:
    """
    A new table at a path, where it appears once the block has ended well.

    :raises NoParquet: the library is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise NoParquet from None
    text = pa.string()
    schema = pa.schema(
        [
            ("cell", pa.int16()),
            ("position", pa.int64()),
            ("recorded_at", pa.timestamp("us", "UTC")),
            ("type", text),
            ("stream", text),
            ("version", pa.int32()),
            *((name, text) for name in ("owner", "actor", "command", "correlation", "causation")),
            ("data", text),
        ]
    )
    partial = path.with_name(f"{path.name}.partial")
    try:
        with parquet.ParquetWriter(partial, schema) as writer:
            rows = Rows(pa, writer, schema)
            yield rows
            rows.flush()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
