"""
A check passes where nothing was touched, however busy the world is, and finds every altered row.
"""

import threading

import pytest
from sqlalchemy import inspect, text

from replay.check import Difference, How
from tests.replay.conftest import LiveWorld


def tamper(live: LiveWorld, statement: str) -> None:
    with live.world.database.owner.begin() as connection:
        assert connection.execute(text(statement)).rowcount == 1


def test_untouched_models_pass(live: LiveWorld) -> None:
    live.write(40)
    live.engine.catch_up()
    checked = live.check()
    assert {name: one.differing for name, one in checked.items()} == {
        "notes": 0,
        "tallies": 0,
        "history": 0,
    }
    assert checked["history"].rows == sum(live.reader.heads().values())
    assert "recheck" not in inspect(live.world.database.owner).get_schema_names()


def test_a_model_is_compared_at_its_own_checkpoint(live: LiveWorld) -> None:
    live.write(20)
    live.engine.catch_up()
    behind = live.reader.heads()
    live.write(20)
    checked = live.check()
    assert checked["notes"].positions == behind
    assert checked["history"].positions == live.reader.heads()
    assert {one.differing for one in checked.values()} == {0}


@pytest.mark.parametrize(
    ("statement", "how", "columns"),
    [
        ("UPDATE models.notes SET text = 'forged' WHERE {one}", How.DIFFERS, ("text",)),
        (
            "UPDATE models.notes SET sealed = '\\x00', edited = NOT edited WHERE {one}",
            How.DIFFERS,
            ("sealed", "edited"),
        ),
        ("DELETE FROM models.notes WHERE {one}", How.MISSING, ()),
        (
            "INSERT INTO models.notes VALUES"
            " (1, '00000000-0000-0000-0000-000000000001', NULL, '', now(), 1, true)",
            How.EXTRA,
            (),
        ),
    ],
)
def test_an_altered_row_is_found(
    live: LiveWorld, statement: str, how: How, columns: tuple[str, ...]
) -> None:
    live.write(30)
    live.engine.catch_up()
    one = "(cell, id) = (SELECT cell, id FROM models.notes ORDER BY random() LIMIT 1)"
    tamper(live, statement.replace("{one}", one))
    checked = live.check()
    assert checked["notes"].differing == 1
    (difference,) = checked["notes"].differences
    assert isinstance(difference, Difference)
    assert (difference.table, difference.how, difference.columns) == ("notes", how, columns)
    assert "forged" not in repr(checked)
    assert checked["tallies"].differing == 0
    assert checked["history"].differing == 0


def test_an_altered_inline_row_is_found(live: LiveWorld) -> None:
    live.write(5)
    tamper(live, "UPDATE models.history SET type = 'forged' WHERE cell = 1 AND position = 1")
    (difference,) = live.check()["history"].differences
    assert difference == Difference("history", ("1", "1"), How.DIFFERS, ("type",))


def test_every_difference_is_counted_and_the_first_are_told(live: LiveWorld) -> None:
    live.write(30)
    live.engine.catch_up()
    with live.world.database.owner.begin() as connection:
        connection.execute(text("UPDATE models.history SET type = 'forged'"))
    checked = live.check()["history"]
    assert checked.differing == checked.rows == len(checked.differences)


def test_a_busy_world_passes(live: LiveWorld) -> None:
    live.write(20)
    live.engine.start()
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            live.write(5)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(4):
            assert {one.differing for one in live.check().values()} == {0}
    finally:
        done.set()
        writer.join()
