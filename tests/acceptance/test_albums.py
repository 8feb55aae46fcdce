"""
Albums and photos from outside: real pictures, uploaded, added, shown to whom they are for, moved,
deleted; and the room they take.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import pyvips

from tests.support.homezone import Client, RunningHomezone, audience
from tests.support.tus import upload


def jpeg(seed: int = 1, width: int = 64, height: int = 48) -> bytes:
    """A picture like no other."""
    noise = pyvips.Image.gaussnoise(width, height, mean=120, sigma=30, seed=seed)
    return bytes(noise.cast("uchar").jpegsave_buffer())


def album(member: Client, to: Any = "public", title: str = "江南春", **more: Any) -> str:
    """A new album's id."""
    body = {"title": title, "audience": audience(to), **more}
    return str(member.post("/v1/albums", body).ok(201).json["id"])


def add(member: Client, to: str, seed: int = 1, **words: str) -> str:
    """A new photo's id."""
    body = {"upload": upload(member, jpeg(seed)), **words}
    return str(member.post(f"/v1/albums/{to}/photos", body).ok(201).json["id"])


@pytest.fixture
def owner(homezone: RunningHomezone) -> Client:
    return homezone.member()


@pytest.fixture
def friend(homezone: RunningHomezone, owner: Client) -> Client:
    friend = homezone.member()
    friend.befriend(owner)
    return friend


@pytest.fixture
def stranger(homezone: RunningHomezone) -> Client:
    return homezone.member()


def ids(items: list[dict[str, Any]]) -> list[str]:
    """Whose are shown."""
    return [one["id"] for one in items]


def objects(homezone: RunningHomezone) -> set[Path]:
    """What the object store holds of photos."""
    root = homezone.homezone.settings.data_dir / "photos" / "objects"
    # Folders go with the last that is in them, also while they are looked through: no error here.
    return {Path(at) / name for at, _, names in os.walk(root) for name in names}


def test_a_photo_is_seen_by_its_albums_audience_in_three_sizes(
    owner: Client, friend: Client, stranger: Client, homezone: RunningHomezone
) -> None:
    mine = album(owner, "friends")
    one = add(owner, mine, caption="日出江花红胜火", alt="a river")
    everything = homezone.everything()
    shown = friend.get(f"/v1/photos/{one}", at_least=everything).ok(200).json
    assert (shown["caption"], shown["alt"]) == ("日出江花红胜火", "a river")
    assert (shown["width"], shown["height"], shown["format"]) == (64, 48, "jpeg")
    assert "place" not in shown, "what is the owner's alone"
    for size in ("thumb", "screen", "original"):
        content = friend.get(f"/v1/photos/{one}/content", size=size).ok(200)
        assert content.headers["cache-control"] == "private, no-cache"
        decoded = pyvips.Image.new_from_buffer(content.body, "")
        assert (decoded.width, decoded.height) == (64, 48)
    assert ids(friend.walk(f"/v1/spaces/{owner.qq}/albums")) == [mine]
    assert ids(friend.walk(f"/v1/albums/{mine}/photos")) == [one]
    assert ids(friend.walk(f"/v1/spaces/{owner.qq}/photos")) == [one]
    for path in (f"albums/{mine}", f"albums/{mine}/photos", f"photos/{one}",
                 f"photos/{one}/content"):  # fmt: skip
        stranger.get(f"/v1/{path}", at_least=everything).refused(404, "not-found")
    for path in ("albums", "photos"):
        assert stranger.walk(f"/v1/spaces/{owner.qq}/{path}") == []
    stranger.patch(f"/v1/photos/{one}", {"caption": "x"}).refused(404)
    stranger.delete(f"/v1/albums/{mine}").refused(404)
    friend.patch(f"/v1/photos/{one}", {"caption": "x"}).refused(403, "not-yours")
    friend.delete(f"/v1/albums/{mine}").refused(403, "not-yours")


