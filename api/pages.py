"""
Where walks through lists begin, how far each has come, and what belongs to a page beside its items.
"""

from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from api.services import Ask
from projections.reading.posts import Mark, PostView, with_shared

#: Before and after everything.
FIRST: Mark = (datetime(1, 1, 2, tzinfo=UTC), UUID(int=0))
LAST: Mark = (datetime(9999, 12, 30, tzinfo=UTC), UUID(int=(1 << 128) - 1))


def mark_of(call: Ask[None, Any], start: Mark) -> Mark:
    """The mark in the page's cursor; ``start`` on the first page."""
    return call.after(cast("type[Mark]", Mark)) or start


async def with_originals(call: Ask[None, Any], views: list[PostView]) -> list[PostView]:
    """
    Posts from memory with the originals of shares and all that posts carry, which are read: each
    viewer sees others.
    """
    if any(view.share_of is not None or view.carries for view in views):
        return await call.app.read(call, with_shared, views)
    return views
