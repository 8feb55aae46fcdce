"""
Images of posts: one's own photos, shown to whoever sees the post, as long as they are there.
"""

from typing import Any

import pytest

from tests.acceptance.test_albums import add, album, jpeg
from tests.support.homezone import Client, Reply, RunningHomezone
from tests.support.tus import upload


@pytest.fixture
def owner(homezone: RunningHomezone) -> Client:
    return homezone.member()


@pytest.fixture
def reader(homezone: RunningHomezone) -> Client:
    return homezone.member()


def publish(author: Client, images: list[str], to: str = "public") -> Reply:
    body = {"kind": "shuoshuo", "text": "看图", "audience": {"to": to}, "images": images}
    return author.post("/v1/posts", body)


def images(member: Client, post: str, homezone: RunningHomezone) -> list[Any]:
    read = member.get(f"/v1/posts/{post}", at_least=homezone.everything()).ok(200).json
    found: list[Any] = read.get("images", [])
    return found


def test_a_post_shows_photos_of_a_hidden_album_in_three_sizes(
    homezone: RunningHomezone, owner: Client, reader: Client
) -> None:
    hidden = album(owner, "only_me")
    one, other = add(owner, hidden, 1, alt="a river"), add(owner, hidden, 2)
    post = publish(owner, [other, one, other]).ok(201).json["id"]
    shown = images(reader, post, homezone)
    assert [image["id"] for image in shown] == [other, one], "each once, in their order"
    assert shown[1]["alt"] == "a river"
    for size in ("thumb", "screen", "original"):
        file = shown[0][size]
        bytes_ = reader.get(file["url"]).ok(200)
        assert bytes_.headers["content-type"] == f"image/{file['format']}"
        assert bytes_.headers["cache-control"] == "private, no-cache"
        assert (file["width"], file["height"]) == (64, 48)
    reader.get(f"/v1/photos/{one}/content").refused(404)
    reader.get(f"/v1/photos/{one}").refused(404)


def test_images_are_ones_own_and_there(
    homezone: RunningHomezone, owner: Client, reader: Client
) -> None:
    mine, theirs = add(owner, album(owner), 3), add(reader, album(reader), 4)
    for photo in (theirs, "00000000-0000-8000-8000-000000000000", album(owner)):
        refused = publish(owner, [mine, photo]).refused(422, "no-such-image")
        assert refused.fields == ["/images/1"]
    owner.delete(f"/v1/photos/{mine}").ok()
    publish(owner, [mine]).refused(422, "no-such-image")
    publish(owner, [mine] * 10).refused(422, "out-of-bounds")


def test_a_photo_that_is_deleted_is_gone_from_the_post_at_once(
    homezone: RunningHomezone, owner: Client, reader: Client
) -> None:
    mine = album(owner)
    one, other = add(owner, mine, 5), add(owner, mine, 6)
    post = publish(owner, [one, other]).ok(201).json["id"]
    share = reader.share(post).ok(201).json["id"]
    (url, _) = [image["thumb"]["url"] for image in images(reader, post, homezone)]
    shared = reader.get(f"/v1/posts/{share}").json["share"]
    assert [image["id"] for image in shared["images"]] == [one, other]
    owner.delete(f"/v1/photos/{one}").ok()
    for member in (owner, reader):
        read = member.get(f"/v1/posts/{post}").json
        assert [image["id"] for image in read["images"]] == [other]
        member.get(url).refused(404)
    owner.patch(f"/v1/posts/{post}", {"images": []}).ok(200)
    assert images(reader, post, homezone) == []


def test_an_album_that_is_deleted_takes_its_photos_out_of_posts(
    homezone: RunningHomezone, owner: Client, reader: Client
) -> None:
    going, staying = album(owner), album(owner)
    one, other = add(owner, going, 9), add(owner, staying, 10)
    post = publish(owner, [one, other]).ok(201).json["id"]
    (url, _) = [image["thumb"]["url"] for image in images(reader, post, homezone)]
    owner.delete(f"/v1/albums/{going}").ok()
    for member in (owner, reader):
        read = member.get(f"/v1/posts/{post}").json
        assert [image["id"] for image in read["images"]] == [other]
        member.get(url).refused(404)
    publish(owner, [one]).refused(422, "no-such-image")


def test_a_photo_keeps_its_location_with_consent_alone(owner: Client) -> None:
    path = f"/v1/albums/{album(owner)}/photos"
    body = {"upload": upload(owner, jpeg(8)), "keep_location": True}
    refused = owner.post(path, body).refused(403, "consent-missing")
    assert refused.fields == ["/keep_location"]
    owner.patch("/v1/me", {"location_consent": True}).ok(200)
    owner.post(path, body).ok(201)


def test_the_posts_gate_is_asked_each_time(
    homezone: RunningHomezone, owner: Client, reader: Client
) -> None:
    photo = add(owner, album(owner, "only_me"), 7)
    post = publish(owner, [photo]).ok(201).json["id"]
    bare = owner.publish().json["id"]
    url = images(reader, post, homezone)[0]["screen"]["url"]
    reader.get(url).ok(200)
    reader.get(f"/v1/photos/{photo}/content", post=bare).refused(404)
    owner.put(f"/v1/posts/{post}/audience", {"to": "friends"}).ok()
    reader.get(url).refused(404)
    owner.get(url).ok(200)
    owner.put(f"/v1/posts/{post}/audience", {"to": "public"}).ok()
    reader.get(url).ok(200)
    owner.put(f"/v1/me/blocks/{reader.qq}").ok()
    reader.get(url).refused(404)
