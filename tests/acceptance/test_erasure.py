"""
A member who is forgotten: asked, waited, gone from everywhere at once, and then destroyed for good.
"""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.erasure import Terms
from tests.acceptance.test_albums import add, album
from tests.support.database import fresh_database
from tests.support.homezone import Client, RunningHomezone, running_homezone
from tests.support.waiting import eventually

SOON = Terms(wait=timedelta(seconds=1), moderation=timedelta(0), billing=timedelta(hours=1))


@pytest.fixture(params=[16, 1])
def soon(
    request: pytest.FixtureRequest, server_url: str, tmp_path: Path
) -> Iterator[RunningHomezone]:
    """A server of many cells, then of one, on which erasures fall due within a second."""
    with (
        fresh_database(server_url) as url,
        running_homezone(url, tmp_path, cells=request.param, erasure=SOON) as homezone,
    ):
        yield homezone


def forget(homezone: RunningHomezone, member: Client) -> None:
    """Ask, and wait until the keys of what a member wrote are destroyed."""
    member.post("/v1/me/erasure", {}).ok(202)
    wait_until_forgotten(homezone, member)


def wait_until_forgotten(homezone: RunningHomezone, member: Client) -> None:
    """Until all is destroyed that is not retained."""
    compliance = homezone.client(10_012, "compliance")

    def destroyed() -> bool:
        view = compliance.get(f"/v1/erasures/{member.qq}").ok(200).json["erasure"]
        return [one["class"] for one in view["classes"] if "destroyed_at" in one] == [
            "content",
            "identity",
            "moderation",
        ]

    eventually(destroyed)


def test_who_is_forgotten_is_gone_from_every_surface(soon: RunningHomezone) -> None:
    member, friend, stranger = soon.members(3)
    member.befriend(friend)
    own = member.publish("mine alone").json["id"]
    theirs = friend.publish("somebody else's").json["id"]
    comment = member.comment(theirs).ok(201).json["id"]
    friend.comment(own).ok(201)
    member.put(f"/v1/posts/{theirs}/like").ok()
    forget(soon, member)
    for reader in (friend, stranger):
        reader.get(f"/v1/posts/{own}").refused(404, "not-found")
        reader.get(f"/v1/posts/{own}/comments").refused(404, "not-found")
        reader.get(f"/v1/spaces/{member.qq}").refused(404, "not-found")
        reader.get(f"/v1/spaces/{member.qq}/posts").refused(404, "not-found")
        reader.put(f"/v1/me/friends/{member.qq}").refused(404, "not-found")
        reader.put(f"/v1/me/blocks/{member.qq}").refused(404, "not-found")
    assert friend.walk("/v1/me/friends") == []
    assert friend.walk("/v1/feed") == []
    assert comment not in [one["id"] for one in friend.walk(f"/v1/posts/{theirs}/comments")]

    def counts() -> tuple[int, int]:
        post = friend.get(f"/v1/posts/{theirs}").ok(200).json
        return post["likes"], post["comments"]

    eventually(lambda: counts() == (0, 0))


def test_who_is_forgotten_can_do_nothing_and_their_number_is_never_given_again(
    soon: RunningHomezone,
) -> None:
    member = soon.member()
    forget(soon, member)
    member.get("/v1/me").refused(403, "no-account")
    member.get("/v1/feed").refused(403, "no-account")
    body = {"kind": "shuoshuo", "text": "here again", "audience": {"to": "public"}}
    member.post("/v1/posts", body).refused(403, "no-account")
    again = {"qq": member.qq, "nickname": "x", "real_name": "x", "birth_date": "2001-02-03"}
    soon.operator.post("/v1/accounts", again).refused(409, "qq-taken")
    view = member.get("/v1/me/erasure").ok(200).json
    assert view["state"] == "destroying", "billing is retained"


def test_it_is_taken_back_while_it_waits(homezone: RunningHomezone) -> None:
    member = homezone.member()
    view = member.get("/v1/me/erasure").ok(200).json
    assert (view["state"], view["coins"]) == ("none", 0)
    assert [one["after_days"] for one in view["classes"]] == [0, 0, 183, 3_653]
    asked = member.post("/v1/me/erasure", {}).ok(202)
    assert asked.json["state"] == "waiting"
    assert member.post("/v1/me/erasure", {}).ok(202).position == asked.position
    view = member.get("/v1/me/erasure").ok(200).json
    assert (view["state"], view["asked_by"]) == ("waiting", "member")
    assert member.delete("/v1/me/erasure").ok(200).json["state"] == "none"
    assert member.get("/v1/me/erasure").ok(200).json["state"] == "none"
    member.publish()


def test_whoever_has_coins_says_that_they_give_them_up(homezone: RunningHomezone) -> None:
    member = homezone.member()
    member.post("/v1/me/topups", {"coins": 7, "rail": "demo", "rail_ref": f"e{member.qq}"}).ok(201)
    assert member.get("/v1/me/erasure").ok(200).json["coins"] == 7
    member.post("/v1/me/erasure", {}).refused(409, "coins-left")
    member.post("/v1/me/erasure", {"give_up_coins": True}).ok(202)


