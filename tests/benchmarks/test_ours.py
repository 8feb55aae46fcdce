"""
What our contestants claim to have written is in the log, and COPY's rows are the log's.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from benchmarks.cluster import dsn
from benchmarks.copying import Copying
from benchmarks.ours.__main__ import Ours
from domain.catalogue import EVENTS
from domain.post_events import PostPublished


@pytest.fixture
def ours(database_url: str, tmp_path: Path) -> Iterator[Ours]:
    contestant = Ours()
    contestant.open({"url": database_url, "keys": str(tmp_path / "keys")})
    yield contestant
    contestant.close()


def count(url: str, table: str = "log.events") -> int:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.scalar(text(f"SELECT count(*) FROM {table}"))
    engine.dispose()
    return int(found or 0)


@pytest.mark.parametrize(
    ("settings", "batch"),
    [
        ({"workload": "bare"}, 1),
        ({"workload": "bare"}, 7),
        ({"workload": "whole", "inline": True}, 1),
        ({"workload": "hot"}, 1),
        ({"workload": "sealing"}, 1),
        ({"workload": "sealed before"}, 1),
    ],
    ids=lambda value: value["workload"] if isinstance(value, dict) else str(value),
)
def test_every_event_that_is_counted_is_in_the_log(
    ours: Ours, database_url: str, settings: dict[str, object], batch: int
) -> None:
    before = count(database_url)
    done = ours.append(8, batch, 0.1, settings)
    assert done["events"] >= 8 * batch
    assert count(database_url) - before == done["events"]


def test_a_whole_append_brings_keys_and_inline_models(ours: Ours, database_url: str) -> None:
    done = ours.append(8, 1, 0.1, {"workload": "whole", "inline": True})
    assert count(database_url, "log.commands") == done["events"]
    assert count(database_url, "models.gates") == done["events"]


def test_commands_are_made_as_often_as_they_are_counted(ours: Ours, database_url: str) -> None:
    ours.fill(2_000)
    for kind in ("cold", "warm", "any"):
        before = count(database_url)
        assert ours.command(8, 50, kind)["events"] == 50
        # To be warm, streams are changed once before the clock.
        assert count(database_url) - before >= 50


def test_the_engine_catches_up_on_all_there_is(ours: Ours, database_url: str) -> None:
    ours.fill(300)
    assert ours.catch_up().events == count(database_url)
    assert count(database_url, "models.posts") == 150
    assert count(database_url, "models.comments") == 90
    assert count(database_url, "models.likes") == 60


@pytest.mark.parametrize("encoded", ["before", "inside"])
@pytest.mark.parametrize("batch", [1, 10])
def test_copied_rows_are_rows_of_the_log(
    ours: Ours, database_url: str, encoded: str, batch: int
) -> None:
    copying = Copying()
    copying.open({"dsn": dsn(database_url)})
    try:
        done = copying.append(1, batch, 0.1, {"rows": 30, "encoded": encoded})
    finally:
        copying.close()
    assert done.events % 30 == 0
    engine = create_engine(database_url)
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT cell, position, type, data FROM bench.events ORDER BY cell, position")
        ).all()
    engine.dispose()
    assert len(rows) == done.events
    positions: dict[int, int] = {}
    for cell, position, kind, data in rows:
        assert position == positions.get(cell, 0) + 1
        positions[cell] = position
        assert isinstance(EVENTS.decode(kind, bytes(data)), PostPublished)
