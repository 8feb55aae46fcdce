"""
What an append promises: all or nothing, gapless, in order, once; the rules of the protocol.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from commands.ports import (
    Appended,
    Conflict,
    LogOverloaded,
    NewEvent,
    StaleRules,
    Superseded,
)
from tests.adapters.log.events import (
    EPOCH_OF,
    MEMBER,
    NOON,
    RulesSet,
    Said,
    append,
    key,
    said,
    stream,
)


def live(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 30))


async def outcomes(*tickets: Any) -> list[Any]:
    return await asyncio.gather(*(each.outcome for each in tickets), return_exceptions=True)


def kinds(results: list[Any]) -> list[type]:
    return [type(each) for each in results]


def total(bed: Any, log: Any) -> int:
    return sum(log.reader.heads().values())


def everything(log: Any) -> list[Any]:
    return [each for cell in log.reader.heads() for each in log.reader.read(cell, 0, 100_000)]


def assert_gapless(log: Any) -> None:
    for cell, head in log.reader.heads().items():
        positions = [each.position for each in log.reader.read(cell, 0, 1_000_000)]
        assert positions == list(range(1, head + 1))
    versions: dict[Any, int] = {}
    for each in everything(log):
        assert each.version == versions.get(each.stream, 0) + 1
        versions[each.stream] = each.version


def test_an_append_is_read_back_as_it_was_written(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        one, two = stream(), stream()
        command = said((one, 1), (two, 1), (one, 2), text="你好 \U0001f600")
        done = await log.submit(command).outcome
        assert done == Appended(0, (1, 2, 3), NOON)
        read = await log.read_stream(one)
        assert [(each.position, each.version) for each in read] == [(1, 1), (3, 2)]
        first = read[0]
        assert first.event == command.events[0].event
        assert (first.actor, first.owner, first.command) == (MEMBER, MEMBER, command.command)
        assert (first.correlation, first.causation) == (command.command, None)
        assert first.recorded_at == NOON
        assert first.at == "0-1"
        assert await log.position_of(one, 2) == 3
        with pytest.raises(LookupError):
            await log.position_of(one, 3)

    live(story)


def test_every_cell_counts_for_itself(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        cells = [at % bed.cells for at in range(40)]
        await outcomes(*[log.submit(said((stream(at), 1), cell=at)) for at in cells])
        heads = await log.heads()
        assert heads == {at: cells.count(at) for at in range(bed.cells)}

    live(story)
    assert_gapless(log)


def test_a_moved_stream_loses(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        one = stream()
        await log.submit(said((one, 1))).outcome
        with pytest.raises(Conflict):
            await log.submit(said((one, 1))).outcome
        await log.submit(said((one, 2))).outcome

    live(story)
    assert_gapless(log)


def test_of_two_in_one_batch_the_first_wins(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        one = stream()
        with bed.gathering(log):
            tickets = [log.submit(said((one, 1), text=word)) for word in ("a", "b", "c")]
        assert kinds(await outcomes(*tickets)) == [Appended, Conflict, Conflict]
        assert [each.event.text for each in await log.read_stream(one)] == ["a"]

    live(story)
    assert_gapless(log)


def test_the_losing_command_among_winners_leaves_no_gap(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        taken = stream()
        await log.submit(said((taken, 1))).outcome
        with bed.gathering(log):
            before = [log.submit(said((stream(), 1))) for _ in range(20)]
            loser = log.submit(said((stream(), 1), (taken, 1), (stream(), 1)))
            after = [log.submit(said((stream(), 1))) for _ in range(20)]
        results = await outcomes(*before, loser, *after)
        assert kinds(results) == [Appended] * 20 + [Conflict] + [Appended] * 20
        for ticket, done in zip(before + after, results[:20] + results[21:], strict=True):
            first = (await log.read(0, done.positions[0] - 1, 1))[0]
            assert first.command == ticket.append.command

    live(story)
    assert_gapless(log)


@pytest.mark.parametrize("together", [True, False])
def test_the_pipelined_loser_takes_its_dependents_along(bed: Any, together: bool) -> None:
    """Version 7 must not go in without a 6, though no unique key forbids it."""
    log = bed.open()

    async def story() -> None:
        one, other = stream(), stream()
        await log.submit(said((one, 1))).outcome
        with bed.gathering(log):
            sixth = log.submit(said((one, 1)))
            if together:
                seventh = log.submit(said((one, 2), (other, 1)), after=[sixth])
                eighth = log.submit(said((other, 2)), after=[seventh])
        if not together:
            await outcomes(sixth)
            seventh = log.submit(said((one, 2), (other, 1)), after=[sixth])
            await outcomes(seventh)
            eighth = log.submit(said((other, 2)), after=[seventh])
        assert kinds(await outcomes(sixth, seventh, eighth)) == [Conflict, Superseded, Superseded]
        assert await log.read_stream(other) == []
        assert len(await log.read_stream(one)) == 1

    live(story)


def test_a_chain_of_commands_is_written_in_its_order(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        one = stream()
        tickets: list[Any] = []
        for version in range(1, 501):
            tickets.append(log.submit(said((one, version)), after=tickets[-1:]))
        assert set(kinds(await outcomes(*tickets))) == {Appended}

    live(story)
    assert_gapless(log)


def test_a_command_that_writes_nothing_still_hears_of_what_it_read(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        one = stream()
        await log.submit(said((one, 1))).outcome
        with bed.gathering(log):
            loser = log.submit(said((one, 1)))
            refusal = log.submit(said(guards={one: 1}), after=[loser])
        good = log.submit(said(guards={one: 1}))
        assert kinds(await outcomes(loser, refusal, good)) == [Conflict, Superseded, Appended]

    live(story)


@pytest.mark.parametrize("together", [True, False])
def test_a_stale_guard_loses(bed: Any, together: bool) -> None:
    """A comment on a post that was just unpublished must not pass."""
    log = bed.open()

    async def story() -> None:
        post = stream(bed.cells - 1)
        await log.submit(said((post, 1), cell=bed.cells - 1)).outcome
        with bed.gathering(log):
            unpublish = log.submit(said((post, 2), cell=bed.cells - 1))
            if together:
                comment = log.submit(said((stream(), 1), guards={post: 1}))
                current = log.submit(said((stream(), 1), guards={post: 2}))
        if not together:
            await outcomes(unpublish)
            comment = log.submit(said((stream(), 1), guards={post: 1}))
            current = log.submit(said((stream(), 1), guards={post: 2}))
        results = await outcomes(unpublish, comment, current)
        assert kinds(results) == [Appended, Conflict, Appended]

    live(story)
    assert_gapless(log)


def test_a_guard_waits_for_whoever_is_writing_to_its_cell(postgres: Any) -> None:
    """Without the lock on the guard's cell both would pass, each not seeing the other."""
    if postgres.cells == 1:
        pytest.skip("a cell of its own is always locked")
    log = postgres.open()

    async def story() -> None:
        post = stream(9)
        await log.submit(said((post, 1), cell=9)).outcome
        with postgres.database.owner.begin() as connection:
            connection.execute(text("UPDATE log.log_heads SET position = 2 WHERE cell = 9"))
            connection.execute(
                text(
                    "INSERT INTO log.events SELECT cell, 2, stream_id, 2, type, recorded_at, owner,"
                    " actor, command_id, correlation_id, causation_id, data"
                    " FROM log.events WHERE cell = 9"
                )
            )
            comment = log.submit(said((stream(), 1), guards={post: 1}))
            await asyncio.to_thread(postgres.wait_for_lock, connection)
        assert kinds(await outcomes(comment)) == [Conflict]

    live(story)


