"""
What is due, and when: an ordinary read model.

Nothing in Homezone waits by sleeping. An event arms a deadline here, another disarms it, and the
timer runner acts on what is due. So a restart forgets nothing, and a replay arms the same rows.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from domain.event import Event, Recorded
from projections.rows import Change, Drop, Put

metadata = MetaData(schema="models")

deadlines = Table(
    "deadlines",
    metadata,
    Column("cell", SmallInteger, primary_key=True, autoincrement=False),
    Column("id", Uuid, primary_key=True),
    Column("due", DateTime(timezone=True), nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("armed_at", BigInteger, nullable=False),
    # A store whose index has another name is of a release that armed less: its deadlines are made
    # anew at the start, so that members who joined before there were badges for days come to them.
    Index("deadlines_by_due", "cell", "due", "id"),
)


class Arm(msgspec.Struct, frozen=True):
    """Set a deadline, or move the one of that id."""

    id: UUID
    due: datetime
    kind: str
    subject: UUID


class Disarm(msgspec.Struct, frozen=True):
    """The deadline was met, or no longer matters."""

    id: UUID


Arming: TypeAlias = Callable[[Recorded], Iterable[Arm | Disarm]]


class Deadlines:
    """
    The read model.

    :param arming: by type of event, what one arms and disarms; pure functions.
    """

    name = "deadlines"
    tables = (deadlines,)
    inline = False

    def __init__(self, arming: Mapping[type[Event], Arming]) -> None:
        self._arming = arming

    def rows(self, recorded: Recorded) -> Iterable[Change]:
        """What an event changes in the deadlines of its cell."""
        arming = self._arming.get(type(recorded.event))
        if arming is None:
            return
        for order in arming(recorded):
            key = (recorded.cell, order.id)
            match order:
                case Arm():
                    yield Put(deadlines, key, _values(order, recorded.position))
                case Disarm():
                    yield Drop(deadlines, key)


def _values(order: Arm, position: int) -> Mapping[str, Any]:
    return {
        "due": order.due,
        "kind": order.kind,
        "subject": order.subject,
        "armed_at": position,
    }
