"""
The life of a command: decided at once, answered when it is true; decided again when the world
moved on; done once, whoever asks how often.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from adapters.log.memory import MemoryStore
from commands import circles, comments
from commands.accounts import ChangeProfile, SuspendAccount
from commands.circles import ChangeTie
from commands.executor import ATTEMPTS_MAX, Contended, KeyReused
from commands.ports import LogOverloaded
from commands.posts import PublishShuoshuo
from commands.types import ToPublic
from commands.work import Outcome, Work
from domain.account import ACCOUNT, account_stream
from domain.account_events import NicknameChanged
from domain.case import CASE, case_of, case_stream
from domain.case_events import Subject
from domain.event import Refused
from domain.ids import MemberId, PostId, cell_of
from domain.like import LIKE, LikeGiven, LikeWithdrawn, like_stream
from domain.post import post_stream
from domain.post_events import PostDeleted, PostPublished
from domain.rulebook import SCREEN, screen_stream
from tests.commands.house import STAFF, House, live, on, to

SAY = PublishShuoshuo("好", ToPublic())


def count(house: House, kind: type) -> int:
    """How many events of a type are in the log."""
    return sum(isinstance(one.event, kind) for one in house.events())


# Pipelining


def test_two_hundred_commands_on_one_stream_take_one_batch() -> None:
    """Each is decided from what the ones before it will have done, none waits for the disk."""

    async def history() -> None:
        house = House()
        anna = await house.join(10001)
        slow = house.beside(delay_seconds=0.05)
        await slow.streams.load(ACCOUNT, account_stream(anna))
        answers = await asyncio.gather(
            *(
                slow.run(slow.accounts.change_profile, ChangeProfile(f"安{n}"), anna)
                for n in range(200)
            )
        )
        assert slow.batches == 1
        positions = [answer.position for answer in answers]
        assert positions == list(range(positions[0], positions[0] + 200))
        assert (await slow.streams.load(ACCOUNT, account_stream(anna))).version == 201

    live(history)


def test_a_stream_that_nobody_has_read_yet_takes_two_hundred_at_once_as_well() -> None:
    async def history() -> None:
        house = House()
        anna = await house.join(10001)
        fresh = house.beside()
        changes = [
            fresh.run(fresh.accounts.change_profile, ChangeProfile(f"安{n}"), anna)
            for n in range(200)
        ]
        await asyncio.gather(*changes)
        assert count(fresh, NicknameChanged) == 200
        assert fresh.streams.misses == 3, "they share one read, one of the rules, one of the case"

    live(history)


def test_opposite_commands_in_flight_are_decided_in_the_order_they_came() -> None:
    async def history() -> None:
        house = House(delay_seconds=0.01)
        anna = await house.join(10001)
        post = await house.publish(anna)
        like, unlike = on(comments.like, post), on(comments.unlike, post)
        answers = await asyncio.gather(
            *(house.run(handler, None, anna) for handler in (like, like, unlike, unlike, like))
        )
        first, second, third, fourth, fifth = (answer.position for answer in answers)
        assert first == second < third == fourth < fifth
        assert [answer.written == () for answer in answers] == [False, True, False, True, False]

    live(history)


# When the world moved on


def test_what_another_server_wrote_is_noticed_and_decided_again() -> None:
    async def history() -> None:
        one = House()
        anna = await one.join(10001)
        post = await one.publish(anna)
        other = one.beside()
        await other.like(anna, post)
        await one.run(on(comments.unlike, post), None, anna)
        # The other server still remembers a like.
        answer = await other.like(anna, post)
        assert answer.written, "it was liked no longer, so this like is one"
        likes = [type(one.event) for one in other.log.reader.read_stream(like_stream(anna, post))]
        assert likes == [LikeGiven, LikeWithdrawn, LikeGiven]

    live(history)


def test_a_refusal_of_yesterday_is_not_given() -> None:
    """Another server reinstated the member; this one still remembers the suspension."""

    async def history() -> None:
        one = House()
        anna = await one.join(10001)
        other = one.beside()
        suspend = to(one.accounts.suspend, anna)
        await other.run(suspend, SuspendAccount("spam"), STAFF)
        assert await other.refusal(other.posts.publish, SAY, anna) == ("suspended", None)
        await one.timers.fire("suspension-ends", _suspension(one, anna), anna, one.clock.now())
        await other.run(other.posts.publish, SAY, anna)

    live(history)


def _suspension(house: House, member: MemberId) -> PostId:
    event = house.log.reader.read_stream(account_stream(member))[-1].event
    return event.suspension  # type: ignore[attr-defined,no-any-return]


def test_what_was_withdrawn_on_another_server_is_withdrawn_here() -> None:
    """The post is only read, not written: its version guards the comment."""

    async def history() -> None:
        one = House()
        anna, bela = await one.join(10001), await one.join(10002)
        post = await one.publish(anna)
        other = one.beside()
        await other.like(bela, post)
        await other.run(on(comments.unlike, post), None, bela)
        await one.run(on(one.posts.delete, post), None, anna)
        assert await other.refusal(on(comments.like, post), None, bela) == ("not-found", None)
        assert count(other, LikeGiven) == 1

    live(history)


def test_an_answer_never_rests_on_a_write_that_failed() -> None:
    """
    A like is queued that will fail, since another server moved its stream; a second command finds
    nothing to do because of it. Both are decided again.
    """

    async def history() -> None:
        one = House()
        anna = await one.join(10001)
        post = await one.publish(anna)
        other = one.beside(delay_seconds=0.02)
        like, unlike = on(comments.like, post), on(comments.unlike, post)
        await other.like(anna, post)
        await other.run(unlike, None, anna)
        # Behind the other server's back: liked, and withdrawn again.
        await one.like(anna, post)
        await one.run(unlike, None, anna)
        answers = await asyncio.gather(
            other.run(like, None, anna),
            other.run(like, None, anna),
            other.run(unlike, None, anna),
            other.run(unlike, None, anna),
        )
        written = [answer.written for answer in answers]
        assert written == [(answers[0].position,), (), (answers[2].position,), ()]
        versions = [one.version for one in other.log.reader.read_stream(like_stream(anna, post))]
        assert versions == [1, 2, 3, 4, 5, 6]
        assert not other.streams._unsettled, "nothing is remembered of what failed"

    live(history)


def test_a_refusal_does_not_rest_on_a_write_that_failed() -> None:
    """The like it was decided from never came about: the post had gone."""

    async def history() -> None:
        one = House()
        anna, bela = await one.join(10001), await one.join(10002)
        post = await one.publish(anna)
        other = one.beside()
        await other.like(bela, post)
        await other.run(on(comments.unlike, post), None, bela)
        await one.run(on(one.posts.delete, post), None, anna)
        decided = 0

        async def refuse_if_liked(_: None, work: Work) -> Outcome:
            nonlocal decided
            decided += 1
            stream = like_stream(bela, post)
            if (await work.load(LIKE, stream)).given:
                raise Refused("liked")
            return Outcome(post, (stream, 0))

        liking = asyncio.ensure_future(other.like(bela, post))
        await asyncio.sleep(0)
        answer = await other.run(refuse_if_liked, None, bela)
        with pytest.raises(Refused, match="not-found"):
            await liking
        assert (answer.position, decided) == (0, 2)

    live(history)


def test_two_servers_on_one_stream_lose_no_command() -> None:
    async def history() -> None:
        one = House(delay_seconds=0.001)
        anna = await one.join(10001)
        other = one.beside(delay_seconds=0.0013)
        changes = [
            house.run(house.accounts.change_profile, ChangeProfile(f"安{n}"), anna)
            for n in range(20)
            for house in (one, other)
        ]
        outcomes = await asyncio.gather(*changes, return_exceptions=True)
        done = [one for one in outcomes if not isinstance(one, BaseException)]
        # Some may hear of a conflict; none of success that is not there, and none is done twice.
        assert all(isinstance(one, Contended) for one in outcomes if one not in done)
        assert count(one, NicknameChanged) == len(done) > 0

    live(history)


def test_a_command_is_not_decided_for_ever() -> None:
    async def history() -> None:
        one = House()
        anna = await one.join(10001)
        other = one.beside()
        decided = 0

        async def outrun(_: None, work: Work) -> Outcome:
            nonlocal decided
            decided += 1
            outcome = await other.accounts.change_profile(ChangeProfile("迟"), work)
            await one.run(one.accounts.change_profile, ChangeProfile("早"), anna)
            return outcome

        with pytest.raises(Contended):
            await other.run(outrun, None, anna, key="mine")
        assert decided == ATTEMPTS_MAX
        # A conflict is not an answer to keep: the retry is decided afresh.
        answer = await other.run(other.accounts.change_profile, ChangeProfile("迟"), anna, "mine")
        assert not answer.replayed

    live(history)


def test_what_a_replay_pretended_is_forgotten_at_once() -> None:
    """
    A retried command moved its stream on in memory before the log said that it was done long ago.
    Who reads that state in the very turn in which the answer comes must not build on it.
    """

    async def history() -> None:
        one = House()
        anna = await one.join(10001)
        other = one.beside()
        await other.streams.load(ACCOUNT, account_stream(anna))
        await other.streams.load(SCREEN, screen_stream(cell_of(anna)))
        await other.streams.load(CASE, case_stream(case_of(Subject("nickname", anna, anna))))
        profile = ChangeProfile("安安")
        await one.run(one.accounts.change_profile, profile, anna, "retried")

        seen_done: list[bool] = []

        async def hasty(_: None, work: Work) -> Outcome:
            state = other.streams.current(account_stream(anna))
            if state is not None and state.ticket is not None:
                seen_done.append(state.ticket.outcome.done())
            return await other.accounts.change_profile(ChangeProfile("急"), work)

        retried = asyncio.ensure_future(
            other.run(other.accounts.change_profile, profile, anna, "retried")
        )
        await asyncio.sleep(0)
        await asyncio.gather(retried, other.run(hasty, None, anna))
        assert (await retried).replayed
        assert seen_done == [True], "it did read the state in that turn"
        stream = other.log.reader.read_stream(account_stream(anna))
        assert [one.version for one in stream] == [1, 2, 3]

    live(history)


# Idempotency


def test_a_retry_gets_the_first_answer_and_does_nothing() -> None:
    async def history() -> None:
        house = House()
        anna = await house.join(10001)
        first = await house.run(house.posts.publish, SAY, anna, "k")
        again = await house.run(house.posts.publish, SAY, anna, "k")
        assert (again.id, again.at, again.status) == (first.id, first.at, 201)
        assert (first.replayed, again.replayed) == (False, True)
        elsewhere = house.beside()
        assert (await elsewhere.run(elsewhere.posts.publish, SAY, anna, "k")).id == first.id
        assert count(house, PostPublished) == 1

    live(history)


def test_without_a_key_twice_is_twice() -> None:
    async def history() -> None:
        house = House()
        anna = await house.join(10001)
        assert await house.publish(anna) != await house.publish(anna)

    live(history)


def test_a_key_is_for_one_request() -> None:
    async def history() -> None:
        house = House()
        anna = await house.join(10001)
        await house.run(house.posts.publish, SAY, anna, "k", b"one body")
        with pytest.raises(KeyReused):
            await house.run(house.posts.publish, SAY, anna, "k", b"another body")
        assert count(house, PostPublished) == 1

    live(history)


def test_the_same_key_of_another_actor_is_another_key() -> None:
    async def history() -> None:
        house = House(cells=1)
        anna, bela = await house.join(10001), await house.join(10002)
        first = await house.run(house.posts.publish, SAY, anna, "k")
        second = await house.run(house.posts.publish, SAY, bela, "k", b"another body")
        assert first.id != second.id
        assert not second.replayed

    live(history)


def test_a_duplicate_in_flight_waits_for_the_first() -> None:
    async def history() -> None:
        house = House(delay_seconds=0.01)
        anna = await house.join(10001)
        answers = await asyncio.gather(
            *(house.run(house.posts.publish, SAY, anna, "k") for _ in range(10))
        )
        assert len({answer.id for answer in answers}) == 1
        assert [answer.replayed for answer in answers] == [False] + [True] * 9
        assert count(house, PostPublished) == 1

    live(history)


def test_a_duplicate_in_flight_on_another_server_is_the_logs_to_find() -> None:
    async def history() -> None:
        one = House()
        anna = await one.join(10001)
        servers = [one.beside(seed=seed) for seed in range(2, 6)]
        answers = await asyncio.gather(
            *(server.run(server.posts.publish, SAY, anna, "k") for server in servers)
        )
        assert len({answer.id for answer in answers}) == 1
        assert sorted(answer.replayed for answer in answers) == [False, True, True, True]

    live(history)


def test_a_refusal_is_kept_even_when_it_would_be_granted_now() -> None:
    async def history() -> None:
        house = House()
        anna, bela = await house.join(10001), await house.join(10002)
        await house.tie(bela, anna, "block")
        befriend = ChangeTie(bela, "befriend")
        refused = await house.refusal(circles.change_tie, befriend, anna, "k")
        assert refused == ("not-found", None)
        await house.tie(bela, anna, "unblock")
        with pytest.raises(Refused) as again:
            await house.run(circles.change_tie, befriend, anna, "k")
        assert again.value.replayed
        assert (await house.run(circles.change_tie, befriend, anna, "k2")).state == "outgoing"

    live(history)


def test_a_retried_no_op_answers_the_same_place() -> None:
    async def history() -> None:
        house = House()
        anna, bela = await house.join(10001), await house.join(10002)
        post = await house.publish(anna)
        liked = await house.like(bela, post)
        first = await house.run(on(comments.like, post), None, bela, "k")
        await house.run(on(comments.unlike, post), None, bela)
        again = await house.run(on(comments.like, post), None, bela, "k")
        assert liked.at == first.at == again.at
        assert again.replayed

    live(history)


def test_a_key_is_known_whatever_cell_the_command_writes_to() -> None:
    """The operator's key is kept where the operator is, too, not only with each member."""

    async def history() -> None:
        house = House()
        members = [await house.join(10001 + n) for n in range(6)]
        assert len({member.int >> 64 & 0xFFF for member in members}) > 1
        first, *others = members
        answer = await house.run(
            to(house.accounts.suspend, first), SuspendAccount("spam"), STAFF, "k", b"first"
        )
        again = await house.run(
            to(house.accounts.suspend, first), SuspendAccount("spam"), STAFF, "k", b"first"
        )
        assert (again.at, again.replayed) == (answer.at, True)
        for other in others:
            with pytest.raises(KeyReused):
                await house.run(
                    to(house.accounts.suspend, other), SuspendAccount("spam"), STAFF, "k", b"other"
                )

    live(history)


