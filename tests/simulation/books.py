"""
What the database holds beside the log: read models, checkpoints and leases; one for all servers.

A step of the loop is a transaction: whoever changes several things in one step changes them
together or, raising first, not at all. The guards are those of the real tables.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from domain.event import Recorded
from projections.engine.checkpoints import CheckpointMovedError, Move, Positions
from tests.simulation.tables import INLINE, Tables, changes_of


class Books:
    """The twin of a database, as the engine, policies and timers use it."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.checkpoints: dict[tuple[str, int], int] = {}
        self.leases: dict[str, tuple[UUID, datetime]] = {}

    def write_inline(self, events: Sequence[Recorded]) -> None:
        """What an append's own transaction writes."""
        self.tables.write(changes_of(INLINE, events))

    @contextmanager
    def begin(self) -> Iterator["Books"]:
        """A transaction, as it is written of an SQLAlchemy engine."""
        yield self

    connect = begin


# The same functions as ``projections.engine.checkpoints`` has, over books.


def load(books: Books, subscribers: Collection[str]) -> dict[str, dict[int, int]]:
    """The positions of those subscribers."""
    found: dict[str, dict[int, int]] = {subscriber: {} for subscriber in subscribers}
    for (subscriber, cell), position in books.checkpoints.items():
        if subscriber in found:
            found[subscriber][cell] = position
    return found


def ensure(books: Books, subscriber: str, positions: Positions) -> None:
    """Make the checkpoints that are missing."""
    for cell, position in positions.items():
        books.checkpoints.setdefault((subscriber, cell), position)


def advance(books: Books, moves: Sequence[Move]) -> None:
    """
    Move checkpoints, all or none.

    :raises CheckpointMovedError: one of them was not where it was believed to be.
    """
    if any(books.checkpoints.get((one.subscriber, one.cell)) != one.old for one in moves):
        raise CheckpointMovedError
    for one in moves:
        books.checkpoints[one.subscriber, one.cell] = one.new


def behind(books: Books, heads: Mapping[int, int]) -> bool:
    """Whether any subscriber that there is has yet to read something."""
    return any(position < heads[cell] for (_, cell), position in books.checkpoints.items())
