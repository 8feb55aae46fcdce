"""
What was deleted is destroyed when its clock has run out: nobody reads it any more, and everything
else of its author's is as it was.
"""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.moderation.asking import decide, reported, trail
from tests.acceptance.processes import run
from tests.acceptance.test_albums import add, album
from tests.support.database import fresh_database
from tests.support.homezone import Client, RunningHomezone, running_homezone
from tests.support.waiting import eventually

_PURPOSE = {"Homezone-Purpose": "to see what is left"}
_KEPT = "留下的话"
_GONE = "要被遗忘的话"


@pytest.fixture(scope="module")
def homezone(
    server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHomezone]:
    """A server that keeps nothing that was deleted."""
    directory: Path = tmp_path_factory.mktemp("item-keys")
    with (
        fresh_database(server_url) as url,
        running_homezone(url, directory, retention=timedelta(0)) as running,
    ):
        yield running


def history(homezone: RunningHomezone, stream: str) -> list[dict[str, Any]]:
    """A stream's events, opened, as an auditor reads them."""
    auditor = homezone.client(11_001, "auditor")
    path = f"/v1/audit/streams/{stream}"
    reply = auditor.request("GET", path, headers=_PURPOSE).ok(200)
    found: list[dict[str, Any]] = reply.json["events"]
    return found


def is_gone(homezone: RunningHomezone, stream: str) -> bool:
    """Whether auditors read nothing of what a stream's events said; all of it or nothing."""
    said = str(history(homezone, stream))
    assert _KEPT not in said
    return _GONE not in said


def destroyed(homezone: RunningHomezone, *streams: str) -> None:
    """Wait until that is so."""
    for stream in streams:
        eventually(partial(is_gone, homezone, stream))


def test_what_was_deleted_is_destroyed_and_nothing_else(homezone: RunningHomezone) -> None:
    author, other = homezone.members(2)
    kept = author.publish(_KEPT).json["id"]
    remark = author.comment(kept, _KEPT).ok(201).json["id"]
    post = author.publish(_GONE + "之一").json["id"]
    author.patch(f"/v1/posts/{post}", {"text": _GONE + "之二"}).ok()
    comment = author.comment(kept, _GONE).ok(201).json["id"]
    board = f"/v1/spaces/{author.qq}/messages"
    message = author.post(board, {"text": _GONE}).ok(201).json["id"]
    written = author.post(board, {"text": _KEPT}).ok(201).json["id"]
    streams = (post, comment, message)
    assert not any(is_gone(homezone, stream) for stream in streams)

    author.delete(f"/v1/posts/{post}").ok()
    author.delete(f"/v1/comments/{comment}").ok()
    author.delete(f"/v1/messages/{message}").ok()
    destroyed(homezone, *streams)

    assert other.get(f"/v1/posts/{kept}").ok(200).json["text"] == _KEPT
    for stream in (kept, remark, written):
        assert _KEPT in str(history(homezone, stream))
    again = author.publish(_KEPT)
    shown = other.get(f"/v1/posts/{again.json['id']}", at_least=again.position).ok(200)
    assert shown.json["text"] == _KEPT
    tags = {
        one["type"]
        for one in homezone.client(11_001, "auditor").walk("/v1/audit/events", owner=owner(author))
    }
    assert {"content.retained.v1", "content.destroyed.v1"} <= tags


def owner(member: Client) -> str:
    """A member's id."""
    return str(member.get("/v1/me").ok(200).json["id"])


def test_an_album_goes_with_its_photos_and_a_photo_goes_alone(homezone: RunningHomezone) -> None:
    author, other = homezone.members(2)
    kept = album(author, title=_KEPT)
    left, alone = add(author, kept, 1, caption=_KEPT), add(author, kept, 2, caption=_GONE)
    gone = album(author, title=_GONE)
    inside = [add(author, gone, seed, caption=_GONE, alt=_GONE) for seed in (3, 4)]

    author.delete(f"/v1/photos/{alone}").ok()
    author.delete(f"/v1/albums/{gone}").ok()
    destroyed(homezone, alone, gone, *inside)

    assert other.get(f"/v1/albums/{kept}").ok(200).json["title"] == _KEPT
    shown = other.get(f"/v1/photos/{left}").ok(200).json
    assert shown["caption"] == _KEPT
    picture = other.get(f"/v1/photos/{left}/content").ok(200)
    assert picture.headers["content-type"] == "image/jpeg"


def test_what_a_case_is_about_can_be_read_until_it_is_decided(homezone: RunningHomezone) -> None:
    author, other = homezone.members(2)
    post = author.publish(_GONE).json["id"]
    moderator = homezone.client(12_001, "moderator")
    case = reported(other, moderator, post, note="see for yourself")
    author.delete(f"/v1/posts/{post}").ok()
    eventually(lambda: '"because":"case"' in retained(homezone, author))
    assert not is_gone(homezone, post)
    assert _GONE in str(trail(moderator, case, "to decide"))
    decide(moderator, case, "no_action").ok(201)


def retained(homezone: RunningHomezone, member: Client) -> str:
    """What became of the clocks of what a member deleted."""
    auditor = homezone.client(11_001, "auditor")
    reply = auditor.get("/v1/audit/events", owner=owner(member), type="content.retained.v1")
    return reply.ok(200).body.decode()


def test_models_are_what_a_rebuild_makes_of_them(homezone: RunningHomezone) -> None:
    author = homezone.member()
    post = author.publish(_GONE).json["id"]
    author.publish(_KEPT)
    author.delete(f"/v1/posts/{post}").ok()
    destroyed(homezone, post)
    settings = homezone.homezone.settings
    place = ("--data-dir", str(settings.data_dir), "--database-url", str(settings.database_url))
    for command in (("replay", "check"), ("audit", "verify")):
        checked = run(*command, *place)
        assert checked.returncode == 0, checked


def test_a_server_that_died_in_between_destroys_it_when_it_is_back(
    server_url: str, tmp_path: Path
) -> None:
    with fresh_database(server_url) as url:
        with running_homezone(url, tmp_path, retention=timedelta(0)) as homezone:
            inner = homezone.homezone
            asyncio.run_coroutine_threadsafe(inner.timers.stop(), homezone.loop).result(10)
            author = homezone.member()
            first, second = (author.publish(_GONE).json["id"] for _ in range(2))
            author.delete(f"/v1/posts/{first}").ok()
            asyncio.run_coroutine_threadsafe(inner.policies.stop(), homezone.loop).result(10)
            author.delete(f"/v1/posts/{second}").ok()
            assert not is_gone(homezone, first)
        with running_homezone(url, tmp_path, retention=timedelta(0)) as homezone:
            destroyed(homezone, first, second)
