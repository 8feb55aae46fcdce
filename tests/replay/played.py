"""
A store played again by a program of its own, so that a test can have it done under another clock,
time zone, locale and hash seed:

    python -m tests.replay.played URL FOLDER

rebuilds all read models, writes each table's rows into a file as the database sends them, in the
order of their keys, and every stream's state after each of its events into one more. Prints under
which circumstances.
"""

import locale
import os
import sys
import time
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import closing, suppress
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import Connection, Table

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.reader import Reader
from api.wiring.models import MODELS
from domain.catalogue import AGGREGATES_BY_TYPE, EVENTS
from domain.ids import StreamId
from projections.engine.ports import LogReader
from replay.rebuild import rebuild
from replay.scratch import LIVE, qualified, tables_of


class Circumstances(msgspec.Struct, frozen=True):
    """What should make no difference."""

    year: int
    zone: str
    locale: str
    hashed: int


def main(url: str, folder: Path) -> None:
    """Play it again, and write down what that makes."""
    with suppress(locale.Error):  # where the machine lacks it, there is its name at least
        locale.setlocale(locale.LC_ALL, "")
    database = Database(url)
    reader = Reader(database.server, EVENTS)
    rebuild(reader, database.owner, MODELS, SystemClock(), uuid4())
    with database.owner.connect() as connection:
        for table in tables_of(MODELS):
            (folder / table.name).write_bytes(_rows(connection, table))
    with (folder / "states").open("w", encoding="utf-8") as states:
        states.writelines(f"{line}\n" for line in _states(reader))
    reader.close()
    database.dispose()
    here = Circumstances(
        datetime.now().year,  # noqa: DTZ005 - whatever the machine says
        time.tzname[0],
        os.environ.get("LC_ALL", ""),
        hash("a stream"),
    )
    sys.stdout.buffer.write(msgspec.json.encode(here))


def _rows(connection: Connection, table: Table) -> bytes:
    keys = ", ".join(f'"{one.name}"' for one in table.primary_key)
    read = f"COPY (SELECT * FROM {qualified(table, LIVE)} ORDER BY {keys}) TO STDOUT"
    kept = BytesIO()
    driver = connection.connection.dbapi_connection
    assert driver is not None
    with closing(driver.cursor()) as cursor:
        cursor.copy_expert(f"{read} (FORMAT binary)", kept)
    return kept.getvalue()


def _states(reader: LogReader) -> Iterator[str]:
    """Of every stream, after each event; or of what kind the error is, where there is none."""
    states: dict[StreamId, Any] = {}
    for cell, head in sorted(reader.heads().items()):
        for recorded in reader.read(cell, 0, head, head):
            aggregate = AGGREGATES_BY_TYPE[type(recorded.event)]
            before = states.get(recorded.stream, aggregate.initial)
            try:
                state = aggregate.evolve(before, recorded.event, recorded.version)
            except Exception as error:  # noqa: BLE001 - a sample alone may be no beginning
                state = type(error).__name__
            states[recorded.stream] = state
            yield f"{recorded.at} {aggregate.name} {_plain(state)}"


def _plain(value: Any) -> str:
    """A value in letters. A set has no order and gets one; whatever else has none is to show."""
    match value:
        case msgspec.Struct():
            fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
            inside = ", ".join(f"{name}={_plain(each)}" for name, each in fields)
            return f"{type(value).__name__}({inside})"
        case dict():
            return "{" + ", ".join(f"{_plain(k)}: {_plain(v)}" for k, v in value.items()) + "}"
        case tuple() | list():
            return "(" + ", ".join(map(_plain, value)) + ")"
        case AbstractSet():
            return "{" + ", ".join(sorted(map(_plain, value))) + "}"
        case _:
            return repr(value)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
