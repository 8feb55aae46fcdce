"""
A run: make the population, let simulated members act, say what was measured.

Why it exists: rates and latencies under a realistic workload, and stores filled with realistic
histories, both need the same driver. Callers in flight are bounded by `concurrency`; each takes
the next action as soon as its last one is answered, so the offered load follows what the server
can do (a closed loop), and latencies are those of a server kept busy by that many callers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from random import Random
from time import perf_counter
from typing import TypeVar
from uuid import uuid4

from api.simulation import summary
from api.simulation.actions import shuoshuo
from api.simulation.client import Answer, Client, Measured, Request, TokenSource
from api.simulation.learning import learn
from api.simulation.mix import next_action
from api.simulation.population import (
    Population,
    account,
    certification,
    follow,
    friendship,
    populate,
)
from api.simulation.progress import Phase, Reporter, Show, reporter
from api.simulation.summary import Summary
from api.simulation.texts import certified_spaces
from api.simulation.world import World

CONCURRENCY = 32
# A read waits up to 5 s for the position it asks for: five minutes for projections to catch up.
CATCH_UP_READS_MAX = 60
Item = TypeVar("Item")


async def simulate(
    url: str,
    token: TokenSource,
    *,
    users: int,
    actions: int,
    seed: int,
    concurrency: int = CONCURRENCY,
    writes_only: bool = False,
    progress: Show = "auto",
) -> Summary:
    """
    Drive the server at `url`; `token(qq, role)` gives a bearer token for `member` or `operator`.

    `actions` counts reads and writes of the mix as drawn, or writes alone if `writes_only`. The
    summary's `exit_status` is 1 if anything came back that no correct server answers. What is asked
    is a function of `seed` when `concurrency` is 1; with more callers it depends on the order of
    the answers, too.

    :raises Unreachable: nobody answers at `url`.
    """
    assert users >= 1
    assert actions >= 0
    assert concurrency >= 1
    population = populate(seed, users)
    world = population.world()
    async with AsyncExitStack() as stack:
        report = stack.enter_context(reporter(progress))
        client = await stack.enter_async_context(
            Client(url, token, run=uuid4().hex, connections_max=concurrency)
        )
        await client.greet()
        began = perf_counter()
        await settle(client, population, report, concurrency)
        await first_posts(client, world, Random(f"{seed} first posts"), report, concurrency)
        await caught_up(client, population.members[0])
        setup, client.measured = client.measured, Measured()
        setup_s, began = perf_counter() - began, perf_counter()
        random, phase = Random(f"{seed} actions"), report.phase("actions", actions)
        await act(client, world, random, phase, actions, concurrency, writes_only=writes_only)
        seconds = perf_counter() - began
    mix = client.measured
    return Summary(
        members=len(population.members),
        friendships=len(population.friendships),
        setup_s=setup_s,
        seconds=seconds,
        setup=summary.lines(setup.latencies, setup_s),
        lines=summary.lines(mix.latencies, seconds),
        total=summary.total(mix.latencies.values(), seconds),
        problems=summary.problems(setup, mix),
        retries=setup.retries + mix.retries,
    )


async def settle(
    client: Client,
    population: Population,
    report: Reporter,
    concurrency: int,
    account: Callable[[int], Request] = account,
) -> None:
    """Accounts, certified spaces, friendships, follows; and wait until reads show all of it."""
    everyone = [*population.members, *population.spaces]

    async def join(qq: int) -> None:
        await client.send(account(qq), fine=(409,), patient=True)

    async def certify(index: int) -> None:
        names = certified_spaces()
        request = certification(population.spaces[index], names[index % len(names)])
        await client.send(request, patient=True)

    async def befriend(pair: tuple[int, int]) -> None:
        for request in friendship(pair):
            await client.send(request, patient=True)

    async def begin_to_follow(pair: tuple[int, int]) -> None:
        await client.send(follow(pair), patient=True)

    await each(everyone, join, report.phase("accounts", len(everyone)), concurrency)
    # An account may be opened in a cell of its own; nobody acts before reads know of it.
    await caught_up(client, population.members[0])
    spaces = range(len(population.spaces))
    await each(spaces, certify, report.phase("certified", len(spaces)), concurrency)
    pairs = population.friendships
    await each(pairs, befriend, report.phase("friendships", len(pairs)), concurrency)
    follows = population.follows
    await each(follows, begin_to_follow, report.phase("follows", len(follows)), concurrency)
    await caught_up(client, population.members[0])


async def first_posts(
    client: Client, world: World, random: Random, report: Reporter, concurrency: int
) -> None:
    """One post by everybody, so that from the first action on there is something to read."""
    everyone = [*world.members, *world.spaces]

    async def post(qq: int) -> None:
        action = shuoshuo(random, world, qq)
        learn(random, world, action, await client.send(action.request, patient=True))

    await each(everyone, post, report.phase("first posts", len(everyone)), concurrency)


async def caught_up(client: Client, qq: int) -> Answer:
    """One read that waits for everything written so far; a 504 only means that it takes longer."""
    after = client.measured.everything_written()
    request = Request("catch up", qq, "GET", "/v1/feed", at_least=after)
    for _ in range(CATCH_UP_READS_MAX):
        answer = await client.send(request, fine=(504,))
        if answer.status != 504:
            break
    return answer


async def act(
    client: Client,
    world: World,
    random: Random,
    phase: Phase,
    actions: int,
    concurrency: int,
    *,
    writes_only: bool,
) -> None:
    """So many actions of the mix, each drawn from what the answers before it made."""

    async def step(_: int) -> None:
        # Drawn and learnt without an await between: the world never changes under a drawing.
        action = next_action(random, world, writes_only=writes_only)
        learn(random, world, action, await client.send(action.request))

    await each(range(actions), step, phase, concurrency)


async def each(
    items: Iterable[Item],
    do: Callable[[Item], Awaitable[None]],
    phase: Phase,
    concurrency: int,
) -> None:
    """Do all of them, at most `concurrency` at once; the first failure stops the rest."""
    remaining = iter(items)

    async def worker() -> None:
        for item in remaining:
            await do(item)
            phase.advance()

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(worker())
