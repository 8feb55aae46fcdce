"""
What reads of the past need is said of every statement, in that statement's own words.
"""

import importlib
import pkgutil

import pytest

import projections.reading
from domain.catalogue import AGGREGATES_BY_TYPE
from projections.past.needs import NEEDS, NEWEST, TIMELESS
from projections.past.rows import TABLES
from projections.past.shadows import shadow, tables_of
from projections.reading.statements import Statement

_MODULES = [
    importlib.import_module(f"projections.reading.{found.name}")
    for found in pkgutil.iter_modules(projections.reading.__path__)
]
STATEMENTS = {
    one.name: one
    for module in _MODULES
    for one in vars(module).values()
    if isinstance(one, Statement)
}

#: What asks history itself, the log's indexes, a table of the present's figures, or for bytes.
PRESENT = {
    "authority_request_counts", "decisions_stated",
    "deeds_of_member", "footprints_of_ids", "gate_ever", "gates_before", "halves_before",
    "ledger_accounts", "likes_standing", "listed_before", "listed_ever", "made_by_member",
    "posts_for_list_before",
    "promise_breaches", "queue_sizes", "renditions_of_album", "tied_since", "ties_ever",
    "trail_positions", "trail_until", "trails",
}  # fmt: skip


def test_of_every_statement_it_is_said_what_it_needs() -> None:
    said = [*NEEDS, *NEWEST, *TIMELESS]
    assert len(said) == len(set(said))
    assert set(STATEMENTS) - set(said) == PRESENT
    assert set(said) <= set(STATEMENTS)


@pytest.mark.parametrize("name", sorted(NEEDS))
def test_needs_are_said_in_parameters_and_kinds_that_there_are(name: str) -> None:
    statement = STATEMENTS[name]
    kinds = {aggregate.name for aggregate in AGGREGATES_BY_TYPE.values()}
    for need in NEEDS[name]:
        assert set(need.parameters) <= set(statement.names)
        assert set(need.kinds) <= kinds
        assert need.types is None or need.types


@pytest.mark.parametrize("name", sorted([*NEEDS, *NEWEST]))
def test_a_shadow_reads_no_table_but_its_shape(name: str) -> None:
    statement = STATEMENTS[name]
    tables = tables_of(statement)
    assert tables
    assert set(tables) <= set(TABLES)
    cast = shadow(statement)
    for table in tables:
        assert f"rows_{table}" in cast.names
        assert cast.sql.count(f"models.{table}") == 1
    assert f"NULL::models.{tables[0]}" in cast.sql
