"""
How a twin of a statement is written: a function of the tables and of what is asked, by its name.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from tests.simulation.tables import Row, Tables

Rows: TypeAlias = list[tuple[Any, ...]]
Asked: TypeAlias = Mapping[str, Any]
Twin: TypeAlias = Callable[[Tables, Asked], Rows]

TWINS: dict[str, Twin] = {}


def twin(name: str) -> Callable[[Twin], Twin]:
    """The twin of the statement of that name."""

    def keep(function: Twin) -> Twin:
        assert name not in TWINS
        TWINS[name] = function
        return function

    return keep


def pick(row: Row, columns: Iterable[str]) -> tuple[Any, ...]:
    """Some columns of a row."""
    return tuple(row[column] for column in columns)


def unnest(asked: Asked, *names: str) -> Iterable[tuple[Any, ...]]:
    """The rows that arrays of one length make."""
    return zip(*(asked[name] for name in names), strict=True)
