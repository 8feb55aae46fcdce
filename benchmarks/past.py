"""
Time travel in a long log: a page as of a moment, and who could see a post when.

The log is filled in large batches with what members do, its read models by a rebuild; the figures
are over HTTP, an auditor's on one connection: the feed of one member and the posts and the page of
another as of a moment somewhere in the last quarter, and the intervals of one of their posts. The
present's feed of the same members is beside them.
"""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from statistics import median
from typing import Final
from uuid import uuid4

import msgspec

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.postgres import PostgresLog
from adapters.vault import FileKeyVault
from api.tokens import Role
from api.wiring.models import MODELS, prepare_store
from api.wiring.store import open_replay
from api.wiring.tokens import token_issuer, utc_now
from benchmarks.cluster import Cluster
from benchmarks.figures import Report
from benchmarks.http.world import running_server
from domain.catalogue import EVENTS
from replay.rebuild import rebuild
from replay.together import processes
from tests.support.filling import QQ_FIRST, Filling

CELLS: Final = 16
PAGE_MS: Final = 300.0
ANSWER_MS: Final = 20.0
_EVENTS_A_MEMBER: Final = 500
_FRIENDS: Final = 40
_AT_ONCE: Final = 2_000


class Plan(msgspec.Struct, frozen=True):
    """
    :param events: in the log.
    :param reads: of each kind, a round.
    """

    rounds: int
    events: int
    reads: int


class _World(msgspec.Struct, frozen=True):
    """What can be asked about: QQ numbers, posts, and how far each cell is."""

    people: list[int]
    posts: list[tuple[str, int]]
    heads: dict[int, int]


def measure(cluster: Cluster, plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    """Milliseconds of each."""
    say(f"the past, in a log of {plan.events:,} events")
    url, data_dir = cluster.database("past"), cluster.directory / "past"
    world = asyncio.run(_fill(url, data_dir / "keys", plan.events, say))
    cluster.settle("past")
    medians: dict[str, list[float]] = {}
    with ExitStack() as stack:
        address, _ = stack.enter_context(running_server(data_dir, "--database-url", url))
        auditor = _Auditor(address, data_dir, world)
        for number in range(plan.rounds + 1):
            for name, read in auditor.reads.items():
                taken = [read() for _ in range(plan.reads)]
                if number:
                    medians.setdefault(name, []).append(1_000 * median(taken))
    for name, rounds in medians.items():
        report.add(name, rounds, unit="ms", settings={"events": plan.events, "cells": CELLS})
    pages = [name for name in medians if name != _VISIBILITY and name != _NOW]
    for name, most in (*((name, PAGE_MS) for name in pages), (_VISIBILITY, ANSWER_MS)):
        promised = report.add(f"promised: {name}", [most], unit="ms")
        report.compare(f"{name}, over {most:g} ms", report.find(name), promised, 1.0, "at most")


_NOW: Final = "a feed at present"
_VISIBILITY: Final = "who could see a post when"


async def _fill(url: str, keys: Path, events: int, say: Callable[[str], None]) -> _World:
    prepare_store(url, CELLS, SystemClock())
    clock = SystemClock()
    database, vault = Database(url, "homezone-bench"), FileKeyVault(keys, clock)
    log = PostgresLog(database, EVENTS, clock, notify=False)
    filling = Filling(log, vault)
    await filling.people(events // _EVENTS_A_MEMBER, _FRIENDS)
    while filling.events < events:
        # A commit of more would take longer than a statement may on a busy machine.
        await filling.talk(min(_AT_ONCE, events - filling.events))
    say("its read models")
    models, helper = (log.reader, database.owner, MODELS, clock, uuid4()), partial(open_replay, url)
    await asyncio.to_thread(rebuild, *models, open_=helper, helpers=processes() - 1)
    heads = dict(log.reader.heads())
    posts = [(str(one.post), filling.qq[one.author]) for one in filling.posts]
    await asyncio.to_thread(log.close)
    vault.close()
    database.dispose()
    # The first has a tie to everybody, and the last is a space that all follow.
    people = [QQ_FIRST + number for number in range(1, len(filling.members) - 1)]
    return _World(people, posts, heads)


class _Auditor:
    """An auditor on one connection; and members, whose feeds are read at present."""

    def __init__(self, address: str, data_dir: Path, world: _World) -> None:
        self._connection = HTTPConnection(address.removeprefix("http://"), timeout=60)
        self._issuer = token_issuer(data_dir)
        self._world = world
        self._chance = Random(7)
        self.reads: dict[str, Callable[[], float]] = {
            _NOW: self._now,
            "a feed as of a moment": lambda: self._then("/v1/feed?"),
            "a space as of a moment": lambda: self._then("/v1/spaces/{qq}?"),
            "a space's posts as of a moment": lambda: self._then("/v1/spaces/{qq}/posts?"),
            "a post as of a moment": lambda: self._then("/v1/posts/{post}?"),
            _VISIBILITY: self._visibility,
        }

    def _now(self) -> float:
        return self._ask("/v1/feed", self._somebody(), Role.MEMBER)

    def _then(self, path: str) -> float:
        part = 0.75 + self._chance.random() / 4
        at = ",".join(f"{cell}-{int(head * part)}" for cell, head in self._world.heads.items())
        post, _ = self._world.posts[self._chance.randrange(len(self._world.posts) * 3 // 4)]
        asked = path.format(qq=self._somebody(), post=post)
        return self._ask(f"{asked}as_of={at}&viewer={self._somebody()}", 10_011, Role.AUDITOR)

    def _visibility(self) -> float:
        post, _ = self._chance.choice(self._world.posts)
        asked = f"/v1/audit/visibility?post={post}&viewer={self._somebody()}"
        return self._ask(asked, 10_011, Role.AUDITOR)

    def _somebody(self) -> int:
        return self._chance.choice(self._world.people)

    def _ask(self, path: str, qq: int, role: Role) -> float:
        """The seconds that an answer takes."""
        token = self._issuer.issue(qq, role, timedelta(hours=2), utc_now())
        headers = {"Authorization": f"Bearer {token}", "Homezone-Purpose": "bench"}
        began = time.perf_counter()
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - began
        # Not everybody may see everything: what is not there is looked for as well.
        assert answer.status in (200, 404), body
        assert isinstance(json.loads(body), dict), body
        return seconds
