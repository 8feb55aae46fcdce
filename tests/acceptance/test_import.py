"""
A copy of a space brought in elsewhere: the same posts, for the same people, at the same times.
"""

import hashlib
import io
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import pytest
import pyvips

from tests.acceptance.processes import COMMAND, one_line, run
from tests.acceptance.test_albums import add, album, jpeg, objects
from tests.support.database import fresh_database
from tests.support.homezone import Client, RunningHomezone, running_homezone
from tests.support.images import encoded, with_exif
from tests.support.tus import upload
from tests.support.waiting import eventually

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


ALBUM = ("title", "audience", "layout", "sort", "slideshow", "photos", "created_at", "state")
PHOTO = ("width", "height", "format", "added_at", "taken_at", "caption", "alt", "state")


def albums(client: Client) -> list[dict[str, Any]]:
    """One's own albums, photos in each order, with their bytes, whatever their ids."""
    found = []
    for one in client.walk(f"/v1/spaces/{client.qq}/albums"):
        inside = {
            order: client.walk(f"/v1/albums/{one['id']}/photos", order=order)
            for order in ("newest", "taken", "own")
        }
        ids = [photo["id"] for photo in inside["own"]]
        found.append(
            {key: one.get(key) for key in ALBUM}
            | {"cover": ids.index(one["cover"]) if one.get("cover") else None}
            | {
                order: [
                    {key: photo.get(key) for key in PHOTO} | {"bytes": content(client, photo["id"])}
                    for photo in photos
                ]
                for order, photos in inside.items()
            }
        )
    return found


def content(client: Client, photo: str) -> str:
    """The digest of a photo's original."""
    got = client.get(f"/v1/photos/{photo}/content", size="original").ok(200).body
    return hashlib.sha256(got).hexdigest()


def dated(seed: int) -> bytes:
    """A picture that says when it was taken."""
    image = pyvips.Image.new_from_buffer(jpeg(seed), "")
    taken = {"ifd2_DateTimeOriginal": f"2011:0{seed}:02 03:04:05"}
    return encoded("jpeg", with_exif(image, 1, **taken))


def test_albums_and_their_photos_are_the_same_elsewhere(
    here: Place, there: Place, tmp_path: Path
) -> None:
    anna, bela = here.homezone.members(2)
    mine = album(anna, "friends", "江南春", layout="story", sort="own", slideshow="taken")
    listed = album(anna, [bela.qq], "家")
    kept = [add(anna, mine, seed, caption=f"第{seed}张", alt="a river") for seed in (1, 2)]
    taken = anna.post(f"/v1/albums/{mine}/photos", {"upload": upload(anna, dated(3))}).ok(201)
    add(anna, listed, 4)
    first = anna.get(f"/v1/photos/{kept[0]}").ok().json["place"]
    anna.patch(f"/v1/photos/{taken.json['id']}", {"place": first - 1}).ok(200)
    anna.patch(f"/v1/albums/{mine}", {"cover": kept[1]}).ok(200)
    body = {"kind": "shuoshuo", "text": "看", "audience": {"to": "public"}, "images": kept}
    anna.post("/v1/posts", body).ok(201)
    file = fetched(anna, tmp_path / "copy.zip")
    again, other = account(there, anna.qq), account(there, bela.qq)
    lines = bring(file, there)
    assert {"album: 2 brought in", "photo: 4 brought in", "post: 1 brought in"} <= set(lines)
    assert albums(again) == albums(anna)
    assert [one["cover"] for one in albums(again)].count(None) == 1
    (post,) = again.walk(f"/v1/spaces/{anna.qq}/posts")
    shown = [content(again, image["id"]) for image in post["images"]]
    assert shown == [content(anna, one) for one in kept]
    (seen,) = other.walk(f"/v1/spaces/{anna.qq}/posts")
    assert len(seen["images"]) == 2, "a post shows them, whatever album they are in"
    assert [one["title"] for one in other.walk(f"/v1/spaces/{anna.qq}/albums")] == ["家"]
    used = [of.get("/v1/me/storage").ok().json["used"] for of in (anna, again)]
    assert used[0] == used[1] > 0
    lines = bring(file, there)
    assert {"album: 2 here already", "photo: 4 here already"} <= set(lines)
    assert albums(again) == albums(anna)
    # And a copy of what was brought in is a copy of the same.
    copies = [made(one) for one in (file, fetched(again, tmp_path / "again.zip"))]
    assert copies[0] == copies[1]


#: What is new wherever a copy is brought in: ids, places that begin anew, and lists' own times.
_ANEW = ("id", "album", "file", "cover", "place", "images", "saved_at", "list")


def made(file: Path) -> list[str]:
    """What stands in a copy, without what is new in each place."""
    with ZipFile(file) as copy:
        lines = [json.loads(line) for line in copy.read("made.ndjson").splitlines()]
    told = [{key: value for key, value in one.items() if key not in _ANEW} for one in lines]
    return sorted(json.dumps(one, sort_keys=True) for one in told)


def test_what_an_import_left_half_done_is_gone_on_with(
    here: Place, there: Place, tmp_path: Path
) -> None:
    anna = here.homezone.member()
    mine = album(anna)
    for seed in (1, 2, 3):
        add(anna, mine, seed)
    file = fetched(anna, tmp_path / "copy.zip")
    again = account(there, anna.qq)
    with subprocess.Popen([COMMAND, "import", str(file), *there.options]) as running:
        eventually(lambda: bool(again.walk(f"/v1/spaces/{anna.qq}/albums")))
        running.kill()
    lines = bring(file, there)
    assert "album: 1 here already" in lines
    assert albums(again) == albums(anna)


