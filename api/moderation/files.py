"""
Statements as files: a line of JSON each, or a row of a table for people who work with spreadsheets.
"""

import csv
import io
from collections.abc import Iterable
from typing import Any

import msgspec

from api.moderation.transparency import COLUMNS, TransparencyStatement

#: What a spreadsheet takes for a formula, once whitespace is passed over.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")

_encode = msgspec.json.Encoder().encode


def lines(statements: Iterable[TransparencyStatement]) -> bytes:
    """Newline-delimited JSON: one statement a line, without the fields that do not apply."""
    return b"".join(_encode(statement) + b"\n" for statement in statements)


def head() -> bytes:
    """The row of column names."""
    return _rows([COLUMNS])


def rows(statements: Iterable[TransparencyStatement]) -> bytes:
    """Rows of RFC 4180; several values in one cell stand apart by ``;``."""
    return _rows([_cell(getattr(one, name)) for name in COLUMNS] for one in statements)


def _rows(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = ";".join(value) if isinstance(value, tuple) else str(value)
    # Clauses and categories are staff's own words: none of them is to run in a spreadsheet.
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text
