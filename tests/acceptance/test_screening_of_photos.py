"""
Titles, captions and alternative texts are screened as posts are, and pictures against those that
are banned; what is taken down is put back exactly.
"""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.acceptance.moderation.asking import decide, staff
from tests.acceptance.screened import HELD, REFUSED, each
from tests.acceptance.test_albums import add, album, ids, jpeg
from tests.support.homezone import Client, RunningHomezone
from tests.support.tus import upload

__all__ = ["each"]

FIELDS = [pytest.param("caption", id="caption"), pytest.param("alt", id="alternative text")]


def case_of(moderator: Client, subject: str, at: str) -> str:
    """The claimed case about something."""
    listed = moderator.walk("/v1/moderation/cases", limit=100, at_least=at)
    (case,) = [one["id"] for one in listed if one["subject"]["id"] == subject]
    moderator.post(f"/v1/moderation/cases/{case}/claim").ok(200)
    return str(case)


def judged(homezone: RunningHomezone, subject: str, at: str, verdict: str) -> None:
    """Somebody decides it."""
    moderator = staff(homezone)
    decide(moderator, case_of(moderator, subject, at), verdict).ok(201)


def seen(viewer: Client, photo: str, mine: str, at: str) -> list[Any]:
    """A photo wherever it may show; nothing at all where it does not."""
    one = viewer.get(f"/v1/photos/{photo}", at_least=at)
    content = viewer.get(f"/v1/photos/{photo}/content")
    listed = viewer.walk(f"/v1/albums/{mine}/photos")
    assert {one.status, content.status} in ({200}, {404})
    assert (photo in ids(listed)) is (one.status == 200)
    return [one.json, content.body, listed] if one.status == 200 else []


@pytest.mark.parametrize("field", FIELDS)
def test_words_that_rules_hold_keep_the_photo_for_its_owner(
    each: RunningHomezone, field: str
) -> None:
    owner, other = each.members(2)
    mine = album(owner)
    body = {"upload": upload(owner, jpeg()), field: REFUSED}
    owner.post(f"/v1/albums/{mine}/photos", body).refused(422, "not-published")
    held = owner.post(f"/v1/albums/{mine}/photos", {**body, field: f"oh {HELD}"}).ok(201)
    photo, at = held.json["id"], held.position
    assert held.json["state"] == "held"
    assert seen(other, photo, mine, at) == []
    assert other.get(f"/v1/albums/{mine}").json["photos"] == 0
    assert seen(owner, photo, mine, at)[0]["state"] == "held"
    assert owner.get(f"/v1/albums/{mine}").json["photos"] == 1
    judged(each, photo, at, "approve")
    assert seen(other, photo, mine, each.everything())[0][field] == f"oh {HELD}"
    assert other.get(f"/v1/albums/{mine}").json["photos"] == 1


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_other_words_wait_and_those_before_are_seen(each: RunningHomezone, verdict: str) -> None:
    owner, other = each.members(2)
    mine = album(owner)
    photo = add(owner, mine, caption="plain")
    owner.patch(f"/v1/photos/{photo}", {"caption": REFUSED}).refused(422, "not-published")
    at = owner.patch(f"/v1/photos/{photo}", {"caption": HELD}).ok(200).position
    for viewer, waits in ((owner, HELD), (other, None)):
        shown = viewer.get(f"/v1/photos/{photo}", at_least=at).json
        assert (shown["caption"], shown.get("words_state") is not None) == ("plain", waits == HELD)
    judged(each, photo, at, verdict)
    shown = other.get(f"/v1/photos/{photo}", at_least=each.everything()).json
    assert shown["caption"] == (HELD if verdict == "approve" else "plain")


