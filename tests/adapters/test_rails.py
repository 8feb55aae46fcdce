"""
A rail over HTTP: what it says is read whole, however it comes, and nothing endless is read.
"""

import asyncio

import pytest

from adapters.rails import HttpRail
from commands.rails import RailUnavailable, Seen
from tests.support.rail import LocalRail, local_rail


def looked_up(rail: LocalRail, reference: str = "r-1") -> Seen:
    """What the rail says of a payment."""

    async def ask() -> Seen:
        over_http = HttpRail(rail.url)
        try:
            return await over_http.look_up(reference, 0)
        finally:
            await over_http.close()

    return asyncio.run(ask())


@pytest.mark.parametrize("piece_bytes", [1, 7, None])
def test_an_answer_may_come_in_pieces(piece_bytes: int | None) -> None:
    with local_rail() as rail:
        rail.piece_bytes = piece_bytes
        rail.set("r-1", "paid", 100)
        assert looked_up(rail) == Seen("paid", 10_000)
        assert looked_up(rail, "r-2") == Seen("unknown")


def test_an_answer_without_end_is_none() -> None:
    with local_rail() as rail:
        rail.set("r-1", "paid", 100)
        rail.padding_bytes = 1 << 13
        assert looked_up(rail) == Seen("paid", 10_000)
        rail.padding_bytes = 1 << 20
        with pytest.raises(RailUnavailable):
            looked_up(rail)


@pytest.mark.parametrize("url", ["http://rail.example", "ftp://127.0.0.1", "//127.0.0.1"])
def test_nobody_on_the_way_says_what_was_paid(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        HttpRail(url)
