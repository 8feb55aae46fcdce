"""
Folding a batch's changes and writing each row once comes to the same as writing them one by one.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table

from projections.rows import Add, Change, Drop, Key, Patch, Put, fold

METADATA = MetaData()
TABLES = [
    Table(
        name,
        METADATA,
        Column("cell", Integer, primary_key=True),
        Column("id", Integer, primary_key=True),
        Column("a", Integer),
        Column("b", Integer),
    )
    for name in ("one", "other", "sums")
]
ROWS, SUMS = TABLES[:2], TABLES[2]

Rows = dict[tuple[str, Key], dict[str, Any]]

KEYS = st.tuples(st.just(0), st.integers(0, 1))
SMALL = st.integers(-3, 3)
SOME = st.dictionaries(st.sampled_from(["a", "b"]), SMALL, min_size=1)
WHOLE = st.fixed_dictionaries({"a": SMALL, "b": SMALL})
CHANGES = st.one_of(
    st.builds(Put, st.sampled_from(ROWS), KEYS, WHOLE),
    st.builds(Patch, st.sampled_from(ROWS), KEYS, SOME),
    st.builds(Drop, st.sampled_from(ROWS), KEYS),
    st.builds(Add, st.just(SUMS), KEYS, SOME),
)


def write(rows: Rows, change: Change) -> None:
    """What a change means, said as plainly as can be."""
    at = (change.table.name, change.key)
    match change:
        case Put(values=values):
            rows[at] = dict(values)
        case Patch(values=values):
            if at in rows:
                rows[at].update(values)
        case Add(values=values):
            row = rows.setdefault(at, {"a": 0, "b": 0})
            for column, amount in values.items():
                row[column] += amount
        case Drop():
            rows.pop(at, None)


@given(st.lists(CHANGES, min_size=5), st.lists(CHANGES, min_size=10))
def test_once_a_row_is_as_good_as_one_by_one(before: list[Change], batch: list[Change]) -> None:
    one_by_one: Rows = {}
    for change in before:
        write(one_by_one, change)
    once = {at: dict(row) for at, row in one_by_one.items()}
    for change in batch:
        write(one_by_one, change)
    for by_key in fold(batch).values():
        for change in by_key.values():
            write(once, change)
    assert once == one_by_one


@given(st.lists(CHANGES))
def test_each_row_is_written_once_under_its_own_name(batch: list[Change]) -> None:
    folded = fold(batch)
    for table, by_key in folded.items():
        for key, change in by_key.items():
            assert (change.table, change.key) == (table, key)
    touched = {(change.table, change.key) for change in batch}
    assert sum(len(by_key) for by_key in folded.values()) == len(touched)


@given(st.lists(CHANGES))
def test_folding_leaves_what_it_was_given_alone(batch: list[Change]) -> None:
    before = repr(batch)
    fold(batch)
    assert repr(batch) == before


OTHERS: list[Change] = [
    Put(SUMS, (0, 0), {"a": 1, "b": 1}),
    Patch(SUMS, (0, 0), {"a": 1}),
    Drop(SUMS, (0, 0)),
]


@pytest.mark.parametrize("other", OTHERS, ids=["put", "patch", "drop"])
def test_a_counter_takes_nothing_but_sums(other: Change) -> None:
    """Cells add to one row in no order between them, so nothing may depend on it."""
    add = Add(SUMS, (0, 0), {"a": 1})
    for changes in ([add, other], [other, add]):
        with pytest.raises(ValueError, match="Adds alone or none"):
            fold(changes)
