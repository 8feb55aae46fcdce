"""
A rebuild gives what was there, while the world goes on; and a crash leaves it as it was.
"""

import threading
import time
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import inspect, select, text

from domain.event import type_of
from projections.engine.lease import Lease
from projections.rows import Put
from replay import rebuild as rebuild_module
from replay.progress import Progress
from replay.rebuild import SwapError
from replay.refeed import ReplayError
from replay.scratch import BusyError
from tests.projections.engine.toys import History, Noted, Notes, history, notes
from tests.replay.conftest import LiveWorld


def schemas(live: LiveWorld) -> set[str]:
    return set(inspect(live.world.database.owner).get_schema_names())


def test_a_rebuild_gives_what_was_there(live: LiveWorld) -> None:
    live.write(30)
    live.engine.catch_up()
    before = live.world.content()
    rebuilt = live.rebuild()
    assert [one.model for one in rebuilt] == ["notes", "tallies", "history"]
    assert all(one.positions == live.reader.heads() for one in rebuilt)
    assert live.world.content() == before
    assert "rebuild" not in schemas(live)


def test_a_rebuild_mends_what_was_damaged_and_the_engine_goes_on(live: LiveWorld) -> None:
    live.write(20)
    live.engine.catch_up()
    before = live.world.content()
    with live.world.database.owner.begin() as connection:
        for statement in ("DELETE FROM models.notes", "UPDATE models.history SET type = 'x'"):
            connection.execute(text(statement))
    live.rebuild(["notes", "history"])
    assert live.world.content() == before
    live.write(20)
    live.engine.catch_up()
    assert {one.differing for one in live.check().values()} == {0}


def test_a_model_behind_the_log_comes_out_ahead(live: LiveWorld) -> None:
    live.write(10)
    live.rebuild(["notes"])
    assert live.world.content(notes)["notes"]
    live.engine.catch_up()
    assert {one.differing for one in live.check().values()} == {0}


def test_indexes_rights_and_later_rebuilds_survive_the_swap(live: LiveWorld) -> None:
    def shape() -> tuple[Any, ...]:
        inspector = inspect(live.world.database.owner)
        with live.world.database.owner.begin() as connection:
            rights = connection.execute(
                text(
                    "SELECT grantee, privilege_type FROM information_schema.table_privileges"
                    " WHERE table_schema = 'models' AND table_name = 'notes'"
                    " AND grantee = 'homezone_server' ORDER BY 1, 2"
                )
            ).all()
        return (
            inspector.get_indexes("notes", "models"),
            inspector.get_pk_constraint("notes", "models"),
            inspector.get_columns("notes", "models")[0]["name"],
            rights,
        )

    before = shape()
    assert len(before[0]) == 1
    assert len(before[3]) == 4
    for _ in range(2):
        live.rebuild(["notes"])
        assert shape() == before


