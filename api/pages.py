"""
Where walks through lists begin, and how far each has come.
"""

from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from api.services import Ask
from projections.reading.posts import Mark

#: Before and after everything.
FIRST: Mark = (datetime(1, 1, 2, tzinfo=UTC), UUID(int=0))
LAST: Mark = (datetime(9999, 12, 30, tzinfo=UTC), UUID(int=(1 << 128) - 1))


def mark_of(call: Ask[None, Any], start: Mark) -> Mark:
    """The mark in the page's cursor; ``start`` on the first page."""
    return call.after(cast("type[Mark]", Mark)) or start