def test_a_photo_is_reported_taken_down_and_put_back_exactly(each: RunningHomezone) -> None:
    owner, other = each.members(2)
    mine = album(owner)
    photo = add(owner, mine, caption="plain", alt="a field")
    before = seen(other, photo, mine, each.everything())
    used = owner.get("/v1/me/storage").json
    report = {"subject": {"kind": "photo", "id": photo}, "category": "spam"}
    at = other.post("/v1/reports", report).ok(201).position
    moderator = staff(each)
    case = case_of(moderator, photo, at)
    decide(moderator, case, "unpublish").ok(201)
    for viewer in (owner, other):
        assert seen(viewer, photo, mine, each.everything()) == []
        assert viewer.get(f"/v1/albums/{mine}").json["photos"] == 0
    owner.delete(f"/v1/photos/{photo}").refused(404)
    owner.patch(f"/v1/albums/{mine}", {"cover": photo}).refused(422, "no-such-photo")
    other.post("/v1/reports", report).refused(404)
    assert owner.get("/v1/me/storage").json == used, "it may be put back"
    told = owner.walk("/v1/me/decisions")[0]
    at = owner.post("/v1/appeals", {"decision": told["id"], "statement": "no"}).ok(201).position
    judged(each, photo, at, "restore")
    assert seen(other, photo, mine, each.everything()) == before


def test_what_was_decided_of_a_photo_is_stated_as_of_when_it_was_uploaded(
    each: RunningHomezone,
) -> None:
    owner, moderator = each.member(), staff(each)
    photo = add(owner, album(owner))
    opened = {"subject": {"kind": "photo", "id": photo}}
    case = moderator.post("/v1/moderation/cases", opened).ok(201).json["id"]
    moderator.post(f"/v1/moderation/cases/{case}/claim").ok(200)
    decided = decide(moderator, case, "unpublish").ok(201).json["id"]
    lines = staff(each, "compliance").get("/v1/moderation/decisions.ndjson").ok(200).body
    stated = [json.loads(line) for line in lines.splitlines()]
    (one,) = [one for one in stated if one["puid"] == decided]
    assert one["content_type"] == ["CONTENT_TYPE_IMAGE"]
    assert one["content_date"] == datetime.now(UTC).date().isoformat()
    assert "photo" in one["decision_facts"]


def test_an_album_is_taken_down_with_all_that_is_in_it(each: RunningHomezone) -> None:
    owner, other = each.members(2)
    owner.post("/v1/albums", {"title": REFUSED, "audience": {"to": "public"}}).refused(422)
    mine = album(owner)
    photo = add(owner, mine)
    owner.patch(f"/v1/albums/{mine}", {"title": HELD}).ok(200)
    shown = other.get(f"/v1/albums/{mine}", at_least=each.everything()).json
    assert shown["title"] == "江南春"
    report = {"subject": {"kind": "album", "id": mine}, "category": "spam"}
    at = other.post("/v1/reports", report).ok(201).position
    moderator = staff(each)
    case = case_of(moderator, mine, at)
    decide(moderator, case, "unpublish").ok(201)
    fresh = each.everything()
    for viewer in (owner, other):
        for path in (f"albums/{mine}", f"albums/{mine}/photos", f"photos/{photo}",
                     f"photos/{photo}/content"):  # fmt: skip
            viewer.get(f"/v1/{path}", at_least=fresh).refused(404)
        for path in ("albums", "photos"):
            assert viewer.walk(f"/v1/spaces/{owner.qq}/{path}") == []
    told = owner.walk("/v1/me/decisions")[0]
    at = owner.post("/v1/appeals", {"decision": told["id"], "statement": "no"}).ok(201).position
    judged(each, mine, at, "restore")
    assert ids(other.walk(f"/v1/albums/{mine}/photos", at_least=each.everything())) == [photo]
    again = other.get(f"/v1/albums/{mine}").json
    assert again == {**shown, "photos": 1}


