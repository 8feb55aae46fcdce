"""
A copy of all that is a member's: complete, theirs alone, and what it says it is.
"""

import hashlib
import io
import json
from typing import Any
from zipfile import ZipFile

import pytest

from tests.acceptance.conftest import Homezones
from tests.acceptance.test_albums import add, album
from tests.support.homezone import Client, Reply, RunningHomezone


@pytest.fixture(params=[16, 1])
def homezone(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1."""
    return homezones(request.param)


class Copy:
    """A zip that was fetched."""

    def __init__(self, reply: Reply) -> None:
        assert reply.headers["content-type"] == "application/zip"
        self.zip = ZipFile(io.BytesIO(reply.ok(200).body))
        assert self.zip.testzip() is None

    def json(self, path: str) -> Any:
        return json.loads(self.zip.read(path))

    def lines(self, path: str) -> list[Any]:
        return [json.loads(line) for line in self.zip.read(path).splitlines()]

    def made(self, kind: str) -> list[Any]:
        return [one for one in self.lines("made.ndjson") if one["kind"] == kind]


def fetched(client: Client) -> Copy:
    asked = client.post("/v1/me/exports").ok(201).json
    return Copy(client.get(f"/v1/me/exports/{asked['id']}/content"))


def test_a_copy_has_all_that_a_member_made(homezone: RunningHomezone) -> None:
    anna, bela, carl = homezone.members(3)
    anna.befriend(bela)
    own = anna.publish("举头望明月", [bela.qq]).json["id"]
    gone = anna.publish("低头思故乡").json["id"]
    anna.delete(f"/v1/posts/{gone}").ok()
    theirs = bela.publish("床前明月光").json["id"]
    said = anna.comment(theirs, "疑是地上霜").json["id"]
    taken = anna.comment(theirs, "不是").json["id"]
    anna.delete(f"/v1/comments/{taken}").ok()
    anna.put(f"/v1/posts/{theirs}/like").ok()
    anna.put("/v1/me/lists", {"name": "家人", "members": [bela.qq, carl.qq]}).ok()
    copy = fetched(anna)
    (post,) = copy.made("post")
    assert (post["id"], post["text"], post["type"]) == (own, "举头望明月", "shuoshuo")
    assert post["audience"] == {"to": "list", "members": [bela.qq]}
    assert post["state"] == "published"
    (comment,) = copy.made("comment")
    assert (comment["id"], comment["text"]) == (said, "疑是地上霜")
    assert (comment["post"], comment["post_by"]) == (theirs, bela.qq)
    (like,) = copy.made("like")
    assert (like["post"], like["post_by"]) == (theirs, bela.qq)
    (named,) = copy.made("list")
    assert (named["name"], named["members"]) == ("家人", sorted([bela.qq, carl.qq]))
    assert [one["qq"] for one in copy.json("relations.json")["friends"]] == [bela.qq]
    assert copy.json("profile.json")["account"]["qq"] == anna.qq


def test_a_copy_has_polls_and_votes(homezone: RunningHomezone) -> None:
    anna, bela = homezone.members(2)
    asked = {
        "kind": "poll", "text": f"@{bela.qq} 哪天", "audience": {"to": "public"},
        "poll": {"options": ["周六", "周日"], "choose": 2}, "commenting": "nobody",
    }  # fmt: skip
    poll = anna.post("/v1/posts", asked).ok(201).json["id"]
    for options in ([0], [0, 1]):
        bela.put(f"/v1/posts/{poll}/vote", {"options": options}).ok()
    (made,) = fetched(anna).made("post")
    assert made["poll"] == {"options": ["周六", "周日"], "choose": 2}
    assert (made["mentions"], made["commenting"]) == ([bela.qq], "nobody")
    (vote,) = fetched(bela).made("vote")
    assert (vote["post"], vote["post_by"], vote["options"]) == (poll, anna.qq, [0, 1])


def test_a_copy_has_messages_and_visits(homezone: RunningHomezone) -> None:
    anna, bela = homezone.members(2)
    said = bela.post(f"/v1/spaces/{anna.qq}/messages", {"text": "来过"}).ok(201).json["id"]
    for _ in range(3):
        bela.post(f"/v1/spaces/{anna.qq}/visits", {}).ok()
    copy = fetched(bela)
    (message,) = copy.made("message")
    assert (message["id"], message["board_of"], message["text"]) == (said, anna.qq, "来过")
    (visit,) = copy.made("visit")
    assert (visit["space_of"], visit["times"]) == (anna.qq, 3)


def test_a_copy_has_albums_and_photos(homezone: RunningHomezone) -> None:
    anna = homezone.member()
    mine = album(anna, "friends", "江南春", sort="taken")
    kept = add(anna, mine, 1, caption="日出江花红胜火", alt="a river")
    gone = add(anna, mine, 2)
    anna.delete(f"/v1/photos/{gone}").ok()
    body = {"kind": "shuoshuo", "text": "看", "audience": {"to": "public"}, "images": [kept]}
    anna.post("/v1/posts", body).ok(201)
    copy = fetched(anna)
    (told,) = copy.made("album")
    assert (told["id"], told["title"], told["sort"]) == (mine, "江南春", "taken")
    assert told["audience"] == {"to": "friends"}
    (photo,) = copy.made("photo")
    assert (photo["id"], photo["album"], photo["alt"]) == (kept, mine, "a river")
    original = anna.get(f"/v1/photos/{kept}/content", size="original").ok(200).body
    assert copy.zip.read(photo["file"]) == original
    assert copy.made("post")[0]["images"] == [kept]
    paths = [one["path"] for one in copy.json("manifest.json")["files"]]
    assert [path for path in paths if path.startswith("photos/")] == [photo["file"]]


def test_a_copy_says_what_it_is(homezone: RunningHomezone) -> None:
    anna = homezone.member()
    anna.publish("一")
    copy = fetched(anna)
    manifest = copy.json("manifest.json")
    assert manifest["format"] == "homezone-copy/1"
    assert manifest["qq"] == anna.qq
    for file in manifest["files"]:
        content = copy.zip.read(file["path"])
        assert (file["bytes"], file["sha256"]) == (
            len(content),
            hashlib.sha256(content).hexdigest(),
        )
    named = {file["path"] for file in manifest["files"]}
    assert {*named, "manifest.json"} == set(copy.zip.namelist())


def test_a_copy_has_what_others_do_not_see(homezone: RunningHomezone) -> None:
    """What its author blocked, or can no longer see, was made by them all the same."""
    anna, bela = homezone.members(2)
    theirs = bela.publish("一").json["id"]
    anna.comment(theirs, "二").ok()
    bela.delete(f"/v1/posts/{theirs}").ok()
    bela.put(f"/v1/me/blocks/{anna.qq}").ok()
    private = anna.publish("三", "only_me").json["id"]
    copy = fetched(anna)
    assert [one["text"] for one in copy.made("comment")] == ["二"]
    assert [one["id"] for one in copy.made("post")] == [private]


def test_a_copy_is_its_members_alone(homezone: RunningHomezone) -> None:
    anna, bela = homezone.members(2)
    asked = anna.post("/v1/me/exports").ok(201).json["id"]
    for path in (f"/v1/me/exports/{asked}", f"/v1/me/exports/{asked}/content"):
        bela.get(path).refused(404, "not-found")
    assert [one["id"] for one in anna.get("/v1/me/exports").ok().json["items"]] == [asked]
    assert bela.get("/v1/me/exports").ok().json["items"] == []
    homezone.client(anna.qq, "auditor").get("/v1/me/exports").refused(403)


def test_copies_are_few_and_the_same_request_is_one(homezone: RunningHomezone) -> None:
    anna = homezone.member()
    for _ in range(2):
        anna.post("/v1/me/exports", key="one").ok(201)
    for _ in range(4):
        anna.post("/v1/me/exports").ok(201)
    anna.post("/v1/me/exports").refused(403, "exports-exhausted")
    assert len(anna.get("/v1/me/exports").ok().json["items"]) == 5


def test_who_is_suspended_has_their_copy(homezone: RunningHomezone) -> None:
    anna = homezone.member()
    anna.publish("一")
    homezone.operator.put(f"/v1/accounts/{anna.qq}/suspension", {"reason": "stolen"}).ok()
    anna.get("/v1/me").refused(403, "suspended")
    assert [one["text"] for one in fetched(anna).made("post")] == ["一"]


def test_a_copy_tells_of_coins(homezone: RunningHomezone) -> None:
    anna = homezone.member()
    bonus = {"coins": 5, "days": 30, "reason": "spring"}
    homezone.operator.post(f"/v1/accounts/{anna.qq}/bonuses", bonus).ok()
    copy = fetched(anna)
    assert copy.json("wallet.json")["bonus"] == 5
    assert {one["what"] for one in copy.lines("ledger.ndjson")} == {"bonus"}


def test_a_copy_of_much_is_whole(homezone: RunningHomezone) -> None:
    """More than is read at a time, in the order in which it was made."""
    anna = homezone.member()
    for number in range(230):
        anna.publish(str(number), "only_me").ok()
    assert [one["text"] for one in fetched(anna).made("post")] == [str(n) for n in range(230)]
