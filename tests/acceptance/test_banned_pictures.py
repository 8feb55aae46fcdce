"""
A picture that rules ban is held or refused before anybody sees it, however it was turned, where
PDQ is installed; where it is not, that is told.

The hash function is stood in for where it is not installed, so that all the rest is tried anywhere.
"""

import secrets
from uuid import UUID

import pytest

from adapters.pictures.developing import develop, hashes_picture
from commands.pictures import Pictures
from domain.ids import MemberId
from tests.acceptance.processes import run
from tests.acceptance.screened import each, rules
from tests.acceptance.test_albums import add, album, ids, jpeg
from tests.acceptance.test_screening_of_photos import judged, seen
from tests.support.homezone import Client, Reply, RunningHomezone
from tests.support.images import encoded, scene
from tests.support.tus import upload

__all__ = ["each"]

BITS = 256


class Knowing:
    """Pictures as they are, but for their hashes."""

    def __init__(self, pictures: Pictures, hashes: tuple[int, ...]) -> None:
        self._pictures = pictures
        self._hashes = tuple(one.to_bytes(BITS // 8, "big") for one in hashes)

    async def turned(self, _member: MemberId, _upload: UUID) -> tuple[bytes, ...]:
        return self._hashes

    def __getattr__(self, name: str) -> object:
        return getattr(self._pictures, name)


def banning(homezone: RunningHomezone, wanted: int, action: str) -> None:
    """From now on pictures like that one are acted on."""
    rule = {
        "id": "p",
        "match": {"image": f"{wanted:064x}"},
        "action": action,
        "category": "made-up",
    }
    rules(homezone, "pictures", [rule]).ok(200)


def altered(wanted: int, bits: int) -> int:
    """The hash with so many bits other ones."""
    for bit in secrets.SystemRandom().sample(range(BITS), bits):
        wanted ^= 1 << bit
    return wanted


def adding(homezone: RunningHomezone, patch: pytest.MonkeyPatch, owner: Client, hash: int) -> Reply:
    """Add a photo whose hash is that one in one of its turns, to an album of its own."""
    turns = [secrets.randbits(BITS) for _ in range(8)]
    turns[5] = hash
    services = homezone.homezone.services
    with patch.context() as known:
        known.setattr(services, "pictures", Knowing(services.pictures, tuple(turns)))
        body = {"upload": upload(owner, jpeg(31))}
        return owner.post(f"/v1/albums/{album(owner)}/photos", body)


def test_a_banned_picture_is_refused_and_nobody_sees_it(
    each: RunningHomezone, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, other = each.members(2)
    wanted = secrets.randbits(BITS)
    banning(each, wanted, "block")
    for bits in (0, 31):
        adding(each, monkeypatch, owner, altered(wanted, bits)).refused(422, "not-published")
    for viewer in (owner, other):
        assert viewer.walk(f"/v1/spaces/{owner.qq}/photos", at_least=each.everything()) == []
    assert owner.get("/v1/me/storage").json["used"] == 0
    one = adding(each, monkeypatch, owner, altered(wanted, 32)).ok(201)
    assert ids(other.walk(f"/v1/spaces/{owner.qq}/photos", at_least=one.position)) == [
        one.json["id"]
    ], "that is another picture"


def test_a_picture_that_may_be_banned_waits_until_somebody_has_looked(
    each: RunningHomezone, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, other = each.members(2)
    wanted = secrets.randbits(BITS)
    banning(each, wanted, "hold")
    held = adding(each, monkeypatch, owner, altered(wanted, 31)).ok(201)
    photo = held.json["id"]
    assert held.json["state"] == "held"
    mine = owner.get(f"/v1/photos/{photo}", at_least=held.position).ok(200).json["album"]
    assert seen(other, photo, mine, held.position) == []
    post = {"kind": "shuoshuo", "text": "看", "audience": {"to": "public"}, "images": [photo]}
    owner.post("/v1/posts", post).refused(409, "not-published-yet")
    judged(each, photo, held.position, "approve")
    assert seen(other, photo, mine, each.everything())


@pytest.mark.skipif(not hashes_picture(), reason="pdqhash is not installed")
def test_a_banned_jpeg_is_known_however_it_was_turned_and_saved(each: RunningHomezone) -> None:
    owner = each.member()
    picture = scene()
    (wanted, *_) = develop(encoded("jpeg", picture)).hashes
    banning(each, int.from_bytes(wanted, "big"), "block")
    for other in (picture, picture.rot90(), picture.fliphor().resize(0.5)):
        body = {"upload": upload(owner, encoded("jpeg", other, Q=80))}
        owner.post(f"/v1/albums/{album(owner)}/photos", body).refused(422, "not-published")
    add(owner, album(owner), 32)


@pytest.mark.skipif(hashes_picture(), reason="pdqhash is installed")
def test_without_pdq_pictures_are_not_compared_and_that_is_told(each: RunningHomezone) -> None:
    owner, other = each.members(2)
    banning(each, secrets.randbits(BITS), "block")
    mine = album(owner)
    photo = add(owner, mine, 33)
    assert seen(other, photo, mine, each.everything())
    inner = each.homezone
    where = ("--data-dir", str(inner.settings.data_dir), "--database-url", inner.database_url)
    told = run("status", *where)
    assert "not compared with banned pictures, since pdqhash is not installed" in told.stdout