def test_an_audience_holds_for_all_that_is_in_the_album_at_once(
    owner: Client, friend: Client, stranger: Client, homezone: RunningHomezone
) -> None:
    mine = album(owner)
    one = add(owner, mine)
    stranger.get(f"/v1/photos/{one}/content", at_least=homezone.everything()).ok(200)
    for to, seers in (
        ("only_me", {owner}), ("friends", {owner, friend}), ([stranger.qq], {owner, stranger}),
        ("public", {owner, friend, stranger}),
    ):  # fmt: skip
        at = owner.patch(f"/v1/albums/{mine}", {"audience": audience(to)}).ok(200).position
        for viewer in (owner, friend, stranger):
            status = 200 if viewer in seers else 404
            for path in (f"photos/{one}", f"photos/{one}/content", f"albums/{mine}"):
                assert viewer.get(f"/v1/{path}", at_least=at).status == status, (to, path)
            wall = viewer.walk(f"/v1/spaces/{owner.qq}/photos", at_least=at)
            assert ids(wall) == ([one] if viewer in seers else [])
    owner.put(f"/v1/me/blocks/{friend.qq}").ok()
    friend.get(f"/v1/photos/{one}/content").refused(404)
    friend.get(f"/v1/spaces/{owner.qq}/photos").refused(404)


def test_a_moved_photo_is_for_the_other_albums_audience(owner: Client, stranger: Client) -> None:
    shown, hidden = album(owner), album(owner, "only_me")
    one = add(owner, shown)
    two = add(owner, shown, seed=2)
    owner.patch(f"/v1/albums/{shown}", {"cover": one}).ok(200)
    cover = owner.get(f"/v1/albums/{shown}").json
    assert (cover["cover"], cover["photos"]) == (one, 2)
    at = owner.patch(f"/v1/photos/{one}", {"album": hidden}).ok(200).position
    stranger.get(f"/v1/photos/{one}/content", at_least=at).refused(404)
    left = stranger.get(f"/v1/albums/{shown}").json
    assert (left["photos"], left.get("cover")) == (1, None)
    assert ids(stranger.walk(f"/v1/spaces/{owner.qq}/photos")) == [two]
    assert ids(owner.walk(f"/v1/albums/{hidden}/photos")) == [one]
    owner.patch(f"/v1/albums/{shown}", {"cover": one}).refused(422, "no-such-photo")


def test_an_album_is_walked_in_each_of_its_orders(owner: Client) -> None:
    mine = album(owner, sort="own")
    made = [add(owner, mine, seed=seed) for seed in range(5)]
    assert ids(owner.walk(f"/v1/albums/{mine}/photos", limit=2)) == made
    last = owner.get(f"/v1/photos/{made[0]}").json["place"] - 1
    owner.patch(f"/v1/photos/{made[4]}", {"place": last}).ok(200)
    own = [made[4], *made[:4]]
    assert ids(owner.walk(f"/v1/albums/{mine}/photos", limit=2)) == own
    for order, expected in (
        ("newest", made[::-1]), ("oldest", made), ("taken", made), ("own", own),
        ("slideshow", made),
    ):  # fmt: skip
        walked = owner.walk(f"/v1/albums/{mine}/photos", limit=2, order=order)
        assert ids(walked) == expected, order