def test_a_model_that_says_which_events_it_takes_is_given_no_others(
    live: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.write(30)
    monkeypatch.setattr(History, "types", frozenset({Noted}), raising=False)
    (rebuilt,) = live.rebuild(["history"])
    assert rebuilt.positions == live.reader.heads(), "whatever the last events were"
    with live.world.server.begin() as connection:
        kinds = connection.scalars(select(history.c.type)).all()
    assert set(kinds) == {type_of(Noted)}
    assert len(kinds) == 30


def test_what_is_only_added_to_has_its_key_again(live: LiveWorld) -> None:
    def key() -> Any:
        return inspect(live.world.database.owner).get_pk_constraint("history", "models")

    before = key()
    assert before["constrained_columns"]
    live.write(10)
    live.rebuild(["history"])
    assert key() == before


def test_a_model_that_is_new_gets_its_table_and_its_rights(live: LiveWorld) -> None:
    live.write(5)
    history.drop(live.world.database.owner)
    live.rebuild(["history"])
    with live.world.server.begin() as connection:
        assert connection.execute(select(history)).all()
    live.write(5)
    assert live.check()["history"].differing == 0


def test_the_world_goes_on_during_rebuilds(live: LiveWorld) -> None:
    live.write(50)
    live.engine.catch_up()
    live.engine.start()
    done = threading.Event()
    failures: list[Exception] = []

    def work(job: Any) -> None:
        while not done.is_set():
            try:
                job()
            except Exception as error:  # noqa: BLE001 - the test asserts that there is none
                failures.append(error)

    def read() -> None:
        with live.world.server.connect() as connection:
            assert connection.execute(select(notes)).all()
            assert connection.execute(select(history)).all()

    jobs = [read, read, lambda: live.write(3)]
    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            live.rebuild()
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert failures == []
    live.engine.stop()
    live.engine.catch_up()
    checked = live.check()
    assert {one.differing for one in checked.values()} == {0}
    assert checked["history"].rows > 60


def test_a_long_read_delays_the_swap_and_nobody_else(live: LiveWorld) -> None:
    live.write(10)
    live.engine.catch_up()
    worst = 0.0
    with live.world.server.connect() as long_reader:
        long_reader.execute(select(notes)).all()
        swap = threading.Thread(
            target=lambda: live.rebuild(["notes"], lock_milliseconds=50, patience_seconds=30)
        )
        swap.start()
        give_up_at = time.monotonic() + 1.0
        while time.monotonic() < give_up_at:
            began = time.monotonic()
            with live.world.server.connect() as reader:
                reader.execute(select(notes)).all()
            worst = max(worst, time.monotonic() - began)
        assert swap.is_alive()
        long_reader.rollback()
    swap.join()
    assert worst < 0.5
    assert "rebuild" not in schemas(live)


def test_a_swap_that_finds_no_moment_leaves_all_as_it_was(live: LiveWorld) -> None:
    live.write(10)
    live.engine.catch_up()
    before = live.world.content()
    with live.world.server.connect() as long_reader:
        long_reader.execute(select(notes)).all()
        with pytest.raises(SwapError):
            live.rebuild(["notes"], lock_milliseconds=10, patience_seconds=0.2)
    assert live.world.content() == before
    assert "rebuild" not in schemas(live)


@pytest.mark.parametrize("name", ["notes", "history"])
def test_a_crash_in_the_middle_of_a_swap_leaves_all_as_it_was(
    live: LiveWorld, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    live.write(10)
    live.engine.catch_up()
    before = live.world.content()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rebuild_module, "copy_grants", crash)
    with pytest.raises(KeyboardInterrupt):
        live.rebuild([name])
    monkeypatch.undo()
    assert live.world.content() == before
    live.write(3)
    live.engine.catch_up()
    assert {one.differing for one in live.check().values()} == {0}


def test_what_a_killed_run_left_behind_is_removed_by_the_next(live: LiveWorld) -> None:
    live.write(3)
    with live.world.database.owner.begin() as connection:
        connection.execute(text("CREATE SCHEMA rebuild"))
        connection.execute(text("CREATE TABLE rebuild.notes (unlike integer)"))
    live.rebuild(["notes"])
    assert "rebuild" not in schemas(live)


def test_two_rebuilds_at_once_are_one_too_many(live: LiveWorld) -> None:
    other = Lease("rebuild", uuid4(), live.world.clock)
    with live.world.database.owner.begin() as connection:
        assert other.take(connection)
    with pytest.raises(BusyError):
        live.rebuild()


def test_a_model_that_cannot_take_an_event_stops_the_rebuild_before_any_swap(
    live: LiveWorld,
) -> None:
    live.write(10)

    class Fussy(History):
        def rows(self, recorded: Any) -> Any:
            if recorded.at == "1-2":
                raise LookupError("secret")
            yield Put(history, (recorded.cell, recorded.position), {"type": "fussy"})

    before = live.world.content()
    live.models = [Notes(), Fussy(inline=True)]
    with pytest.raises(ReplayError, match="history cannot take the event at 1-2: LookupError"):
        live.rebuild()
    assert live.world.content() == before


def test_progress_is_told(live: LiveWorld) -> None:
    live.write(20)
    told: list[Progress] = []
    live.rebuild(on_progress=told.append)  # type: ignore[arg-type]
    total = sum(live.reader.heads().values())
    assert told[-1].events_done == told[-1].events_total == total
    assert told[-1].events_per_second > 0
    assert told[-1].seconds_left == 0


def test_an_unknown_name_is_refused(live: LiveWorld) -> None:
    with pytest.raises(KeyError):
        live.rebuild(["unknown"])