# Callers who go, and a log that is full


def test_a_caller_who_goes_leaves_everything_in_order() -> None:
    """The append is queued: it happens, and what is in memory agrees."""

    async def history() -> None:
        house = House(delay_seconds=0.01)
        anna = await house.join(10001)
        going = asyncio.ensure_future(house.run(house.posts.publish, SAY, anna, "k"))
        renaming = asyncio.ensure_future(
            house.run(house.accounts.change_profile, ChangeProfile("走"), anna)
        )
        for _ in range(1_000):
            moved = house.streams.current(account_stream(anna))
            if moved is not None and moved.version == 2:
                break
            await asyncio.sleep(0)
        going.cancel()
        renaming.cancel()
        await asyncio.sleep(0)
        assert moved is not None
        assert moved.version == 2
        again = await house.run(house.posts.publish, SAY, anna, "k")
        assert again.replayed
        await house.run(house.accounts.change_profile, ChangeProfile("来"), anna)
        stream = house.log.reader.read_stream(account_stream(anna))
        assert [one.version for one in stream] == [1, 2, 3]
        assert not house.executor._in_flight
        assert count(house, PostPublished) == 1

    live(history)


def test_a_caller_who_goes_while_states_are_read_takes_nobody_along() -> None:
    async def history() -> None:
        house = House()
        anna = await house.join(10001)
        fresh = house.beside()
        going, staying = (
            asyncio.ensure_future(
                fresh.run(fresh.accounts.change_profile, ChangeProfile(name), anna)
            )
            for name in ("走", "留")
        )
        await asyncio.sleep(0)
        going.cancel()
        assert (await staying).written
        assert count(house, NicknameChanged) == 1

    live(history)


