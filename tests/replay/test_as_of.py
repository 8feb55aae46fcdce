"""
Read models as they stood at a moment are, row by row, what they were at that moment.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import inspect, select, text

from projections.engine.lease import Lease
from replay.as_of import BadSchema, Made, as_of, positions_at
from replay.scratch import LIVE, BusyError, tables_of
from tests.replay.conftest import LiveWorld

Rows = dict[str, set[tuple[Any, ...]]]


def make(live: LiveWorld, moment: datetime | Mapping[int, int], schema: str = "then") -> Made:
    database = live.world.database
    return as_of(
        live.reader, database.owner, live.models, moment, schema, live.world.clock, uuid4()
    )


def rows(live: LiveWorld, schema: str = LIVE) -> Rows:
    with live.world.database.owner.connect() as connection:
        connection.execution_options(schema_translate_map={LIVE: schema})
        return {
            table.name: {tuple(map(str, row)) for row in connection.execute(select(table))}
            for table in tables_of(live.models)
        }


def test_they_are_what_they_were_at_every_moment(live: LiveWorld) -> None:
    moments: list[tuple[dict[int, int], Rows]] = []
    for _ in range(5):
        live.write(7)
        live.engine.catch_up()
        moments.append((live.reader.heads(), rows(live)))
    assert len({str(sorted(was.items())) for _, was in moments}) == 5
    for heads, was in moments:
        made = make(live, heads)
        assert made.positions == heads
        assert rows(live, "then") == was
    assert rows(live) == moments[-1][1], "the live ones are as they are"


def test_before_the_first_event_they_are_empty(live: LiveWorld) -> None:
    live.write(5)
    make(live, datetime(2001, 1, 1, tzinfo=UTC))
    assert not any(rows(live, "then").values())


def test_a_cell_that_is_not_named_stands_where_it_stood_then(live: LiveWorld) -> None:
    live.write(3)
    before = live.reader.heads()
    live.write(9)
    assert positions_at(live.reader, before) == before
    (last,) = live.reader.read(1, before[1] - 1, 1)
    then = positions_at(live.reader, {1: before[1]})
    assert then == {**live.reader.heads_at(last.recorded_at), 1: before[1]}
    with pytest.raises(ValueError, match="yet"):
        positions_at(live.reader, {1: 1_000})


def test_only_a_schema_of_ones_own_is_replaced(live: LiveWorld) -> None:
    live.write(2)
    heads = live.reader.heads()
    make(live, heads)
    make(live, heads)
    with live.world.database.owner.begin() as connection:
        connection.execute(text("CREATE SCHEMA theirs"))
    for name in ("theirs", "models", "log", "public", "pg_then", "Then", "then; DROP", ""):
        with pytest.raises(BadSchema):
            make(live, heads, name)
    assert "theirs" in inspect(live.world.database.owner).get_schema_names()


def test_a_schema_is_made_by_one_at_a_time(live: LiveWorld) -> None:
    lease = Lease("as-of/then", uuid4(), live.world.clock, 30.0)
    with live.world.database.owner.begin() as connection:
        assert lease.take(connection)
    with pytest.raises(BusyError):
        make(live, live.reader.heads())
