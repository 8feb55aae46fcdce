"""
Requests by authorities, newest first; and how many there were, by year and kind.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.authority_request import REQUESTS_CELL
from projections.reading.statements import Connection, Statement

_REQUESTS = Statement(
    "authority_requests",
    """
    SELECT request, kind, state, extent, received_at, closed_at, position, version
      FROM models.authority_requests
     WHERE cell = :cell::smallint AND position < :before::bigint
     ORDER BY position DESC LIMIT :count::int
    """,
)

# A row for each year and kind: a few for ever.
COUNTS = Statement(
    "authority_request_counts",
    """
    SELECT year, kind, received, answered_in_full, answered_in_part, refused
      FROM models.authority_request_counts
     WHERE cell = :cell::smallint
     ORDER BY year DESC, kind
    """,
)


class RequestRow(msgspec.Struct, frozen=True):
    """A request, without a word of it."""

    request: UUID
    kind: str
    state: str
    extent: str | None
    received_at: datetime
    closed_at: datetime | None
    position: int
    version: int


class RequestCount(msgspec.Struct, frozen=True):
    """How many requests of a kind were received in a year, and what became of them since."""

    year: int
    kind: str
    received: int
    answered_in_full: int
    answered_in_part: int
    refused: int


async def requests(connection: Connection, before: int, count: int) -> list[RequestRow]:
    """Requests that were recorded before a position, the latest first."""
    rows = await _REQUESTS(connection, cell=REQUESTS_CELL, before=before, count=count)
    return [RequestRow(*row) for row in rows]


async def counts(connection: Connection) -> list[RequestCount]:
    """All years, the latest first."""
    return [RequestCount(*row) for row in await COUNTS(connection, cell=REQUESTS_CELL)]
