"""
The four changes a read model can ask for.

``rows(recorded)`` of a read model is pure: it yields changes, never SQL. The engine folds a batch's
changes by (table, key), so that each row is written once, whoever runs it: an append's own
transaction, the live engine or a replay.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias

import msgspec
from sqlalchemy import Table

from domain.event import Event, Recorded

Key: TypeAlias = tuple[Any, ...]


class Put(msgspec.Struct, frozen=True, gc=False):
    """The whole row, new or replaced. ``values`` names every column outside the key."""

    table: Table
    key: Key
    values: Mapping[str, Any]


class Patch(msgspec.Struct, frozen=True, gc=False):
    """Some columns of a row that may exist; nothing happens where it does not."""

    table: Table
    key: Key
    values: Mapping[str, Any]


class Add(msgspec.Struct, frozen=True, gc=False):
    """Integers added to a row's columns; a missing row counts as zeros."""

    table: Table
    key: Key
    values: Mapping[str, int]


class Drop(msgspec.Struct, frozen=True, gc=False):
    """The row is gone; nothing happens where there is none."""

    table: Table
    key: Key


Change: TypeAlias = Put | Patch | Add | Drop


class ReadModel(Protocol):
    """
    A read model: a name, its tables, and what an event changes in them.

    Keys list the primary key's values in the table's own column order, ``cell`` first. A row is
    written by events of one cell only, counters (Add) excepted: they commute.
    """

    @property
    def name(self) -> str: ...

    @property
    def tables(self) -> tuple[Table, ...]: ...

    @property
    def inline(self) -> bool:
        """Whether the append's own transaction writes it."""

    def rows(self, recorded: Recorded) -> Iterable[Change]: ...


def types_of(models: Iterable[ReadModel]) -> frozenset[type[Event]] | None:
    """
    The types of event that some models take anything from, where each says so by its ``types``;
    None where one of them may take any.
    """
    said = [getattr(model, "types", None) for model in models]
    wanted: frozenset[type[Event]] = frozenset()
    for types in said:
        if types is None:
            return None
        wanted |= types
    return wanted


def fold(changes: Iterable[Change]) -> dict[Table, dict[Key, Change]]:
    """
    One change a row, with the effect of all in their order.

    A Put swallows what came before it; a Patch after a Put merges into it; Adds sum up; a Drop
    ends all. The caller writes rows in whatever fixed order it chooses.

    :raises ValueError: a row takes Adds beside other changes. Counters must commute, since events
        of several cells may add to one; what is added to a row that is dropped would depend on
        which came first.
    """
    folded: dict[Table, dict[Key, Change]] = {}
    # Most changes of a batch are Adds to few rows: a sum grows where it is.
    sums: dict[Table, dict[Key, dict[str, int]]] = {}
    for change in changes:
        table, key = change.table, change.key
        if type(change) is Add:
            totals = sums.get(table)
            if totals is None:
                totals = sums[table] = {}
            total = totals.get(key)
            if total is None:
                totals[key] = dict(change.values)
            else:
                for column, amount in change.values.items():
                    total[column] = total.get(column, 0) + amount
            continue
        rows = folded.get(table)
        if rows is None:
            rows = folded[table] = {}
        before = rows.get(key)
        rows[key] = change if before is None else _merge(before, change)
    for table, totals in sums.items():
        rows = folded.setdefault(table, {})
        if not rows.keys().isdisjoint(totals):
            raise ValueError(f"a row of {table.name} takes either Adds alone or none")
        rows.update((key, Add(table, key, total)) for key, total in totals.items())
    return folded


def _merge(before: Change, after: Change) -> Change:
    match before, after:
        case (Put() | Patch(), Patch()):
            return type(before)(after.table, after.key, {**before.values, **after.values})
        case (Drop(), Patch()):
            return before
        case _:
            return after
