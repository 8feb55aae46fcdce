"""
The hub's rounds where something goes wrong in the middle: who was told is not told again, and
nobody misses what came meanwhile. (A simulated history, seed 101 of its day, lost an item so.)
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.stream import hub as hub_module
from api.stream.connection import Connection
from api.stream.hub import Hub
from api.stream.items import Sent, Told
from commands.ports import LogUnavailable
from domain.event import Recorded
from domain.ids import MemberId, PostId, StreamId, mint
from domain.like import LikeGiven
from projections.streams import Transition

ONE, OTHER, AUTHOR = (MemberId(mint(number, 0, number)) for number in (1, 2, 3))
MOMENT = datetime(2026, 11, 23, tzinfo=UTC)


def liked(position: int, whose: MemberId) -> Recorded:
    post = PostId(mint(position, 0, position))
    ids = (AUTHOR, AUTHOR, post, post, None)
    event = LikeGiven(AUTHOR, post, whose)
    return Recorded(0, position, StreamId(post), 1, MOMENT, *ids, event)


class Log:
    """A log of one cell."""

    def __init__(self) -> None:
        self.events: list[Recorded] = []

    async def heads(self) -> Mapping[int, int]:
        return {0: len(self.events)}

    async def read(
        self, cell: int, after: int, limit: int, until: int, *, bytes_max: int
    ) -> Sequence[Recorded]:
        return self.events[after:until]


async def _fresh(*_: Any) -> None:
    return


async def _judged(_: Any, cases: Sequence[tuple[Recorded, MemberId]]) -> Any:
    return [(Transition("like.appeared", one.stream, AUTHOR),) for one, _ in cases]


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[MemberId]:
    """Those whose next items cannot be read."""
    failing: list[MemberId] = []

    async def compose(_: Any, viewer: MemberId, told: Sequence[Told]) -> list[Sent]:
        if viewer in failing:
            await asyncio.sleep(0)
            failing.remove(viewer)
            raise LogUnavailable
        return [Sent("like", str(one.recorded.position).encode(), one.cursor) for one in told]

    monkeypatch.setattr(hub_module, "compose", compose)
    monkeypatch.setattr(hub_module, "_PAUSE_SECONDS", 0.0)
    return failing


async def _listening(hub: Hub, *members: MemberId) -> list[Connection]:
    connections = [Connection(hub, member, set(), hub.text) for member in members]
    for connection in connections:
        hub._join(connection)
    return connections


def test_a_round_that_failed_for_one_is_tried_again_as_it_was(failures: list[MemberId]) -> None:
    async def history() -> None:
        log = Log()
        services: Any = SimpleNamespace(
            log=log, freshness=SimpleNamespace(wait_for=_fresh), look=_judged
        )
        hub = Hub(cast(Any, services))
        assert await hub._advance()
        one, other = await _listening(hub, ONE, OTHER)
        failures.append(OTHER)
        log.events = [liked(1, ONE), liked(2, OTHER)]
        hub._hear({0: 2})
        with pytest.raises(LogUnavailable):
            await hub._advance()
        log.events += [liked(3, ONE), liked(4, OTHER)]
        hub._hear({0: 4})
        while await hub._advance():
            pass
        assert await _taken(one) == ["1", "3"]
        assert await _taken(other) == ["2", "4"]
        assert hub.vector == {0: 4}

    asyncio.run(history())


async def _taken(connection: Connection) -> list[str]:
    data = (await connection.take(0.0)).decode()
    return [line.removeprefix("data: ") for line in data.split("\n") if line.startswith("data: ")]


def test_the_cursor_of_a_stream_that_has_ended_stays(failures: list[MemberId]) -> None:
    async def history() -> None:
        hub = SimpleNamespace(text="0-5", round=1)
        connection = Connection(hub, ONE, set(), "0-5")
        connection.move("0-5")
        connection.join()
        hub.text, hub.round = "0-6", 2
        assert connection.cursor == "0-6"
        connection.close()
        hub.text, hub.round = "0-9", 3
        assert connection.cursor == "0-5"

    asyncio.run(history())