def test_what_cannot_be_brought_in_keeps_nothing_else_back(
    here: Place, there: Place, tmp_path: Path
) -> None:
    anna = here.homezone.member()
    mine, bad = album(anna), album(anna, title="a frobwizzle")
    kept, worded = add(anna, mine, 1), add(anna, mine, 2, caption="a frobwizzle")
    add(anna, bad, 3)
    body = {"kind": "shuoshuo", "text": "看", "audience": {"to": "public"}}
    anna.post("/v1/posts", {**body, "images": [kept, worded]}).ok(201)
    again = account(there, anna.qq)
    rule = {"id": "r", "match": {"phrase": "frobwizzle"}, "action": "block", "category": "spam"}
    officer = there.homezone.client(14_001, "compliance")
    officer.put("/v1/moderation/rules/titles", {"rules": [rule]}).ok(200)
    before = held_by(there)
    lines = bring(fetched(anna, tmp_path / "copy.zip"), there)
    assert len(held_by(there) - before) == 3, "of what was refused nothing remains"
    assert {
        "album: 1 brought in", "album: 1 not-published",
        "photo: 1 brought in", "photo: 1 its album is not here", "photo: 1 not-published",
        "image: 1 not here to be shown", "post: 1 brought in",
    } <= set(lines)  # fmt: skip
    assert [len(one["own"]) for one in albums(again)] == [1]
    (post,) = again.walk(f"/v1/spaces/{anna.qq}/posts")
    assert len(post["images"]) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"file": "photos/none.jpeg"}, "photos/none.jpeg is not in the manifest"),
        ({"file": "../../etc/passwd"}, "../../etc/passwd is not in the manifest"),
        ({"place": "first"}, "made.ndjson, line"),
        ({"added_at": "yesterday"}, "made.ndjson, line"),
    ],
)
def test_a_photo_that_is_not_as_it_should_be_ends_the_import(
    here: Place, there: Place, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    anna = here.homezone.member()
    add(anna, album(anna), 1)
    file = fetched(anna, tmp_path / "copy.zip")

    def changed(line: Any) -> Any:
        return {**line, **change} if line["kind"] == "photo" else line

    altered = rewritten(file, tmp_path / "altered.zip", changed)
    account(there, anna.qq)
    assert said in one_line(run("import", str(altered), *there.options), 1)


def test_what_is_no_picture_is_counted_as_that(here: Place, there: Place, tmp_path: Path) -> None:
    anna = here.homezone.member()
    mine = album(anna)
    add(anna, mine, 1)
    add(anna, mine, 2)
    file = fetched(anna, tmp_path / "copy.zip")
    with ZipFile(file) as copy:
        photo = next(name for name in copy.namelist() if name.startswith("photos/"))
    spoilt(file, photo, b"no picture at all")
    altered = rewritten(file, tmp_path / "altered.zip", lambda line: line)
    again, before = account(there, anna.qq), held_by(there)
    lines = bring(altered, there)
    assert {"photo: 1 brought in", "photo: 1 not-a-picture"} <= set(lines)
    assert [len(one["own"]) for one in albums(again)] == [1]
    assert len(held_by(there) - before) == 3, "of what was refused nothing remains"


def test_a_picture_that_breaks_off_is_none(here: Place, there: Place, tmp_path: Path) -> None:
    anna = here.homezone.member()
    add(anna, album(anna), 1)
    file = fetched(anna, tmp_path / "copy.zip")
    with ZipFile(file) as copy:
        photo = next(name for name in copy.namelist() if name.startswith("photos/"))
        whole = copy.read(photo)
    spoilt(file, photo, whole[: len(whole) // 2])
    altered = rewritten(file, tmp_path / "altered.zip", lambda line: line)
    again, before = account(there, anna.qq), held_by(there)
    assert "photo: 1 not-a-picture" in bring(altered, there)
    assert held_by(there) == before
    assert "photo: 1 brought in" in bring(fetched(anna, tmp_path / "whole.zip"), there)
    assert albums(again) == albums(anna)


def test_a_limit_of_this_place_keeps_back_what_it_concerns(
    here: Place, there: Place, tmp_path: Path
) -> None:
    anna = here.homezone.member()
    mine = album(anna)
    small = add(anna, mine, 1)
    body = {"upload": upload(anna, jpeg(2, 640, 480))}
    large = anna.post(f"/v1/albums/{mine}/photos", body).ok(201).json["id"]
    anna.publish("看")
    file = fetched(anna, tmp_path / "copy.zip")
    most = len(anna.get(f"/v1/photos/{large}/content", size="original").ok(200).body) - 1
    again = account(there, anna.qq)
    lines = bring(file, there, "--upload-max", str(most))
    assert {"photo: 1 brought in", "photo: 1 upload-too-large", "post: 1 brought in"} <= set(lines)
    ((one,),) = [each["own"] for each in albums(again)]
    assert one["bytes"] == content(anna, small)
    assert "photo: 1 brought in" in bring(file, there), "once there is room for it"
    assert len(albums(again)[0]["own"]) == 2


def held_by(place: Place) -> set[Path]:
    """The objects that a place has of photos; of uploads none is left."""
    uploads = place.homezone.homezone.settings.data_dir / "photos" / "uploads"
    assert [one for one in uploads.rglob("*") if one.is_file()] == []
    return objects(place.homezone)


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
        (lambda file: spoilt(file, "manifest.json", b'{"format": "other"}'), "format is 'other'"),
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
