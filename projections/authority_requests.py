"""
Requests by authorities: which there are, and how many of each kind there were in each year.

No word of theirs is here: whoever may read those reads them from the log, for a stated purpose.
"""

from collections.abc import Iterator

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Table, Text

from domain.authority_request import RequestAnswered, RequestReceived, RequestRefused
from domain.event import Recorded
from domain.money import china_day
from projections.rows import Add, Change, Patch, Put
from projections.tables import METADATA, MOMENT, cell, key

AUTHORITY_REQUESTS = Table(
    "authority_requests",
    METADATA,
    cell(),
    key("request"),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("extent", Text),
    Column("received_at", MOMENT, nullable=False),
    Column("closed_at", MOMENT),
    Column("position", BigInteger, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Index("authority_requests_by_position", "cell", "position"),
)

REQUEST_COUNTS = Table(
    "authority_request_counts",
    METADATA,
    cell(),
    Column("year", SmallInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("received", BigInteger, nullable=False, server_default="0"),
    Column("answered_in_full", BigInteger, nullable=False, server_default="0"),
    Column("answered_in_part", BigInteger, nullable=False, server_default="0"),
    Column("refused", BigInteger, nullable=False, server_default="0"),
)


class AuthorityRequests:
    """The read model."""

    name = "authority_requests"
    tables = (AUTHORITY_REQUESTS, REQUEST_COUNTS)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event, at = recorded.event, (recorded.cell, recorded.stream)
        match event:
            case RequestReceived():
                values = {
                    "kind": event.kind,
                    "state": "open",
                    "extent": None,
                    "received_at": event.received_at,
                    "closed_at": None,
                    "position": recorded.position,
                    "version": recorded.version,
                }
                yield Put(AUTHORITY_REQUESTS, at, values)
                yield _counted(recorded, event, "received")
            case RequestAnswered(extent=extent):
                yield Patch(AUTHORITY_REQUESTS, at, _closed(recorded, "answered", extent))
                column = "answered_in_full" if extent == "full" else "answered_in_part"
                yield _counted(recorded, event, column)
            case RequestRefused():
                yield Patch(AUTHORITY_REQUESTS, at, _closed(recorded, "refused", None))
                yield _counted(recorded, event, "refused")
            case _:
                return


def _closed(recorded: Recorded, state: str, extent: str | None) -> dict[str, object]:
    return {
        "state": state,
        "extent": extent,
        "closed_at": recorded.recorded_at,
        "version": recorded.version,
    }


def _counted(
    recorded: Recorded, event: RequestReceived | RequestAnswered | RequestRefused, column: str
) -> Add:
    """In the year in which it was received, by China's calendar, whenever it was answered."""
    year = china_day(event.received_at).year
    return Add(REQUEST_COUNTS, (recorded.cell, year, event.kind), {column: 1})
