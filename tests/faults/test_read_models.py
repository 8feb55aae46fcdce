"""
Read models that are interrupted, that meet what they cannot take, and that are tampered with.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from api.tokens import Role
from tests.acceptance.processes import run
from tests.faults.nemesis import KILL_IN_BATCH
from tests.faults.trial import arena, trial
from tests.faults.world import MEMBERS, OPERATOR, World

SEED = 10
SECONDS_MAX = 60.0


@pytest.fixture
def world() -> Iterator[World]:
    """A server with its members, and a post."""
    with arena() as directory:
        world = World(directory)
        try:
            world.start()
            world.settle_members()
            yield world
        finally:
            world.close()


def test_a_crash_between_a_batch_and_its_checkpoint() -> None:
    with arena() as directory, trial(World(directory), SEED) as running:
        for _ in range(2):
            running.nemesis.strike(KILL_IN_BATCH)
        assert running.nemesis.kills == 2


def test_an_event_that_a_model_cannot_take_stops_that_model_alone(world: World) -> None:
    author = world.client(MEMBERS[0])
    operator = world.client(OPERATOR, Role.OPERATOR)
    first = author.publish("before")
    author.get(f"/v1/posts/{first.json['id']}", at_least=first.position).ok(200)
    with world.connected() as cursor:
        cursor.execute("ALTER TABLE models.posts ADD CONSTRAINT poison CHECK (false) NOT VALID")
    poisonous = author.publish("poison")
    stopped = wait_for(lambda: operator.get("/readyz"), lambda reply: reply.status == 503)
    assert "posts" in stopped.json["detail"]
    assert "comments" not in stopped.json["detail"]
    commented = author.comment(first.json["id"]).ok(201)
    comments = author.get(f"/v1/posts/{first.json['id']}/comments")
    assert comments.status == 200, "what it does not feed is served"
    assert status(world)["projections"]["posts"] >= 1
    wait_for(lambda: status(world)["projections"], lambda lags: lags["comments"] == 0)
    later = author.get(f"/v1/posts/{first.json['id']}", at_least=commented.position)
    assert later.status == 504, "and nobody is shown something older than was asked for"
    with world.connected() as cursor:
        cursor.execute("ALTER TABLE models.posts DROP CONSTRAINT poison")
    wait_for(lambda: operator.get("/readyz"), lambda reply: reply.status == 200)
    shown = author.get(f"/v1/posts/{poisonous.json['id']}", at_least=poisonous.position).ok(200)
    assert shown.json["text"] == "poison"
    assert check(world).returncode == 0


def test_a_row_that_was_changed_is_found_by_a_rebuild(world: World) -> None:
    post = world.client(MEMBERS[0]).publish().json["id"]
    assert check(world).returncode == 0
    with world.connected() as cursor:
        flip = "UPDATE models.gates SET audience = 'only_me' WHERE content = %s"
        cursor.execute(flip, (post,))
    found = check(world)
    assert "differ" in one_line_at_the_end(found)
    assert post in found.stdout
    assert "audience" in found.stdout
    assert run("replay", "rebuild", "gates", *place(world)).returncode == 0
    assert check(world).returncode == 0


def test_a_bit_that_flipped_on_the_disk_is_found_by_its_checksum(world: World) -> None:
    author = world.client(MEMBERS[0])
    written = author.publish("但愿人长久")
    path = f"/v1/posts/{written.json['id']}"
    author.get(path, at_least=written.position).ok(200)
    with world.connected() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute("SELECT pg_relation_filepath('models.posts')")
        file = world.cluster_path / cursor.fetchone()[0]
        cursor.execute("SELECT pg_relation_filepath('log.events')")
        events = world.cluster_path / cursor.fetchone()[0]
    assert world.server().stop() == 0
    flip_bit(file)
    world.start()
    author.close()
    with world.connected() as cursor, pytest.raises(psycopg2.errors.DataCorrupted):
        cursor.execute("SELECT * FROM models.posts")
    answer = author.get(path)
    assert answer.status in (500, 503), "never what cannot be trusted"
    assert answer.problem in ("internal", "unavailable")
    line = one_line_at_the_end(check(world))
    assert "invalid page" in line
    # A read model can be had again: from the log, whose own pages are whole.
    assert run("replay", "rebuild", "posts", *place(world)).returncode == 0
    assert author.get(path, at_least=written.position).ok(200).json["text"] == "但愿人长久"
    assert check(world).returncode == 0
    assert world.server().stop() == 0
    flip_bit(events)
    world.start()
    line = one_line_at_the_end(check(world))
    assert "invalid page" in line


def flip_bit(file: Path) -> None:
    """One bit of the newest row of a table's first page."""
    page = bytearray(file.read_bytes()[:8192])
    upper = int.from_bytes(page[14:16], "little")
    page[upper + 40] ^= 0b100
    with file.open("r+b") as disk:
        disk.write(page)


def place(world: World) -> tuple[str, ...]:
    """Where a command finds a world."""
    return "--data-dir", str(world.data_dir)


def check(world: World) -> Any:
    """``homezone replay check``."""
    return run("replay", "check", *place(world))


def status(world: World) -> Any:
    """``homezone status``, for machines."""
    return json.loads(run("status", "--json", *place(world)).stdout)


def one_line_at_the_end(done: Any) -> str:
    """What a command that failed says at the end, without a traceback."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("homezone: ")
    return str(line)


def wait_for(ask: Any, condition: Any) -> Any:
    """The first answer that a condition holds for."""
    until = time.monotonic() + SECONDS_MAX
    while not condition(answer := ask()):
        assert time.monotonic() < until, answer
        time.sleep(0.05)
    return answer
