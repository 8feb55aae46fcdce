"""
Played twice, under another clock, time zone, locale and hash seed, a history makes the same rows to
the byte in every read model, and the same state of every stream.

The history is of simulated members, staff and timers, who do nearly everything; what they do not do
comes from the stored samples, each on a stream of its own.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from adapters.clock import ManualClock
from adapters.database import Database
from adapters.log.postgres import PostgresLog
from api.wiring.models import MODELS, prepare_store
from commands.ports import Append, NewEvent
from domain.catalogue import AGGREGATES_BY_TYPE, EVENTS
from domain.event import Recorded
from domain.ids import MemberId, StreamId, mint
from projections.engine.apply import InlineModels
from replay.scratch import tables_of
from tests.commands.test_replays import CIRCUMSTANCES, faketime
from tests.replay.played import Circumstances
from tests.samples.stored import STORED, sample
from tests.simulation.run import Journal, live, plan_of
from tests.support.database import fresh_database, server_url

__all__ = ["server_url"]

#: A table without rows, as the database sends it: a header and an end.
EMPTY_BYTES = 21
#: What ends again: in the end there is none left.
PASSING = {"holds", "legal_holds", "likes"}

ROOT = Path(__file__).parents[2]
CELLS = 3
SEED = 4
#: So that everything happens that members, staff and banks can do.
BUSY = {
    "moderation": 0.4, "money": 0.5, "gifts": 0.5, "reversals": 0.2, "pages": 0.4,
    "photos": 0.5, "notices": 0.1, "moves": 300, "cells": CELLS,
}  # fmt: skip


@pytest.fixture(scope="module")
def store(server_url: str) -> Iterator[str]:
    """A store with that history."""
    journal = Journal()
    live(SEED, msgspec.structs.replace(plan_of(SEED), **BUSY), journal=journal)
    with fresh_database(server_url) as url:
        clock = ManualClock(journal.events[0].recorded_at)
        prepare_store(url, CELLS, clock)
        database = Database(url)
        log = PostgresLog(database, EVENTS, clock, inline=InlineModels(MODELS).statements)
        try:
            for command, together in groupby(journal.events, lambda one: (one.cell, one.command)):
                events = list(together)
                clock.set(events[0].recorded_at)
                log.append(_append(*command, events))
            for number, name in enumerate(STORED):
                log.append(_sample(number, name))
        finally:
            log.close()
            database.dispose()
        yield url


def _append(cell: int, command: UUID, events: Sequence[Recorded]) -> Append:
    first = events[0]
    new = [NewEvent(one.stream, one.version, one.owner, one.event) for one in events]
    return Append(cell, command, first.actor, first.correlation, first.causation, tuple(new))


def _sample(number: int, name: str) -> Append:
    cell = number % CELLS
    stream, command = (mint(number + 1, cell, bits) for bits in (1, 2))
    new = NewEvent(StreamId(stream), 1, MemberId(mint(number + 1, cell, 3)), sample(name))
    return Append(cell, command, new.owner, command, None, (new,))


@pytest.fixture(scope="module")
def here(store: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What it makes as things are."""
    folder = tmp_path_factory.mktemp("here")
    _play(store, folder, {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "7"})
    return _made(folder)


def _play(store: str, folder: Path, circumstances: Mapping[str, str]) -> Circumstances:
    command = [sys.executable, "-m", "tests.replay.played", store, str(folder)]
    answer = subprocess.run(
        command, capture_output=True, env={**os.environ, **circumstances}, cwd=ROOT, timeout=300
    )
    assert answer.returncode == 0, answer.stderr.decode()
    return msgspec.json.decode(answer.stdout, type=Circumstances)


def _made(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_history_is_worth_playing(here: dict[str, bytes]) -> None:
    """Nearly every table has rows, and every kind of stream a state."""
    tables = {table.name for table in tables_of(MODELS)}
    assert here.keys() == tables | {"states"}
    empty = {name for name, rows in here.items() if len(rows) <= EMPTY_BYTES}
    assert empty <= PASSING
    kinds = {line.split(" ")[1] for line in here["states"].decode().splitlines()}
    assert kinds >= {one.name.split(" ")[0] for one in AGGREGATES_BY_TYPE.values()}


@pytest.mark.parametrize("circumstances", CIRCUMSTANCES.values(), ids=CIRCUMSTANCES)
def test_elsewhere_it_makes_the_same_bytes(
    store: str, here: dict[str, bytes], circumstances: dict[str, str], tmp_path: Path
) -> None:
    library = faketime()
    if "FAKETIME" in circumstances:
        if library is None:
            pytest.skip("there is no libfaketime for this machine")
        circumstances = {
            **circumstances, "LD_PRELOAD": str(library), "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip
    under = _play(store, tmp_path, circumstances)
    there = _made(tmp_path)
    assert [name for name in here if here[name] != there.get(name)] == []
    assert here.keys() == there.keys()
    assert under.zone == circumstances["TZ"][:3] or under.zone.startswith("+")
    assert under.locale == circumstances["LC_ALL"]
    if "FAKETIME" in circumstances:
        assert str(under.year) == circumstances["FAKETIME"][1:5]
