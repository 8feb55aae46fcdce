"""
A member who is forgotten: asked, waited, gone from everywhere at once, and then destroyed for good.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.erasure import Terms
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
