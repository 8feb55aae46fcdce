"""
A page of a queue, with 100 open cases and with 100,000: what moderators wait for on the day when
everything is reported.

The read model is filled through its own ``rows`` and the engine's own writing; pages are read over
HTTP, the first of the queue and its third in turns.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text

from adapters.clock import SystemClock
from adapters.database import Database
from api.tokens import Role
from api.wiring.models import prepare_store
from api.wiring.tokens import token_issuer, utc_now
from benchmarks.cluster import Cluster
from benchmarks.figures import Report
from benchmarks.http.world import running_server
from domain.case import case_of, case_stream
from domain.case_events import CaseOpened, CaseReported, Subject
from domain.event import Event, Recorded
from domain.ids import MemberId, mint
from domain.promise import Promise
from projections.cases import CASES, Cases
from projections.engine.apply import apply

CELLS: Final = 16
PAGE: Final = 20
_BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_BATCH: Final = 1_000
_QUEUE: Final = f"/v1/moderation/cases?queue=reports&limit={PAGE}"


class Plan(msgspec.Struct, frozen=True):
    """
    :param many: how many open cases there are in the second store; 100 in the first.
    :param pages: read a round.
    """

    rounds: int
    many: int
    pages: int


def measure(cluster: Cluster, plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    """Pages a second, few cases and many."""
    few, many = 100, plan.many
    say(f"a queue of {many:,} cases, and of {few:,}")
    urls = {count: _filled(cluster, count) for count in (few, many)}
    names = {count: f"a page of a queue, {count:,} open cases" for count in urls}
    with ExitStack() as stack:
        servers = {}
        for count, url in urls.items():
            data_dir = cluster.directory / f"queue-{count}"
            running = running_server(data_dir, "--database-url", url)
            servers[count] = _Server(stack.enter_context(running)[0], data_dir)
        rounds = _rounds(servers, plan)
    for count, medians in rounds.items():
        report.add(names[count], medians, settings={"items": PAGE, "cells": CELLS})
    report.compare(
        f"a queue's page with {many:,} open cases, over with {few:,}",
        report.find(names[many]),
        report.find(names[few]),
        0.9,
    )


def _filled(cluster: Cluster, count: int) -> str:
    name = f"queues_{count}"
    url = cluster.database(name)
    prepare_store(url, CELLS, SystemClock())
    database, model = Database(url, "homezone-bench"), Cases()
    with database.server.connect() as connection:
        every = _events(count)
        while events := list(islice(every, _BATCH)):
            apply(connection, [one for event in events for one in model.rows(event)])
            connection.commit()
        found = connection.execute(text(f"SELECT count(*) FROM {CASES.fullname}")).scalar_one()
    database.dispose()
    assert found == count
    cluster.settle(name)
    return url


def _events(count: int) -> Iterator[Recorded]:
    """Cases opened by a report, a minute apart."""
    for number in range(count):
        cell = number % CELLS
        owner = MemberId(mint(number, cell, number))
        subject = Subject("post", mint(number, cell, number), owner)
        at = _BEGAN + timedelta(minutes=number)
        promise = Promise("review", at + timedelta(days=1), "bench")
        both: Sequence[Event] = (
            CaseOpened(subject, "report", "reports", promise, 1),
            CaseReported(mint(number, cell, number), owner, "spam"),
        )
        for version, event in enumerate(both, 1):
            position = number // CELLS * 2 + version
            stream, command = case_stream(case_of(subject)), UUID(int=position)
            yield Recorded(
                cell, position, stream, version, at, owner, owner, command, command, None, event
            )


def _rounds(servers: "Mapping[int, _Server]", plan: Plan) -> dict[int, list[float]]:
    """
    By number of cases, the rate that each round's median page comes to. The stores take turns page
    by page, so that whatever else the machine does is done to both.
    """
    rounds: dict[int, list[float]] = {count: [] for count in servers}
    for number in range(plan.rounds + 1):
        taken: dict[int, list[float]] = {count: [] for count in servers}
        for page in range(plan.pages):
            for count, server in servers.items():
                taken[count].append(server.page(first=page % 2 == 0))
        if number:
            for count, seconds in taken.items():
                rounds[count].append(1 / median(seconds))
    return rounds


class _Server:
    """A running server, and a moderator who reads the queue on one connection."""

    def __init__(self, address: str, data_dir: Path) -> None:
        self._connection = HTTPConnection(address.removeprefix("http://"), timeout=30)
        token = token_issuer(data_dir).issue(10_021, Role.MODERATOR, timedelta(hours=2), utc_now())
        self._headers = {"Authorization": f"Bearer {token}"}
        self._middle = self._walk()

    def page(self, *, first: bool) -> float:
        """The seconds that a page takes: the first of the queue, or one in its middle."""
        began = time.perf_counter()
        found = self._get(_QUEUE if first else f"{_QUEUE}&cursor={self._middle}")
        seconds = time.perf_counter() - began
        assert len(found["items"]) == PAGE
        return seconds

    def _walk(self) -> str:
        """The cursor of the third page."""
        cursor = self._get(_QUEUE)["next"]
        return str(self._get(f"{_QUEUE}&cursor={cursor}")["next"])

    def _get(self, path: str) -> Any:
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return json.loads(body)
