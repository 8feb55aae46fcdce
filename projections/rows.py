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

from domain.event import Recorded

Key: TypeAlias = tuple[Any, ...]


class Put(msgspec.Struct, frozen=True):
    """The whole row, new or replaced. ``values`` names every column outside the key."""

    table: Table
    key: Key
    values: Mapping[str, Any]


class Patch(msgspec.Struct, frozen=True):
    """Some columns of a row that may exist; nothing happens where it does not."""

    table: Table
    key: Key
    values: Mapping[str, Any]


class Add(msgspec.Struct, frozen=True):
    """Integers added to a row's columns; a missing row counts as zeros."""

    table: Table
    key: Key
    values: Mapping[str, int]


class Drop(msgspec.Struct, frozen=True):
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
    #: Those that began here, by id: they are nobody else's, so that a sum grows where it is.
    sums: dict[int, dict[str, int]] = {}
    for change in changes:
        rows = folded.get(change.table)
        if rows is None:
            rows = folded[change.table] = {}
        before = rows.get(change.key)
        if before is None:
            rows[change.key] = change
        elif type(before) is Add and type(change) is Add:
            total = sums.get(id(before))
            if total is None:
                total = dict(before.values)
                before = rows[change.key] = Add(before.table, before.key, total)
                sums[id(before)] = total
            for column, amount in change.values.items():
                total[column] = total.get(column, 0) + amount
        else:
            rows[change.key] = _merge(before, change)
    return folded


def _merge(before: Change, after: Change) -> Change:
    match before, after:
        case (Put() | Patch(), Patch()):
            return type(before)(after.table, after.key, {**before.values, **after.values})
        case (Drop(), Patch()):
            return before
        case (Add(), _) | (_, Add()):
            raise ValueError(f"a row of {after.table.name} takes either Adds alone or none")
        case _:
            return after