def test_a_title_that_rules_hold_keeps_the_album_for_its_owner(each: RunningHomezone) -> None:
    owner, other = each.members(2)
    body = {"title": f"oh {HELD}", "audience": {"to": "public"}}
    held = owner.post("/v1/albums", body).ok(201)
    mine = held.json["id"]
    assert held.json["state"] == "held"
    photo = add(owner, mine)
    fresh = each.everything()
    for path in (f"albums/{mine}", f"photos/{photo}", f"photos/{photo}/content"):
        other.get(f"/v1/{path}", at_least=fresh).refused(404)
        owner.get(f"/v1/{path}", at_least=fresh).ok(200)
    judged(each, mine, held.position, "approve")
    assert (
        other.get(f"/v1/albums/{mine}", at_least=each.everything()).json["title"] == body["title"]
    )
    other.get(f"/v1/photos/{photo}/content").ok(200)


PURPOSE = {"Homezone-Purpose": "to decide this case"}


def looked(moderator: Client, case: str, photo: str, **query: str) -> Any:
    """What somebody of staff who says what for gets to see."""
    asked = urlencode({"photo": photo, **query})
    path = f"/v1/moderation/cases/{case}/content?{asked}"
    return moderator.request("GET", path, headers=PURPOSE)


def test_who_decides_sees_the_picture_and_that_is_recorded(each: RunningHomezone) -> None:
    owner, other = each.members(2)
    mine = album(owner)
    body = {"upload": upload(owner, jpeg(7)), "caption": HELD}
    held = owner.post(f"/v1/albums/{mine}/photos", body).ok(201)
    photo = held.json["id"]
    moderator = staff(each)
    case = case_of(moderator, photo, held.position)
    path = f"/v1/moderation/cases/{case}/content"
    moderator.get(path, photo=photo).refused(403, "purpose-required")
    assert looked(other, case, photo).status == 403
    original = owner.get(f"/v1/photos/{photo}/content", size="original").ok(200).body
    assert looked(moderator, case, photo, size="original").ok(200).body == original
    assert looked(moderator, case, photo).headers["cache-control"] == "private, no-cache"
    auditor, which = each.client(10_011, "auditor"), "disclosure.read.v1"
    events = auditor.walk("/v1/audit/events", type=which, at_least=each.everything())
    told = [one["data"] for one in events if photo in one["data"]["streams"]]
    assert [one["surface"] for one in told] == ["inspect_photo"] * 2
    decide(moderator, case, "reject").ok(201)
    assert looked(moderator, case, photo).status == 200, "an appeal may come"
    assert owner.get(f"/v1/photos/{photo}").status == 404


def test_a_case_opens_no_other_picture(each: RunningHomezone) -> None:
    owner, other = each.members(2)
    mine, elsewhere = album(owner), album(owner)
    inside, shown, neither = add(owner, mine, 1), add(owner, elsewhere, 2), add(owner, elsewhere, 3)
    theirs = add(other, album(other), 4)
    body = {"kind": "shuoshuo", "text": "看", "audience": {"to": "public"}, "images": [shown]}
    post = owner.post("/v1/posts", body).ok(201).json["id"]
    moderator = staff(each)
    for kind, subject, photo in (("album", mine, inside), ("post", post, shown)):
        said = {"subject": {"kind": kind, "id": subject}, "category": "spam"}
        at = other.post("/v1/reports", said).ok(201).position
        case = case_of(moderator, subject, at)
        assert looked(moderator, case, photo).status == 200
        for no in {inside, shown, neither, theirs, mine, subject} - {photo}:
            assert looked(moderator, case, no).status == 404
    owner.delete(f"/v1/photos/{shown}").ok(200)
    assert looked(moderator, case, shown).status == 404


def test_what_was_taken_down_is_not_published_by_adding_it_again(each: RunningHomezone) -> None:
    owner, other = each.members(2)
    mine, body = album(owner), {"upload": upload(owner, jpeg(9))}
    photo = owner.post(f"/v1/albums/{mine}/photos", body).ok(201).json["id"]
    said = {"subject": {"kind": "photo", "id": photo}, "category": "spam"}
    at = other.post("/v1/reports", said).ok(201).position
    judged(each, photo, at, "unpublish")
    again = owner.post(f"/v1/albums/{mine}/photos", body).ok(201).json
    assert (again["id"], again["state"]) == (photo, "taken_down")
    assert seen(other, photo, mine, each.everything()) == []
