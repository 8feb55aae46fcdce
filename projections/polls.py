"""
Polls: what each asks, what was voted, and how often each option was chosen. Written inline and
therefore exact; who may be told of it is for the reader to find out.
"""

from collections.abc import Iterator

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
)

from domain.event import Recorded
from domain.ids import cell_of
from domain.poll import VoteCast
from domain.post_events import PostDeleted, PostHeld, PostPublished
from projections.rows import Add, Change, Drop, Put
from projections.tables import METADATA, MOMENT, cell, key

POLLS = Table(
    "polls",
    METADATA,
    cell(),
    key("post"),
    # Sealed, in their order.
    Column("options", ARRAY(LargeBinary), nullable=False, info={"sealed": True}),
    Column("choose", SmallInteger, nullable=False),
    Column("closes_at", MOMENT),
)

TALLIES = Table(
    "tallies",
    METADATA,
    cell(),
    key("post"),
    Column("option", SmallInteger, primary_key=True, autoincrement=False),
    Column("votes", BigInteger, nullable=False, server_default="0"),
)

#: How many have voted, whatever for.
TURNOUTS = Table(
    "turnouts",
    METADATA,
    cell(),
    key("post"),
    Column("voters", BigInteger, nullable=False, server_default="0"),
)

VOTES = Table(
    "votes",
    METADATA,
    cell(),
    key("post"),
    key("member"),
    Column("options", ARRAY(Integer), nullable=False),
)


class Polls:
    """The read model."""

    name = "polls"
    tables = (POLLS, TALLIES, TURNOUTS, VOTES)
    inline = True

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        match event:
            case PostPublished(poll=poll) | PostHeld(poll=poll) if poll is not None:
                values = {
                    "options": [option.envelope for option in poll.options],
                    "choose": poll.choose,
                    "closes_at": poll.closes_at,
                }
                yield Put(POLLS, (recorded.cell, recorded.stream), values)
            case PostDeleted():
                yield Drop(POLLS, (recorded.cell, recorded.stream))
            case VoteCast():
                yield from _voted(event)
            case _:
                return


def _voted(event: VoteCast) -> Iterator[Change]:
    at = (cell_of(event.post), event.post)
    before, now = set(event.former), set(event.options)
    for option in sorted(before ^ now):
        yield Add(TALLIES, (*at, option), {"votes": 1 if option in now else -1})
    if not before:
        yield Add(TURNOUTS, at, {"voters": 1})
    yield Put(VOTES, (*at, event.member), {"options": list(event.options)})
