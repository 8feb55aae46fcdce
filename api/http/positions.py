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

#: One position: a cell below 4096 and a number of at most 18 digits, which fits 63 bits.
ONE = r"(0|[1-9][0-9]{0,2}|[1-3][0-9]{3}|40[0-8][0-9]|409[0-5])-(0|[1-9][0-9]{0,17})"
PATTERN = f"^{ONE}(,{ONE})*$"

_ONE = re.compile(ONE, re.ASCII)

Vector = Mapping[int, int]


def parse_positions(text: str) -> dict[int, int]:
    """
    ``{cell: position}`` from ``0-123,7-45``.

    :raises ValueError: not of that form, a cell named twice, or a number out of range.
    """
    vector: dict[int, int] = {}
    for part in text.split(","):
        matched = _ONE.fullmatch(part)
        if matched is None:
            raise ValueError("a position reads CELL-NUMBER, several are separated by commas")
        cell, position = int(matched[1]), int(matched[2])
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
