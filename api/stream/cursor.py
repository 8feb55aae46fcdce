"""
How far a client has come: ``0-12,3-45``, the positions in all cells that its stream has processed.

One event can mean several things (a block ends a friendship and empties a feed), and a connection
can break between any two of them. ``0-12,3-45+3.1`` says so: the first thing that the event after
3-45 meant was told, the next was not.
"""

import re
from collections.abc import Mapping
from typing import Annotated

import msgspec

from api.http.parameters import Header
from api.http.positions import ONE, format_positions, parse_positions

_PART = re.compile(r"(0|[1-9][0-9]{0,3})\.([1-9][0-9]{0,8})", re.ASCII)


class StreamCursor(msgspec.Struct, frozen=True):
    """Positions, and how many items of the event that follows in ``cell`` were told."""

    vector: Mapping[int, int]
    cell: int = -1
    told: int = 0

    def __str__(self) -> str:
        whole = format_positions(self.vector)
        return f"{whole}+{self.cell}.{self.told}" if self.told else whole

    @property
    def least(self) -> Mapping[int, int]:
        """How far whatever it came from must have been."""
        if not self.told:
            return self.vector
        return {**self.vector, self.cell: self.vector[self.cell] + 1}

    def skips(self, cell: int, position: int) -> int:
        """How many of an event's items were told before."""
        follows = cell == self.cell and position == self.vector.get(cell, 0) + 1
        return self.told if follows else 0


def parse_cursor(text: str) -> StreamCursor:
    """
    A cursor from ``Last-Event-ID``.

    :raises ValueError: it never was one.
    """
    whole, plus, part = text.partition("+")
    vector = parse_positions(whole)
    if not plus:
        return StreamCursor(vector)
    matched = _PART.fullmatch(part)
    if matched is None or int(matched[1]) not in vector:
        raise ValueError("a cursor ends with CELL.COUNT, if at all")
    return StreamCursor(vector, int(matched[1]), int(matched[2]))


_PATTERN = rf"^{ONE}(,{ONE})*(\+{_PART.pattern})?$"

#: As the kit's, and no looser than what is accepted.
LAST_EVENT_ID = Header(
    "Last-Event-ID",
    parse_cursor,
    {
        "type": "string",
        "maxLength": 512,
        "pattern": _PATTERN,
        "examples": ["0-12,3-45"],
    },
    "The id of the last event received: the stream goes on after it.",
)


class After(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same for clients that can set no headers."""

    last_event_id: (
        Annotated[
            str,
            msgspec.Meta(
                max_length=512,
                pattern=_PATTERN,
                examples=["0-12,3-45"],
                description="The id of the last message received: the stream goes on after it.",
            ),
        ]
        | None
    ) = None