def test_an_upload_becomes_one_photo_and_bytes_are_released_once(owner: Client) -> None:
    mine, other = album(owner), album(owner)
    body = {"upload": upload(owner, jpeg())}
    first = owner.post(f"/v1/albums/{mine}/photos", body).ok(201).json
    for at in (mine, other):
        assert owner.post(f"/v1/albums/{at}/photos", body).ok(201).json["id"] == first["id"]
    used = owner.get("/v1/me/storage").ok(200).json
    assert used["used"] == used["by_album"][mine] > 0
    assert (used["by_album"][other], used["quota"]) == (0, 3 << 30)
    second = add(owner, mine, seed=2)
    for _ in range(2):
        owner.delete(f"/v1/photos/{second}").ok(200)
    assert owner.get("/v1/me/storage").json == used
    owner.get(f"/v1/photos/{second}/content").refused(404)
    third = add(owner, mine, seed=3)
    owner.patch(f"/v1/photos/{third}", {"album": other}).ok(200)
    for _ in range(2):
        owner.delete(f"/v1/albums/{mine}").ok(200)
    owner.get(f"/v1/photos/{first['id']}").refused(404)
    left = owner.get("/v1/me/storage").json
    assert (left["used"], list(left["by_album"])) == (left["by_album"][other], [other])
    owner.delete(f"/v1/photos/{third}").ok(200)
    assert owner.get("/v1/me/storage").json["used"] == 0


def test_the_bytes_of_what_is_deleted_are_gone(owner: Client, homezone: RunningHomezone) -> None:
    kept, going = album(owner), album(owner)
    before = objects(homezone)
    one, two = add(owner, kept), add(owner, going, seed=2)
    moved = add(owner, going, seed=3)
    assert len(objects(homezone) - before) == 9, "three sizes of each"
    owner.patch(f"/v1/photos/{moved}", {"album": kept}).ok(200)
    for path in (f"photos/{one}", f"albums/{going}"):
        owner.delete(f"/v1/{path}").ok(200)
    assert len(objects(homezone) - before) == 3
    owner.get(f"/v1/photos/{two}/content").refused(404)
    owner.get(f"/v1/photos/{moved}/content").ok(200)


def test_changes_may_be_conditional_on_the_version(owner: Client, friend: Client) -> None:
    mine = album(owner)
    photo = add(owner, mine)
    for path, first, second in (
        (f"/v1/albums/{mine}", {"title": "一"}, {"title": "二"}),
        (f"/v1/photos/{photo}", {"caption": "一"}, {"caption": "二"}),
    ):
        read = owner.get(path).ok(200).headers["etag"]
        assert "etag" not in friend.get(path).ok(200).headers, "others do not count changes"
        stale = {"If-Match": read}
        owner.patch(path, first, headers=stale).ok(200)
        owner.patch(path, second, headers=stale).refused(412, "version-mismatch")
        owner.delete(path, headers=stale).refused(412, "version-mismatch")
        now = owner.get(path).ok(200)
        assert now.headers["etag"] != read
        assert now.json == {**now.json, **first}
        friend.patch(path, second, headers={"If-Match": "*"}).refused(403, "not-yours")
        owner.patch(path, second, headers={"If-Match": now.headers["etag"]}).ok(200)
    before = owner.get(f"/v1/albums/{mine}").headers["etag"]
    add(owner, mine, 2)
    assert owner.get(f"/v1/albums/{mine}").headers["etag"] == before, "what is in it is not it"
    owner.put(f"/v1/me/blocks/{friend.qq}").ok()
    fresh = {"If-Match": owner.get(f"/v1/photos/{photo}").headers["etag"]}
    owner.delete(f"/v1/photos/{photo}", headers=fresh).ok(200)
    owner.delete(f"/v1/photos/{photo}", headers=fresh).ok(200)


def test_photos_added_at_once_are_all_counted(owner: Client, homezone: RunningHomezone) -> None:
    mine = album(owner)
    each = [(homezone.client(owner.qq), upload(owner, jpeg(seed))) for seed in range(6)]
    with ThreadPoolExecutor(6) as pool:
        added = pool.map(
            lambda one: one[0].post(f"/v1/albums/{mine}/photos", {"upload": one[1]}), each
        )
        made = {reply.ok(201).json["id"] for reply in added}
    assert len(made) == 6
    fresh = homezone.everything()
    assert set(ids(owner.walk(f"/v1/albums/{mine}/photos", at_least=fresh))) == made
    assert owner.get(f"/v1/albums/{mine}").json["photos"] == 6
