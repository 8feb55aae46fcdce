"""
A copy of a space brought in elsewhere: the same posts, for the same people, at the same times.
"""

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import pytest

from tests.acceptance.processes import one_line, run
from tests.support.database import fresh_database
from tests.support.homezone import Client, RunningHomezone, running_homezone

SPACE = ("kind", "text", "title", "mood", "published_at", "audience", "state", "commenting")


class Place(NamedTuple):
    """A running server, and where a command finds its store."""

    homezone: RunningHomezone
    options: tuple[str, ...]


def opened(server_url: str, data: Path) -> Iterator[Place]:
    with fresh_database(server_url) as url, running_homezone(url, data, cells=4) as homezone:
        yield Place(homezone, ("--data-dir", str(data), "--database-url", url))


@pytest.fixture(scope="module")
def here(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    yield from opened(server_url, tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def there(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    yield from opened(server_url, tmp_path_factory.mktemp("there"))


def fetched(client: Client, to: Path) -> Path:
    asked = client.post("/v1/me/exports").ok(201).json["id"]
    to.write_bytes(client.get(f"/v1/me/exports/{asked}/content").ok(200).body)
    return to


def space(client: Client) -> list[dict[str, Any]]:
    """One's own posts as one sees them, without what differs by place."""
    posts = client.walk(f"/v1/spaces/{client.qq}/posts")
    return [{key: post.get(key) for key in SPACE} for post in posts]


def bring(file: Path, there: Place, *more: str) -> list[str]:
    done = run("import", str(file), *there.options, *more)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def account(place: Place, qq: int) -> Client:
    body = {"qq": qq, "nickname": "安", "real_name": "安娜", "birth_date": "1990-01-01"}
    place.homezone.operator.post("/v1/accounts", body).ok(201)
    return place.homezone.client(qq)


def test_a_space_is_the_same_elsewhere(here: Place, there: Place, tmp_path: Path) -> None:
    anna, bela = here.homezone.members(2)
    anna.put("/v1/me/lists", {"name": "家人", "members": [bela.qq]}).ok()
    anna.publish("床前明月光")
    diary = {"kind": "diary", "title": "秋", "text": "疑是地上霜", "mood": "静"}
    anna.post("/v1/posts", {**diary, "audience": {"to": "friends"}}).ok(201)
    anna.publish("举头望明月", [bela.qq])
    anna.publish("低头思故乡", "家人")
    anna.patch("/v1/me/space/decoration", {"theme": {"from": "house", "name": "bamboo"}}).ok()
    page = {"names": {"posts": "碎碎念"}, "privacy": {"messages": "friends"}, "board": "nobody"}
    anna.patch("/v1/me/space", page).ok()
    file = fetched(anna, tmp_path / "copy.zip")
    assert run("import", str(file), *there.options).returncode == 1, "there is no such member yet"
    again, other = account(there, anna.qq), account(there, bela.qq)
    assert "post: 4 brought in" in bring(file, there)
    assert space(again) == space(anna)
    assert [post["text"] for post in other.walk(f"/v1/spaces/{anna.qq}/posts")] == [
        "低头思故乡", "举头望明月", "床前明月光",
    ]  # fmt: skip
    timeline = again.walk(f"/v1/spaces/{anna.qq}/timeline")
    assert [one["at"] for one in timeline] == [one["published_at"] for one in space(anna)]
    look = again.get("/v1/me/space/decoration").ok().json["look"]
    assert look == anna.get("/v1/me/space/decoration").ok().json["look"]
    pages = [of.get("/v1/me/space").ok().json for of in (anna, again)]
    assert [{**page, "position": None} for page in pages[:1]] == [{**pages[1], "position": None}]
    assert "post: 4 here already" in bring(file, there)
    assert space(again) == space(anna)


def test_what_is_brought_in_is_screened(here: Place, there: Place, tmp_path: Path) -> None:
    anna = here.homezone.member()
    anna.publish("a quixnibble")
    anna.publish("a poem")
    again = account(there, anna.qq)
    rule = {"id": "r", "match": {"phrase": "quixnibble"}, "action": "block", "category": "spam"}
    officer = there.homezone.client(14_001, "compliance")
    officer.put("/v1/moderation/rules/words", {"rules": [rule]}).ok(200)
    lines = bring(fetched(anna, tmp_path / "copy.zip"), there)
    assert "post: 1 not-published" in lines
    assert [one["text"] for one in space(again)] == ["a poem"]


def test_what_comes_from_the_future_is_of_now(there: Place, tmp_path: Path) -> None:
    anna = there.homezone.member()
    anna.publish("一")
    file = fetched(anna, tmp_path / "copy.zip")
    future = {"published_at": "2199-01-01T00:00:00Z"}
    altered = rewritten(file, tmp_path / "altered.zip", lambda line: {**line, **future})
    other = there.homezone.member()
    assert "post: 1 brought in" in bring(altered, there, "--user", str(other.qq))
    later = other.publish("二").json["id"]
    assert other.walk(f"/v1/spaces/{other.qq}/posts")[0]["id"] == later


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: file.write_bytes(b"PK"), "not a zip"),
        (lambda file: file.write_bytes(file.read_bytes()[:-300]), "not a zip"),
        (lambda file: spoilt(file, "made.ndjson", b"{}\n"), "made.ndjson is not as its manifest"),
        (lambda file: spoilt(file, "manifest.json", b"[]"), "manifest.json"),
        (lambda file: spoilt(file, "manifest.json", b'{"format": "other"}'), "manifest.json"),
        (lambda file: file.unlink(), "No such file"),
    ],
)
def test_what_is_no_copy_is_refused(
    there: Place, tmp_path: Path, spoil: Callable[[Path], Any], said: str
) -> None:
    anna = there.homezone.member()
    anna.publish("一")
    file = fetched(anna, tmp_path / "copy.zip")
    spoil(file)
    done = run("import", str(file), *there.options)
    assert said in one_line(done, 2 if said == "No such file" else 1)
    assert len(space(anna)) == 1


def spoilt(file: Path, path: str, content: bytes) -> None:
    """The zip with another file in the place of one."""
    with ZipFile(file) as old:
        files = {name: old.read(name) for name in old.namelist()}
    with ZipFile(file, "w") as new:
        for name, was in files.items():
            new.writestr(name, content if name == path else was)


def rewritten(file: Path, to: Path, change: Callable[[Any], Any]) -> Path:
    """Every thing changed, by somebody who knows how the manifest is made."""
    with ZipFile(file) as old:
        files = {name: old.read(name) for name in old.namelist()}
    lines = [json.dumps(change(json.loads(one))) for one in files["made.ndjson"].splitlines()]
    files["made.ndjson"] = "\n".join(lines).encode()
    manifest = json.loads(files["manifest.json"])
    for one in manifest["files"]:
        content = files[one["path"]]
        one |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    files["manifest.json"] = json.dumps(manifest).encode()
    sink = io.BytesIO()
    with ZipFile(sink, "w") as new:
        for name, content in files.items():
            new.writestr(name, content)
    to.write_bytes(sink.getvalue())
    return to