def test_what_a_full_queue_turned_away_leaves_no_trace() -> None:
    async def history() -> None:
        house = House()
        anna = await house.join(10001)
        before = house.streams.current(account_stream(anna))

        async def full(command: ChangeProfile, work: Work) -> Outcome:
            outcome = await house.accounts.change_profile(command, work)
            house.log._queue._closed = True
            return outcome

        with pytest.raises(LogOverloaded):
            await house.run(full, ChangeProfile("满"), anna, "k")
        house.log._queue._closed = False
        assert house.streams.current(account_stream(anna)) is before
        answer = await house.run(house.accounts.change_profile, ChangeProfile("空"), anna, "k")
        assert not answer.replayed

    live(history)


# Memory


def test_a_settled_state_holds_no_append() -> None:
    async def history() -> None:
        house = House()
        anna = await house.join(10001)
        post = await house.publish(anna)
        await house.like(anna, post)
        for stream in (like_stream(anna, post), post_stream(post), account_stream(anna)):
            state = house.streams.current(stream)
            assert state is None or state.ticket is None

    live(history)


def test_states_on_their_way_to_the_log_are_kept_beyond_the_capacity() -> None:
    async def history() -> None:
        house = House(capacity=2, delay_seconds=0.01)
        anna = await house.join(10001)
        posts = [await house.publish(anna) for _ in range(5)]
        likes: list[Callable[[], Awaitable[object]]] = [
            lambda post=post: house.like(anna, post)  # type: ignore[misc]
            for post in posts
        ]
        await asyncio.gather(*(like() for like in likes))
        assert await asyncio.gather(*(like() for like in likes))
        assert count(house, LikeGiven) == 5
        await house.publish(anna)
        assert len(house.streams) <= 4

    live(history)


def test_a_store_is_read_again_after_everything_is_forgotten() -> None:
    async def history() -> None:
        store = MemoryStore(8)
        house = House(store)
        anna = await house.join(10001)
        post = await house.publish(anna)
        again = house.beside()
        assert (await again.streams.load(LIKE, like_stream(anna, post))).version == 0
        await again.run(on(again.posts.delete, post), None, anna)
        assert count(again, PostDeleted) == 1

    live(history)
