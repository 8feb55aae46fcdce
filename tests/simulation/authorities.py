"""
The twins of the statements about requests by authorities; and requests made up for them.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import get_args

from domain.authority_request import (
    REQUESTS_CELL,
    AuthorityRequestEvent,
    RequestAnswered,
    RequestKind,
    RequestReceived,
    RequestRefused,
    request_stream,
)
from domain.event import Recorded
from domain.ids import MemberId, mint
from domain.sealed import Sealed
from projections.authority_requests import AUTHORITY_REQUESTS, REQUEST_COUNTS
from tests.simulation.asking import Asked, Rows, pick, twin
from tests.simulation.tables import Tables

_ENDS = ("received", "answered_in_full", "answered_in_part", "refused")


@twin("authority_requests")
def _requests(tables: Tables, asked: Asked) -> Rows:
    columns = ("kind", "state", "extent", "received_at", "closed_at", "position", "version")
    found = [
        (key[1], *pick(row, columns))
        for key, row in tables.every(AUTHORITY_REQUESTS).items()
        if key[0] == asked["cell"] and row["position"] < asked["before"]
    ]
    return sorted(found, key=lambda row: row[6], reverse=True)[: asked["count"]]


@twin("authority_request_counts")
def _counts(tables: Tables, asked: Asked) -> Rows:
    found = [
        (key[1], key[2], *pick(row, _ENDS))
        for key, row in tables.every(REQUEST_COUNTS).items()
        if key[0] == asked["cell"]
    ]
    return sorted(found, key=lambda row: (-row[0], row[1]))


def requests(seed: int, head: int, count: int) -> Iterator[Recorded]:
    """
    So many requests, most of which come to an end.

    :param head: the last position of their cell.
    """
    chance = random.Random(f"{seed}/authorities")
    words: Sealed[str] = Sealed(b"words")
    staff = MemberId(mint(0, REQUESTS_CELL, 7))
    begin = datetime.fromisoformat("2024-12-30T12:00:00+00:00")

    def recorded(number: int, version: int, event: AuthorityRequestEvent) -> Recorded:
        nonlocal head
        head += 1
        stream = request_stream(mint(number, REQUESTS_CELL, seed))
        at = begin + timedelta(hours=head)
        return Recorded(
            REQUESTS_CELL, head, stream, version, at, staff, staff, staff, staff, None, event
        )

    for number in range(count):
        kind = chance.choice(get_args(RequestKind))
        at = begin + timedelta(days=chance.randrange(500))
        yield recorded(number, 1, RequestReceived(kind, at, words, words, words, staff))
        match chance.choice(("full", "partial", "refused", None)):
            case "full" | "partial" as extent:
                yield recorded(number, 2, RequestAnswered(kind, at, extent, words, words, staff))
            case "refused":
                yield recorded(number, 2, RequestRefused(kind, at, words, staff))
            case _:
                continue