def test_a_guard_may_demand_that_a_stream_is_not_there(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        unborn = stream()
        first = log.submit(said((stream(), 1), guards={unborn: 0}))
        birth = log.submit(said((unborn, 1)))
        late = log.submit(said((stream(), 1), guards={unborn: 0}))
        assert kinds(await outcomes(first, birth, late)) == [Appended, Appended, Conflict]

    live(story)


def test_the_clock_that_jumps_back_does_not_take_the_log_along(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        one = stream()
        await log.submit(said((one, 1))).outcome
        bed.clock.advance(timedelta(days=-3))
        done = await log.submit(said((one, 2))).outcome
        assert done.recorded_at == NOON
        bed.clock.advance(timedelta(days=4))
        done = await log.submit(said((one, 3))).outcome
        assert done.recorded_at == NOON + timedelta(days=1)
        times = [each.recorded_at for each in await log.read_stream(one)]
        assert times == sorted(times)

    live(story)


def test_a_moment_is_a_vector_of_positions(bed: Any) -> None:
    log = bed.open()
    last = bed.cells - 1

    async def story() -> None:
        for hour in range(13):
            await log.submit(said((stream(last), 1), (stream(last), 1), cell=last)).outcome
            assert hour < 20
            bed.clock.advance(timedelta(hours=1))

    live(story)
    for hour in range(13):
        at = log.reader.heads_at(NOON + timedelta(hours=hour, minutes=30))
        assert at[last] == 2 * hour + 2
        assert log.reader.heads_at(NOON + timedelta(hours=hour))[last] == 2 * hour + 2
    assert log.reader.heads_at(NOON - timedelta(seconds=1))[last] == 0


def test_a_known_key_replays_its_answer(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        first = await log.submit(
            said((stream(), 1), (stream(), 1), key=key("k"), answer=b"A")
        ).outcome
        other = key("k", digest=b"other")
        again = await log.submit(said((stream(), 1), key=other, answer=b"B")).outcome
        assert again == Appended(0, first.positions, None, True, b"A", b"digest")
        assert total(bed, log) == 2

    live(story)


def test_a_retry_that_would_lose_today_still_hears_its_answer(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        post, one = stream(), stream()
        first = await log.submit(said((one, 1), guards={post: 0}, key=key("k"))).outcome
        await log.submit(said((post, 1))).outcome
        again = await log.submit(said((one, 1), guards={post: 0}, key=key("k"))).outcome
        assert (again.replayed, again.positions) == (True, first.positions)

    live(story)


def test_a_key_belongs_to_an_actor_and_a_cell(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        results = await outcomes(
            *[log.submit(said((stream(at), 1), cell=at, key=key("k"))) for at in range(bed.cells)]
        )
        assert not any(each.replayed for each in results)

    live(story)


def test_a_refusal_is_kept_without_events(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        first = await log.submit(said(key=key("k"), answer=b"no")).outcome
        again = await log.submit(said(key=key("k"), answer=b"yes")).outcome
        assert (first.replayed, first.positions) == (False, ())
        assert (again.replayed, again.positions, again.answer) == (True, (), b"no")

    live(story)


def test_the_duplicate_in_flight_gets_the_first_ones_answer(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        with bed.gathering(log):
            before = total(bed, log)
            tickets = [
                log.submit(said((stream(), 1), key=key("k"), answer=word.encode()))
                for word in ("a", "b", "c")
            ]
        first, second, third = await outcomes(*tickets)
        assert (first.replayed, second.replayed, third.replayed) == (False, True, True)
        assert second.answer == third.answer == b"a"
        assert second.positions == third.positions == first.positions
        assert len(everything(log)) - before <= 2

    live(story)
    assert_gapless(log)


@pytest.mark.parametrize("together", [True, False])
def test_what_read_a_replayed_command_is_decided_again(bed: Any, together: bool) -> None:
    """A replay writes nothing, so nobody may build on what it would have written."""
    log = bed.open()

    async def story() -> None:
        await log.submit(said((stream(), 1), key=key("k"))).outcome
        one = stream()
        with bed.gathering(log):
            replayed = log.submit(said((one, 1), key=key("k")))
            if together:
                reader = log.submit(said((one, 2)), after=[replayed])
        if not together:
            await outcomes(replayed)
            reader = log.submit(said((one, 2)), after=[replayed])
        assert kinds(await outcomes(replayed, reader)) == [Appended, Superseded]
        assert await log.read_stream(one) == []

    live(story)


def test_expired_keys_are_forgotten_in_bites(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        for at in range(5):
            expires = NOON + timedelta(days=at)
            await log.submit(said(key=key(f"k{at}", expires_at=expires))).outcome
        await log.submit(said(key=key("for ever"))).outcome

    live(story)
    assert log.purge(NOON + timedelta(days=2), limit=2) == 2
    assert log.purge(NOON + timedelta(days=2), limit=2) == 1
    assert log.purge(NOON + timedelta(days=2), limit=2) == 0
    assert log.purge(NOON + timedelta(days=9)) == 2


def test_texts_screened_under_old_rules_are_turned_back(bed: Any) -> None:
    log = bed.open(epoch_of=EPOCH_OF)

    async def story() -> None:
        rules = stream()
        assert await log.rules_epoch(0) == 0
        with bed.gathering(log):
            before = log.submit(said((stream(), 1), rules_epoch=0))
            raising = log.submit(append(NewEvent(rules, 1, MEMBER, RulesSet(epoch=4))))
            stale = log.submit(said((stream(), 1), rules_epoch=3))
            fresh = log.submit(said((stream(), 1), rules_epoch=4))
        results = await outcomes(before, raising, stale, fresh)
        assert kinds(results) == [Appended, Appended, StaleRules, Appended]
        assert await log.rules_epoch(0) == 4
        late = log.submit(said((stream(), 1), rules_epoch=3))
        assert kinds(await outcomes(late)) == [StaleRules]

    live(story)
    assert_gapless(log)


def test_a_full_queue_turns_callers_away(bed: Any) -> None:
    log = bed.open(queue_count_max=3)

    async def story() -> None:
        with bed.gathering(log):
            taken = [log.submit(said((stream(), 1))) for _ in range(3)]
            with pytest.raises(LogOverloaded):
                log.submit(said((stream(), 1)))
        assert kinds(await outcomes(*taken)) == [Appended] * 3
        await log.submit(said((stream(), 1))).outcome

    live(story)


def test_the_queue_counts_bytes_too(bed: Any) -> None:
    log = bed.open(queue_bytes_max=5_000)

    async def story() -> None:
        with bed.gathering(log):
            large = log.submit(said((stream(), 1), text="x" * 6_000))
            with pytest.raises(LogOverloaded):
                log.submit(said((stream(), 1)))
        assert kinds(await outcomes(large)) == [Appended]

    live(story)


def test_an_append_that_is_wrong_in_itself_is_not_taken(bed: Any) -> None:
    log = bed.open()
    one = stream()
    wrong = [
        said((one, 1), cell=bed.cells),
        said((stream(1), 1)),
        said((one, 0)),
        said((one, 1), (one, 3)),
        said((one, 1), guards={one: -1}),
        said((one, 1), guards={stream(bed.cells): 1}),
    ]
    for each in wrong:
        with pytest.raises(ValueError, match=r"cell|version|guard"):
            log.submit(each)
    assert total(bed, log) == 0


def test_a_version_beyond_the_next_is_caught_when_anything_is_looked_up(bed: Any) -> None:
    """The unique key does not see a gap; whenever a batch has a loser, gaps are found as well."""
    log = bed.open()

    async def story() -> None:
        one = stream()
        await log.submit(said((one, 1))).outcome
        with bed.gathering(log):
            loser = log.submit(said((one, 1)))
            gap = log.submit(said((one, 5)))
        assert kinds(await outcomes(loser, gap)) == [Conflict, Conflict]

    live(story)


def test_closing_finishes_what_was_taken(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        tickets = [log.submit(said((stream(), 1))) for _ in range(2_500)]
        await asyncio.to_thread(log.close)
        assert kinds(await outcomes(*tickets)) == [Appended] * 2_500
        with pytest.raises(LogOverloaded):
            log.submit(said((stream(), 1)))

    live(story)


def test_a_thread_without_a_loop_may_append(bed: Any) -> None:
    log = bed.open()
    assert log.append(said((stream(), 1))).positions == (1,)


def test_loads_of_many_streams_come_each_to_its_caller(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        streams = [stream(at % bed.cells) for at in range(50)]
        for one in streams:
            cell = one.int >> 64 & 0xFFF
            await log.submit(said(*[(one, at) for at in range(1, 5)], cell=cell)).outcome
        asked = [(one, at % 5, None if at % 2 else 3) for at, one in enumerate(streams * 2)]
        found = await asyncio.gather(*[log.read_stream(*each) for each in asked])
        for (one, after, until), events in zip(asked, found, strict=True):
            assert {each.stream for each in events} <= {one}
            assert [each.version for each in events] == list(range(after + 1, (until or 4) + 1))
        assert await log.read_stream(stream()) == []

    live(story)


def test_reading_by_position_type_and_limit(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        rules = stream()
        for version in range(1, 7):
            event = RulesSet(version) if version % 2 else None
            new = NewEvent(rules, version, MEMBER, event or said((rules, 1)).events[0].event)
            await log.submit(append(new)).outcome

    live(story)
    read = log.reader.read
    assert [each.position for each in read(0, 2, 3)] == [3, 4, 5]
    assert [each.position for each in read(0, 2, 9, until=4)] == [3, 4]
    assert [each.position for each in read(0, 1, 2, types=[RulesSet])] == [3, 5]
    assert read(0, 6, 10) == []


def test_reading_stops_at_so_many_bytes(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        for _ in range(5):
            await log.submit(said((stream(), 1), text="x" * 1_000)).outcome

    live(story)
    read = log.reader.read
    assert [each.position for each in read(0, 0, 9, bytes_max=2_500)] == [1, 2, 3]
    assert [each.position for each in read(0, 3, 9, bytes_max=1)] == [4], "one is read always"
    assert [each.position for each in read(0, 1, 2, bytes_max=1 << 20)] == [2, 3]
    assert [each.position for each in read(0, 0, 9, types=[Said], bytes_max=1_500)] == [1, 2]
    assert read(0, 5, 9, bytes_max=1) == []