def test_who_is_suspended_may_ask_and_compliance_for_them(homezone: RunningHomezone) -> None:
    member, other = homezone.members(2)
    compliance = homezone.client(10_012, "compliance")
    homezone.operator.put(f"/v1/accounts/{member.qq}/suspension", {"reason": "stolen"}).ok(200)
    member.post("/v1/me/erasure", {}).ok(202)
    path = f"/v1/erasures/{other.qq}"
    compliance.put(path, {"reason": "by letter"}).ok(202)
    assert other.get("/v1/me/erasure").ok(200).json["asked_by"] == "compliance"
    other.delete("/v1/me/erasure").refused(403, "not-yours")
    assert compliance.delete(path).ok(200).json["state"] == "none"
    compliance.put("/v1/erasures/99999", {"reason": "nobody"}).refused(404, "not-found")
    other.put(path, {"reason": "not their business"}).refused(403)


def test_a_hold_keeps_what_it_names_and_its_release_lets_it_go(soon: RunningHomezone) -> None:
    member, reader = soon.members(2)
    post = member.publish("evidence").json["id"]
    compliance = soon.client(10_012, "compliance")
    path = f"/v1/legal-holds/{member.qq}"
    held = {"reason": "case 12", "classes": ["content", "moderation"]}
    compliance.put(path, held).ok(200)
    (item,) = compliance.walk("/v1/legal-holds")
    assert item["classes"] == ["content", "moderation"]
    assert item["qq"] == item["reason"] == {"sealed": True}
    headers = {"Homezone-Purpose": "yearly review"}
    told = compliance.request("GET", "/v1/legal-holds", headers=headers).ok(200).json
    (item,) = told["items"]
    assert (item["qq"], item["reason"]) == (member.qq, "case 12")
    member.post("/v1/me/erasure", {}).ok(202)

    def destroyed() -> list[str]:
        view = compliance.get(f"/v1/erasures/{member.qq}").ok(200).json["erasure"]
        return [one["class"] for one in view["classes"] if "destroyed_at" in one]

    eventually(lambda: destroyed() == ["identity"])
    reader.get(f"/v1/posts/{post}").refused(404, "not-found")
    assert _words(soon, post) == "evidence", "whoever may read it can"
    compliance.delete(path).ok(200)
    eventually(lambda: destroyed() == ["content", "identity", "moderation"])
    eventually(lambda: _words(soon, post) is None)
    assert compliance.walk("/v1/legal-holds") == []


def _words(homezone: RunningHomezone, post: str) -> Any:
    """What a post said, for an auditor who says why."""
    auditor = homezone.client(10_011, "auditor")
    headers = {"Homezone-Purpose": "a test"}
    stream = auditor.request("GET", f"/v1/audit/streams/{post}", headers=headers).ok(200).json
    return stream["events"][0]["data"]["content"]["text"]


def test_bytes_go_and_models_and_proofs_hold_afterwards(server_url: str, tmp_path: Path) -> None:
    with fresh_database(server_url) as url:
        with running_homezone(url, tmp_path, erasure=SOON) as homezone:
            member, other = homezone.members(2)
            member.befriend(other)
            member.put("/v1/me/lists", {"name": "family", "members": [other.qq]}).ok()
            post = other.publish().json["id"]
            member.publish("for the family", to="family")
            member.comment(post).ok(201)
            member.put(f"/v1/posts/{post}/like").ok()
            other.post(f"/v1/spaces/{member.qq}/messages", {"text": "hello"}).ok()
            member.post(f"/v1/spaces/{other.qq}/messages", {"text": "hello back"}).ok()
            member.post(f"/v1/spaces/{other.qq}/visits", {}).ok()
            photos = [add(member, album(member), number) for number in (1, 2)]
            objects = tmp_path / "photos" / "objects"
            assert len(list(objects.glob("*/*/*"))) == 6
            forget(homezone, member)
            eventually(lambda: list(objects.glob("*/*/*")) == [])
            for one in photos:
                other.get(f"/v1/photos/{one}/content", size="original").refused(404)
            eventually(lambda: _rows_of(homezone, member) == 0)
            eventually(lambda: homezone.homezone.upkeep.notarised is not None)
        place = ["--data-dir", str(tmp_path), "--database-url", url]
        for command in (["replay", "check"], ["audit", "verify"]):
            called = [sys.executable, "-m", "api.cli", *command, *place]
            said = subprocess.run(called, capture_output=True, text=True, check=False)
            assert said.returncode == 0, (said.stdout, said.stderr)


def _rows_of(homezone: RunningHomezone, member: Client) -> int:
    """How many rows there are of what a member made; the number alone finds them."""
    found = homezone.client(10_012, "compliance").get(f"/v1/erasures/{member.qq}").ok(200)
    which = found.json["member"]
    with homezone.homezone.database.server.connect() as connection:
        return sum(
            connection.exec_driver_sql(
                f"SELECT count(*) FROM models.{table} WHERE {column} = %s::uuid", (which,)
            ).scalar_one()
            for table, column in (
                ("members", "member"), ("posts", "author"), ("comments", "author"),
                ("messages", "author"), ("likes", "member"), ("photos", "owner"),
                ("albums", "owner"), ("lists", "owner"), ("friendships", "member"),
                ("friendships", "other"), ("timeline", "member"),
            )
        )  # fmt: skip
