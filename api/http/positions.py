"""
A place in the log, as text.

Cells share no order, so a place is a vector: ``0-123`` is position 123 of cell 0, and
``0-123,7-45`` names one in each of two cells. Clients carry these about without looking inside, in
``Homezone-Position``, ``Homezone-At-Least`` and ``?as_of=``; this module is the one that reads
them.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from domain.ids import CELLS_MAX

POSITION_MAX = (1 << 63) - 1
#: For schemas: a vector of at most 4096 cells.
PATTERN = r"^[0-9]{1,4}-[0-9]{1,19}(,[0-9]{1,4}-[0-9]{1,19})*$"

_ONE = re.compile(r"(0|[1-9][0-9]{0,3})-(0|[1-9][0-9]{0,18})", re.ASCII)

Vector = Mapping[int, int]


def parse_positions(text: str) -> dict[int, int]:
    """
    ``{cell: position}`` from ``0-123,7-45``.

    :raises ValueError: not of that form, a cell named twice, or a number out of range.
    """
    vector: dict[int, int] = {}
    for part in text.split(","):
        matched = _ONE.fullmatch(part.strip(" "))
        if matched is None:
            raise ValueError("a position reads CELL-NUMBER, several are separated by commas")
        cell, position = int(matched[1]), int(matched[2])
        if cell >= CELLS_MAX or position > POSITION_MAX:
            raise ValueError("a cell or a position is out of range")
        if cell in vector:
            raise ValueError("a cell is named twice")
        vector[cell] = position
    return vector


def format_positions(vector: Vector) -> str:
    """``0-123,7-45`` from ``{0: 123, 7: 45}``, in the order of the cells."""
    return ",".join(f"{cell}-{vector[cell]}" for cell in sorted(vector))


def parse_moment(text: str) -> dict[int, int] | datetime:
    """
    What ``?as_of=`` names: a vector of positions or an RFC 3339 time with its offset.

    :raises ValueError: neither of the two.
    """
    if "T" not in text.upper():
        return parse_positions(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset, such as Z")
    return moment
