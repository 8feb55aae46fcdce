"""
What a server does before it serves: read models of another shape are rebuilt, not believed.
"""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from adapters.clock import SystemClock
from adapters.database import Database
from api.wiring import upkeep
from api.wiring.models import MODELS, outdated, prepare_store
from tests.support.homezone import running_homezone


def test_read_models_of_another_release_are_rebuilt_from_the_log(
    database_url: str, tmp_path: Path
) -> None:
    with running_homezone(database_url, tmp_path) as homezone:
        member, reader = homezone.members(2)
        post = member.publish("千山鸟飞绝").json["id"]
        reader.comment(post, "万径人踪灭").ok(201)

    database = Database(database_url)
    try:
        with database.owner.begin() as connection:
            connection.execute(text("ALTER TABLE models.gates DROP COLUMN version"))
            connection.execute(text("ALTER TABLE models.posts ADD COLUMN of_old text"))
            connection.execute(text("DROP INDEX models.comments_by_post"))
            connection.execute(text("DROP TABLE models.counters"))
        assert outdated(database) == ["gates", "counters", "posts", "comments"]
        said: list[str] = []
        prepare_store(database_url, 16, SystemClock(), said.append)
        assert said == ["rebuilding from the log: gates, counters, posts, comments"]
        assert outdated(database) == []
    finally:
        database.dispose()

    with running_homezone(database_url, tmp_path) as homezone:
        shown = homezone.client(reader.qq).get(f"/v1/posts/{post}").ok(200).json
        assert (shown["text"], shown["comments"]) == ("千山鸟飞绝", 1)
        homezone.client(member.qq).publish("孤舟蓑笠翁")


def test_a_store_keeps_its_number_of_cells(database_url: str, tmp_path: Path) -> None:
    with running_homezone(database_url, tmp_path, cells=4) as homezone:
        assert len(homezone.heads()) == 4
    with running_homezone(database_url, tmp_path, cells=16) as homezone:
        assert len(homezone.heads()) == 4


def test_every_read_model_has_a_name_of_its_own() -> None:
    names = [model.name for model in MODELS]
    assert len(set(names)) == len(names)
    tables = [table.name for model in MODELS for table in model.tables]
    assert len(set(tables)) == len(tables)


def test_expired_keys_are_forgotten_after_a_failure_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Log:
        asked = 0

        def purge(self, _: datetime) -> int:
            self.asked += 1
            raise ConnectionError

    monkeypatch.setattr(upkeep, "PURGE_SECONDS", 0.01)
    log: Any = Log()
    nothing: Any = None
    kept = upkeep.Upkeep(log, nothing, nothing, nothing, SystemClock())

    async def story() -> None:
        purging = asyncio.create_task(kept.purge())
        while log.asked < 3:
            assert not purging.done()
            await asyncio.sleep(0.01)
        purging.cancel()

    asyncio.run(story())
