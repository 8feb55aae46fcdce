"""
Query parameters that many reads share.

A list's query is a frozen Struct that forbids unknown fields; it starts from :class:`Paging` and
adds its filters.
"""

from typing import Annotated

from msgspec import Meta, Struct

from api.http.cursors import CURSOR_LENGTH_MAX

Limit = Annotated[int, Meta(ge=1, le=100, description="How many at most.")]
Cursor = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=CURSOR_LENGTH_MAX,
        pattern="^[A-Za-z0-9_-]+$",
        description="`next` of the page before; it belongs to this list and this viewer.",
    ),
]


class Paging(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The page of a list."""

    limit: Limit = 20
    cursor: Cursor | None = None
