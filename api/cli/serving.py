"""
``homezone serve``: one process, in the foreground, until it is told to stop.
"""

import asyncio
import contextlib
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from typing import Any, TypeVar

import uvloop
from aiohttp import web
from rich.console import Console

from api.cli import logs
from api.cli.failures import Failed
from api.http.runner import Runner
from api.settings import Settings
from api.simulation.demo import Demo, fill
from api.tokens import Role
from api.wiring.collecting import collect_rarely, return_large_buffers
from api.wiring.server import Homezone

#: How long requests in flight may take once the door is closed, and then everything else.
SHUTDOWN_SECONDS = 20.0
STOP_SECONDS = 60.0
#: Files that are no connections: the database's, the keys', logs, the interpreter's.
_FILES_OF_OURS = 256
_TOKEN_LIFETIME = timedelta(days=1)
OPERATOR_QQ = 10_000
T = TypeVar("T")


class Signals:
    """
    What the operator said by signals: to stop, and, by a second one, not to wait for clients.
    What was taken is finished in either case.
    """

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.hurry = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self._hear)

    def _hear(self) -> None:
        (self.hurry if self.stopping.is_set() else self.stopping).set()


def run(settings: Settings, *, demo: bool) -> None:
    """Serve until SIGINT or SIGTERM; everything stops cleanly, a second signal included."""
    logs.configure()
    uvloop.run(_serve(settings, demo=demo))


async def _serve(settings: Settings, *, demo: bool) -> None:
    signals = Signals()
    stopping = signals.stopping
    homezone = Homezone(settings, say=lambda line: print(line, file=sys.stderr, flush=True))
    runner: Runner | None = None
    try:
        app = await _until(stopping, homezone.start())
        if app is None:
            return
        runner = Runner(
            app,
            door=homezone.door,
            connections_max=_connections(settings.connections_max),
            shutdown_timeout=SHUTDOWN_SECONDS,
        )
        await runner.setup()
        site = web.TCPSite(runner, settings.host, settings.port, backlog=1024)
        try:
            await site.start()
        except OSError as error:
            reason = error.strerror or "cannot listen"
            raise Failed(f"{settings.host}:{settings.port}: {reason}") from error
        address = _address(runner)
        return_large_buffers()
        collect_rarely()
        homezone.announce(address)
        made = await _until(stopping, _fill(homezone, address)) if demo else None
        if not stopping.is_set():
            _welcome(homezone, address, made)
            await stopping.wait()
        if runner is not None:
            await _drain(runner, settings.drain_seconds, signals.hurry)
    finally:
        with _bounded(STOP_SECONDS + SHUTDOWN_SECONDS):
            if runner is not None:
                await _close(runner, signals.hurry)
            await homezone.stop()


def _connections(wanted: int) -> int:
    """As many connections as are wanted and there may be files for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _FILES_OF_OURS
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return max(1, min(wanted, soft - _FILES_OF_OURS))
    return wanted


async def _drain(runner: Runner, seconds: float, hurry: asyncio.Event) -> None:
    """
    Go on serving for a while, no longer ready: a balancer that asks sends nothing new, and whoever
    is answered is asked to hang up.
    """
    runner.drain()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await hurry.wait()


async def _close(runner: Runner, hurry: asyncio.Event) -> None:
    """Close the door, and answer whoever is inside; in a hurry, without waiting for clients."""
    closing = asyncio.ensure_future(runner.cleanup())
    hurried = asyncio.ensure_future(hurry.wait())
    await asyncio.wait({closing, hurried}, return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()
    if not closing.done():
        runner.abort()
    await closing


@contextlib.contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    """
    Whatever hangs, a database that swallows bytes say, the process ends: what was answered is
    durable, and what was not will be looked up by whoever asks again.
    """

    def give_up() -> None:
        print(f"homezone: it did not stop within {seconds:.0f} s", file=sys.stderr, flush=True)
        os._exit(1)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


async def _until(stopping: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What the work returns; None when a signal came first."""
    task = asyncio.ensure_future(work)
    signalled = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({task, signalled}, return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return None
    signalled.cancel()
    return task.result()


def _address(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


async def _fill(homezone: Homezone, address: str) -> Demo | None:
    """The demo world, if the store is empty and we may speak for its members."""
    if homezone.settings.jwks_url is not None or any((await homezone.log.heads()).values()):
        return None
    return await fill(address, issue(homezone))


def issue(homezone: Homezone) -> Callable[[int, str], str]:
    """Tokens for whoever lives in this process."""

    def token(qq: int, role: str) -> str:
        return homezone.tokens.issue(qq, Role(role), _TOKEN_LIFETIME, homezone.clock.now())

    return token


def _welcome(homezone: Homezone, address: str, demo: Demo | None) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"\n[bold]Homezone[/bold] is at [bold]{address}[/bold] · API at {address}/docs\n")
    if demo is not None:
        console.print(
            f"The demo world: {len(demo.members)} members, {demo.posts} posts, "
            f"{demo.responses} comments and likes.\n"
        )
    if homezone.settings.jwks_url is not None:
        console.print(f"Tokens are those of {homezone.settings.issuer}. Ctrl-C stops it.")
        return
    token = issue(homezone)
    for role in Role:
        qq = 10_001 if role == Role.MEMBER else OPERATOR_QQ
        console.print(f"[dim]{role} ({qq})[/dim]\n{token(qq, role)}\n")
    console.print("Ctrl-C stops it.")
    sys.stdout.flush()
