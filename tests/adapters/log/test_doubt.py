"""
A commit whose answer was lost: done once, whatever the truth is, and never answered by a guess.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.database import Database
from adapters.log.postgres import PostgresLog
from commands.ports import Appended, LogUnavailable, OutcomeUnknown, Superseded
from tests.adapters.log.conftest import PostgresBed
from tests.adapters.log.events import REGISTRY, key, said, stream
from tests.adapters.log.proxy import Cut, Proxy, proxied
from tests.adapters.log.test_append import assert_gapless, kinds, live, outcomes


@pytest.fixture
def wire(postgres: PostgresBed) -> Iterator[Proxy]:
    with proxied(postgres.url) as proxy:
        yield proxy


@pytest.fixture
def far(postgres: PostgresBed, wire: Proxy) -> Iterator[Any]:
    """A log at the other end of the wire."""
    database = Database(wire.url)
    log = PostgresLog(
        database, REGISTRY, postgres.clock, notify=False, patience_seconds=postgres.patience
    )
    yield log
    log.close()
    database.dispose()


@pytest.mark.parametrize("where", ["before", "after", "late"])
def test_a_commit_in_doubt_is_looked_up(
    postgres: PostgresBed, wire: Proxy, far: Any, where: Cut
) -> None:
    log = postgres.open()

    async def story() -> None:
        one = stream()
        await far.submit(said((one, 1))).outcome
        wire.cut(where)
        first = far.submit(said((one, 2)))
        second = far.submit(said((one, 3)), after=[first])
        assert kinds(await outcomes(first, second)) == [Appended, Appended]
        assert [each.version for each in await log.read_stream(one)] == [1, 2, 3]
        assert (await log.read(0, first.outcome.result().positions[0] - 1, 1))[
            0
        ].command == first.append.command

    live(story)
    assert wire.cuts == 1
    assert_gapless(log)


@pytest.mark.parametrize("where", ["before", "after", "late"])
def test_so_is_one_that_wrote_nothing_but_a_key(wire: Proxy, far: Any, where: Cut) -> None:
    async def story() -> None:
        await far.submit(said((stream(), 1))).outcome
        wire.cut(where)
        first = await far.submit(said(key=key("k"), answer=b"A")).outcome
        assert not first.replayed
        again = await far.submit(said(key=key("k"), answer=b"B")).outcome
        assert (again.replayed, again.answer) == (True, b"A")

    live(story)
    assert wire.cuts == 1


@pytest.mark.parametrize("in_commit", [False, True])
def test_a_stuck_writer_keeps_nobody_waiting(
    postgres: PostgresBed, wire: Proxy, far: Any, in_commit: bool
) -> None:
    log = postgres.open()
    one = stream()

    async def story() -> None:
        await far.submit(said((one, 1))).outcome
        if in_commit:
            wire.cut("stall")
        else:
            wire.flowing.clear()
        stuck = far.submit(said((one, 2)))
        await asyncio.sleep(0.1)
        queued = far.submit(said((stream(), 1)))
        began = time.monotonic()
        expected = [OutcomeUnknown if in_commit else LogUnavailable, LogUnavailable]
        assert kinds(await outcomes(stuck, queued)) == expected
        assert time.monotonic() - began < 3 * postgres.patience
        wire.flowing.set()
        version = 3 if in_commit else 2
        assert kinds(await outcomes(far.submit(said((one, version))))) == [Appended]
        assert len(await log.read_stream(one)) == version

    live(story)
    assert_gapless(log)


@pytest.mark.parametrize("where", ["before", "after"])
def test_while_nobody_can_say_nobody_claims_to_know(
    postgres: PostgresBed, wire: Proxy, far: Any, where: Cut
) -> None:
    log = postgres.open()
    one = stream()

    async def story() -> None:
        await far.submit(said((one, 1))).outcome
        wire.cut(where, and_refuse=True)
        doubtful = far.submit(said((one, 2)))
        assert kinds(await outcomes(doubtful)) == [OutcomeUnknown]
        wire.refusing = False
        dependent = far.submit(said((one, 3)), after=[doubtful])
        assert kinds(await outcomes(dependent)) == [Superseded]
        versions = [each.version for each in await log.read_stream(one)]
        assert versions == ([1, 2] if where == "after" else [1])
        await far.submit(said((one, len(versions) + 1))).outcome

    live(story)
    assert_gapless(log)
