"""
Streams by WebSocket: how long a friend's post takes to an open one among a thousand, and what five
thousand idle ones cost.

Clients and clock are in this process, so that the acknowledgement and the arrival are of one clock.
Of a thousand streams ten are the reader's; the others belong to members who see nothing of it.
"""

import asyncio
import json
import os
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import aiohttp
import msgspec

from benchmarks import cpu
from benchmarks.figures import Ratio, Report
from benchmarks.http.world import FRIENDS, POST, READER, World, running_world

OF_MEMBER: Final = 10
MEDIAN_MS: Final = 50.0
P99_MS: Final = 250.0
_OPENED_AT_ONCE: Final = 50
_PATIENCE_SECONDS: Final = 30.0
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")

Socket = aiohttp.ClientWebSocketResponse


class Plan(msgspec.Struct, frozen=True):
    """
    :param posts: a round; ``idle`` streams are open for ``idle_seconds`` afterwards.
    """

    rounds: int
    posts: int
    idle: int
    idle_seconds: float


def measure(directory: Path, plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    """Latency with a thousand open, then memory and processor time of many idle ones."""
    wanted = plan.idle + 500
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        if hard < wanted:
            report.left_out.append(f"streams are not measured: {hard} files may be open here")
            return
        # Before the server starts: it inherits the limit.
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    say("a server and its members, for streams")
    of_member = str(plan.idle // FRIENDS + OF_MEMBER)
    with running_world(directory / "streams", "--streams-of-member-max", of_member) as world:
        asyncio.run(_measure(world, plan, report, say))


async def _measure(world: World, plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    # Neither side is to wait for connections of the other kind.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        friends = [READER + 1 + number for number in range(FRIENDS)]
        before = _resident(world.pid)
        mine = await _open(session, world, [READER] * OF_MEMBER)
        others = [qq for qq in friends for _ in range(OF_MEMBER)][: 1_000 - OF_MEMBER]
        open_ = await _open(session, world, others)
        drains = [asyncio.create_task(_drain(socket)) for socket in (*mine[1:], *open_)]
        say("a friend's post, 1,000 streams open")
        rounds = [
            await _arrivals(session, world, mine[0], friends, plan.posts)
            for _ in range(plan.rounds)
        ]
        _report_latency(report, rounds)
        say(f"{plan.idle:,} idle streams")
        more = [friends[number % FRIENDS] for number in range(plan.idle - 1_000)]
        sockets = await _open(session, world, more)
        drains += [asyncio.create_task(_drain(socket)) for socket in sockets]
        await asyncio.sleep(2)
        used, began = cpu.seconds([world.pid]), time.monotonic()
        await asyncio.sleep(plan.idle_seconds)
        share = (cpu.seconds([world.pid]) - used) / (time.monotonic() - began)
        each = (_resident(world.pid) - before) / plan.idle
        settings = {"streams": plan.idle, "heartbeat s": 15}
        report.add("memory of an idle stream", [each / 1024], unit="KiB", settings=settings)
        report.add("processor of idle streams", [100 * share], unit="% of one", settings=settings)
        for drain in drains:
            drain.cancel()


async def _open(
    session: aiohttp.ClientSession, world: World, members: Sequence[int]
) -> list[Socket]:
    opened: list[Socket] = []
    for start in range(0, len(members), _OPENED_AT_ONCE):
        some = members[start : start + _OPENED_AT_ONCE]
        opened += await asyncio.gather(*(_connect(session, world, qq) for qq in some))
    return opened


async def _connect(session: aiohttp.ClientSession, world: World, qq: int) -> Socket:
    socket = await session.ws_connect(
        f"{world.address}/v1/stream/ws",
        headers={"Authorization": f"Bearer {world.token_of(qq)}"},
    )
    # Until the first heartbeat it is not certain to be told.
    await socket.receive_str()
    return socket


async def _drain(socket: Socket) -> None:
    while (await socket.receive()).type == aiohttp.WSMsgType.TEXT:
        pass


async def _arrivals(
    session: aiohttp.ClientSession,
    world: World,
    socket: Socket,
    friends: Sequence[int],
    posts: int,
) -> list[float]:
    """Milliseconds from the acknowledgement of each post to its arrival; 0 when it came before."""
    waits: list[float] = []
    arrived: dict[str, asyncio.Future[float]] = {}

    def of(post: str) -> "asyncio.Future[float]":
        return arrived.setdefault(post, asyncio.get_running_loop().create_future())

    async def listen() -> None:
        while True:
            message: Any = json.loads(await socket.receive_str())
            if message["kind"] == "post.appeared":
                of(message["item"]["id"]).set_result(time.perf_counter())

    listening = asyncio.create_task(listen())
    for number in range(posts):
        token = world.token_of(friends[number % len(friends)])
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        async with session.post(f"{world.address}/v1/posts", data=POST, headers=headers) as answer:
            post = (await answer.json())["id"]
        acknowledged = time.perf_counter()
        async with asyncio.timeout(_PATIENCE_SECONDS):
            waits.append(max(0.0, 1e3 * (await of(post) - acknowledged)))
    listening.cancel()
    return waits


def _report_latency(report: Report, rounds: Sequence[Sequence[float]]) -> None:
    medians = [median(waits) for waits in rounds]
    tails = [sorted(waits)[len(waits) * 99 // 100] for waits in rounds]
    settings = {"open": 1_000, "posts a round": len(rounds[0])}
    name = "from a post's acknowledgement to a friend's open stream"
    middle = report.add(f"{name}, median", medians, unit="ms", settings=settings)
    tail = report.add(f"{name}, p99", tails, unit="ms", settings=settings)
    for series, most in ((middle, MEDIAN_MS), (tail, P99_MS)):
        ratio = Ratio(f"{series.name}, over {most:.0f} ms", series.median / most, 1.0, "at most")
        report.ratios.append(ratio)


def _resident(pid: int) -> int:
    """Bytes of the server's own memory, without its database's."""
    fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * _PAGE
