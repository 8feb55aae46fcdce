"""
What is kept in memory changes nothing but speed: the same commands come to the same events and the
same answers with hardly any room, with much of it, and spread over two servers that know nothing
of each other's.
"""

import asyncio
from collections import defaultdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from commands.executor import Answer, Contended
from commands.types import ToFriends
from domain.circle import CIRCLE, circle_stream, friends
from domain.event import Refused
from domain.ids import MemberId, StreamId
from domain.like import LikeGiven, LikeWithdrawn
from tests.commands.house import House, live
from tests.commands.steps import STEPS, Step, taken


async def lived(steps: list[Step], *, capacity: int, servers: int) -> tuple[list[Any], list[Any]]:
    """What was answered, and what is in the log."""
    first = House(capacity=capacity)
    members = [await first.join(10001 + n) for n in range(3)]
    posts = [await first.publish(member, ToFriends()) for member in members]
    houses = [first, *(first.beside(capacity=capacity) for _ in range(servers - 1))]
    answers: list[Any] = []
    for number, step in enumerate(steps):
        house = houses[number % servers]
        try:
            answers.append(shown(await taken(house, step, members, posts)))
        except Refused as no:
            answers.append((no.problem, no.field))
        if step.settles:
            await first.settle()
    await first.settle()
    kinds = [(one.cell, one.position, type(one.event).__name__) for one in first.events()]
    return answers, kinds


def shown(answer: Answer) -> tuple[object, ...]:
    """An answer without ids, which are drawn anew."""
    return answer.at, answer.state, answer.status, answer.written


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=25), st.integers(1, 3))
def test_how_much_is_remembered_changes_no_answer(steps: list[Step], room: int) -> None:
    roomy = live(lambda: lived(steps, capacity=1_000, servers=1))
    assert live(lambda: lived(steps, capacity=room, servers=1)) == roomy
    assert live(lambda: lived(steps, capacity=1_000, servers=2)) == roomy


@settings(max_examples=40, deadline=None)
@given(
    st.lists(STEPS, min_size=2, max_size=30),
    st.lists(st.sampled_from([0.0, 0.0001, 0.001]), min_size=2, max_size=2),
)
def test_all_at_once_on_two_servers_is_as_good_as_one_after_the_other(
    steps: list[Step], delays: list[float]
) -> None:
    async def history() -> None:
        quiet = House()
        members = [await quiet.join(10001 + n) for n in range(3)]
        posts = [await quiet.publish(member) for member in members]
        servers = [
            quiet.beside(seed=2 + n, delay_seconds=delay, capacity=4)
            for n, delay in enumerate(delays)
        ]
        outcomes = await asyncio.gather(
            *(
                taken(servers[number % 2], step, members, posts)
                for number, step in enumerate(steps)
            ),
            return_exceptions=True,
        )
        await quiet.settle()
        check_answers(quiet, steps, outcomes, members)
        check_streams(quiet)
        check_ties(quiet, members)

    live(history)


def check_answers(
    house: House, steps: list[Step], outcomes: list[Answer | BaseException], members: list[MemberId]
) -> None:
    """Every answer tells the truth: what it says was written is there, by whom it says."""
    at = {(one.cell, one.position): one for one in house.events()}
    for step, outcome in zip(steps, outcomes, strict=True):
        if isinstance(outcome, Answer):
            for position in outcome.written:
                assert at[outcome.cell, position].actor == members[step.who]
        else:
            assert isinstance(outcome, Refused | Contended), outcome


def check_streams(house: House) -> None:
    """No stream has a gap, and none says twice what is said once."""
    streams: dict[StreamId, list[Any]] = defaultdict(list)
    for one in house.events():
        streams[one.stream].append(one)
    for history in streams.values():
        assert [one.version for one in history] == list(range(1, len(history) + 1))
        kinds = [type(one.event) for one in history]
        if kinds[0] is LikeGiven:
            assert kinds == [(LikeGiven, LikeWithdrawn)[n % 2] for n in range(len(kinds))]


def check_ties(house: House, members: list[MemberId]) -> None:
    """Once policies have told everything, both halves of each pair agree."""
    circles = {
        member: CIRCLE.fold(
            (one.event for one in house.log.reader.read_stream(circle_stream(member))),
            CIRCLE.initial,
        )
        for member in members
    }
    for one in members:
        for other in members:
            mine, theirs = circles[one].tie(other), circles[other].tie(one)
            if one != other:
                assert mine.bond == theirs.bond
                assert friends(mine, theirs) == (mine.standing == theirs.standing == "friends")
