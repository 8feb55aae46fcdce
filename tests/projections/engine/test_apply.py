"""
Row changes, against a naive interpreter and PostgreSQL's own idea of each type.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from projections.engine.apply import InlineModels, apply, execute
from projections.engine.copying import Copies
from projections.rows import Add, Change, Drop, Patch, Put
from tests.projections.engine.toys import (
    History,
    Noted,
    World,
    content,
    history,
    interpret,
    listed,
    metadata,
    notes,
    recorded_of,
    tallies,
)

NOW = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
SOME = UUID(int=5)


def copy(connection: Connection, name: str, puts: Sequence[Put]) -> None:
    """Each by itself, as if there were very many of them."""
    copies = Copies()
    for put in puts:
        copies.add(name, put.table, [put])
    copies.send(connection)


def note(**values: Any) -> dict[str, Any]:
    blank = {"text": None, "sealed": b"", "at": NOW, "position": 1, "edited": False}
    return blank | values


@pytest.mark.parametrize(
    "written",
    [
        "",
        "NULL",
        "null",
        "a,b",
        '"quoted"',
        "back\\slash",
        "{}",
        "line\nbreak\ttab",
        "说说 🏠",
        "%s",
    ],
)
def test_texts_arrive_as_they_were(world: World, written: str) -> None:
    with world.server.begin() as connection:
        apply(connection, [Put(notes, (0, SOME), note(text=written))])
        copy(connection, "models.notes", [Put(notes, (1, SOME), note(text=written))])
    assert [row[2] for row in world.content(notes)["notes"]] == [written, written]


def test_every_type_and_none_arrive_as_they_were(world: World) -> None:
    sealed = bytes(range(256))
    values = note(sealed=sealed, position=2**62, edited=True)
    with world.server.begin() as connection:
        apply(connection, [Put(notes, (2, SOME), values)])
    assert world.content(notes)["notes"] == [(2, SOME, None, sealed, NOW, 2**62, True)]


def test_uncommon_types_travel_as_text(world: World) -> None:
    odd = Table(
        "odd",
        MetaData(schema="models"),
        Column("cell", SmallInteger, primary_key=True, autoincrement=False),
        Column("ids", ARRAY(Uuid)),
        Column("body", JSON),
    )
    odd.create(world.database.owner)
    with world.server.begin() as connection:
        apply(connection, [Put(odd, (1,), {"ids": [SOME], "body": {"a": ['"', None]}})])
        apply(connection, [Patch(odd, (1,), {"body": {"a": 1}})])
        assert connection.execute(select(odd)).all() == [(1, [SOME], {"a": 1})]


def test_a_table_of_keys_alone_takes_a_row_twice(world: World) -> None:
    members = Table(
        "members",
        MetaData(schema="models"),
        Column("cell", SmallInteger, primary_key=True, autoincrement=False),
        Column("name", Text, primary_key=True),
    )
    members.create(world.database.owner)
    for _ in range(2):
        with world.server.begin() as connection:
            apply(connection, [Put(members, (1, "a"), {})])
            assert connection.scalar(select(func.count()).select_from(members)) == 1


@pytest.mark.parametrize("word", ["", "null", "a,b", '"', "说\u2028\x7f", "\\.", "]\n[", "\t\x01"])
def test_what_is_copied_as_json_is_what_was_put(world: World, word: str) -> None:
    """Every type that JSON and CSV write alike, and texts that they do not."""
    plain = Table(
        "plain",
        MetaData(),
        Column("cell", SmallInteger, primary_key=True, autoincrement=False),
        Column("id", Uuid, primary_key=True),
        Column("word", Text),
        Column("day", Date),
        Column("at", DateTime(timezone=True)),
        Column("number", BigInteger),
        Column("said", Boolean),
        prefixes=["TEMPORARY"],
    )
    row = {"word": word, "day": date(2026, 2, 28), "at": NOW, "number": -(2**63), "said": False}
    puts = [
        Put(plain, (0, SOME), row),
        Put(plain, (1, SOME), dict.fromkeys(row)),
        Put(plain, (2, SOME), {**row, "word": "plain", "number": 2**63 - 1, "said": True}),
    ]
    with world.server.connect() as connection:
        plain.create(connection)
        copy(connection, "plain", puts)
        found = connection.execute(select(plain).order_by(plain.c.cell)).all()
    assert found == [(*put.key, *put.values.values()) for put in puts]


def test_what_is_copied_is_what_is_applied(world: World) -> None:
    """Every type, none, and what travels as text."""
    lists = Table(
        "lists",
        MetaData(),
        Column("cell", SmallInteger, primary_key=True, autoincrement=False),
        Column("ids", ARRAY(Uuid)),
        Column("words", ARRAY(Text)),
        Column("said", JSON),
        prefixes=["TEMPORARY"],
    )
    said: dict[str, Any] = {"ids": [SOME, SOME], "words": ["a\tb\\", '"'], "said": {"a": "\n\\n"}}
    rows = [said, {"ids": None, "words": [], "said": None}]
    lists_of = [Put(lists, (cell,), row) for cell, row in enumerate(rows)]
    notes_of = [
        Put(notes, (0, SOME), note(text="\\N", sealed=b"\\\x00\n\xff", edited=True)),
        Put(notes, (0, uuid4()), note()),
    ]
    found = []
    for copying in (False, True):
        with world.server.connect() as connection:
            lists.create(connection, checkfirst=False)
            if copying:
                copy(connection, "lists", lists_of)
                copy(connection, "models.notes", notes_of)
            else:
                apply(connection, [*lists_of, *notes_of])
            ordered = [select(table).order_by(*table.primary_key) for table in (lists, notes)]
            found.append([connection.execute(query).all() for query in ordered])
            connection.rollback()
    assert found[0] == found[1]
    assert found[0][1], "there are rows"


@pytest.mark.parametrize("values", [{}, {"text": "a"}, {**note(), "sealed": b"", "else": 1}])
def test_what_has_other_columns_is_not_copied(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="columns other than"):
        Copies().add("models.notes", notes, [Put(notes, (0, SOME), values)])


def test_the_schema_translate_map_is_honoured(world: World) -> None:
    with world.database.owner.begin() as connection:
        connection.execute(text("CREATE SCHEMA elsewhere"))
        notes.to_metadata(MetaData(), schema="elsewhere").create(connection)
        connection.execution_options(schema_translate_map={"models": "elsewhere"})
        apply(connection, [Put(notes, (0, SOME), note()), Put(notes, (0, uuid4()), note())])
        apply(connection, [Patch(notes, (0, SOME), {"text": "there"})])
        assert len(content(connection, [notes])["notes"]) == 2
    assert world.content(notes)["notes"] == []


@pytest.mark.parametrize(
    "change",
    [
        Put(notes, (0, SOME), {"text": "only"}),
        Put(notes, (0, SOME), note(surplus=1)),
        Patch(notes, (0, SOME), {"unknown": 1}),
        Patch(notes, (0, SOME), {"id": SOME}),
        Add(tallies, (0, "a"), {"unknown": 1}),
    ],
)
def test_wrong_columns_are_refused(world: World, change: Change) -> None:
    with world.server.begin() as connection, pytest.raises(ValueError, match="columns"):
        apply(connection, [change])


def test_a_row_takes_adds_alone_or_none(world: World) -> None:
    with world.server.begin() as connection, pytest.raises(ValueError, match="Adds alone"):
        apply(connection, [Add(tallies, (0, "a"), {"notes": 1}), Drop(tallies, (0, "a"))])


def test_inline_models_write_what_their_events_change(world: World) -> None:
    events = [recorded_of(0, position, Noted(SOME, "x")) for position in (1, 2)]
    with world.server.begin() as connection:
        execute(connection, InlineModels([History(inline=True), History()]).statements(events))
    assert world.content(history)["history"] == [(0, 1, "toy.noted.v1"), (0, 2, "toy.noted.v1")]


_keys = st.tuples(st.integers(0, 1), st.integers(1, 3).map(lambda number: UUID(int=number)))
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
_columns = st.fixed_dictionaries(
    {},
    optional={
        "text": st.none() | _texts,
        "sealed": st.binary(max_size=8),
        "edited": st.booleans(),
        "position": st.integers(-(2**63), 2**63 - 1),
    },
)
_changes = st.one_of(
    st.builds(lambda key, values: Put(notes, key, note(**values)), _keys, _columns),
    st.builds(lambda key, values: Patch(notes, key, values), _keys, _columns),
    st.builds(lambda key: Drop(notes, key), _keys),
    st.builds(
        lambda cell, name, values: Add(tallies, (cell, name), values),
        st.integers(0, 1),
        st.sampled_from(["a", "b"]),
        st.fixed_dictionaries(
            {}, optional={"notes": st.integers(-9, 9), "strikes": st.integers(-9, 9)}
        ),
    ),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.lists(_changes, max_size=12), max_size=5))
def test_any_batching_gives_what_a_naive_reading_gives(
    world: World, batches: list[list[Change]]
) -> None:
    rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {}
    changes = [change for batch in batches for change in batch]
    for change in changes:
        interpret(rows.setdefault(change.table.name, {}), change)
    for batching in (batches, [[change] for change in changes], [changes]):
        with world.server.connect() as connection:
            for batch in batching:
                apply(connection, batch)
            assert content(connection, metadata.tables.values()) == listed(rows)
            connection.rollback()
