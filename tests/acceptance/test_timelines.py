"""
Timelines over HTTP: everything a member did, by month, as far as whoever looks may know of it.
"""

from collections.abc import Mapping
from typing import Any

from tests.acceptance.screened import HELD, each
from tests.acceptance.test_albums import add, album
from tests.acceptance.test_boards import arrange, write
from tests.acceptance.test_polls import ask, vote
from tests.acceptance.test_screening_of_photos import judged
from tests.support.homezone import Client, RunningHomezone

__all__ = ["each"]

Deed = tuple[str, str]


def deeds(viewer: Client, owner: Client, at: str, **query: Any) -> list[Deed]:
    """What a member did, as somebody is told: kinds, and ids of what each is about."""
    path = f"/v1/spaces/{owner.qq}/timeline"
    return [_deed(item) for item in viewer.walk(path, at_least=at, limit=3, **query)]


def _deed(item: Mapping[str, Any]) -> Deed:
    about = "post" if item["kind"] in ("comment", "like", "vote") else item["kind"]
    return item["kind"], item[about]["id"]


def test_a_timeline_has_all_that_a_member_did(each: RunningHomezone) -> None:
    owner, friend, host = each.members(3)
    owner.befriend(friend)
    post = owner.publish("床前明月光").json["id"]
    liked = host.publish().json["id"]
    poll = ask(host)
    owner.put(f"/v1/posts/{liked}/like").ok()
    owner.comment(liked).ok()
    vote(owner, poll, 1).ok()
    message = write(owner, host, "踩踩").ok(201).json["id"]
    write(host, owner, "回踩").ok(201)
    mine = album(owner)
    photo = add(owner, mine, caption="日出")
    vote(owner, poll, 0).ok()
    at = each.everything()

    others = [
        ("photo", photo), ("album", mine), ("message", message), ("comment", liked),
        ("like", liked), ("post", post),
    ]  # fmt: skip
    assert deeds(friend, owner, at) == others, "who votes is told to nobody"
    assert deeds(owner, owner, at) == [*others[:3], ("vote", poll), *others[3:]]
    items = friend.walk(f"/v1/spaces/{owner.qq}/timeline")
    assert items[0]["photo"]["caption"] == "日出"
    assert (items[2]["message"]["text"], items[2]["board"]["qq"]) == ("踩踩", host.qq)
    month = items[0]["month"]
    assert deeds(friend, owner, at, month=month) == others
    assert deeds(friend, owner, at, month="2001-01") == []


def test_each_deed_passes_its_own_gates(each: RunningHomezone) -> None:
    owner, friend, host, stranger = each.members(4)
    owner.befriend(friend)
    message = write(owner, host, "踩踩").ok(201).json["id"]
    mine = album(owner, "friends")
    photo = add(owner, mine)
    at = each.everything()
    everything = [("photo", photo), ("album", mine), ("message", message)]
    assert deeds(owner, owner, at) == deeds(friend, owner, at) == everything
    assert deeds(stranger, owner, at) == everything[2:]

    arrange(host, privacy={"messages": "friends"}).ok(200)
    assert deeds(stranger, owner, at) == [], "a message is on its board"
    assert deeds(owner, owner, at) == everything[:2]
    arrange(host, privacy={"messages": "public"}).ok(200)
    stranger.put(f"/v1/me/blocks/{host.qq}").ok()
    assert deeds(stranger, owner, at) == []
    arrange(owner, privacy={"albums": "only_me"}).ok(200)
    assert deeds(friend, owner, at) == everything[2:]
    arrange(owner, privacy={"albums": "public", "posts": "only_me"}).ok(200)
    assert deeds(friend, owner, at) == []
    assert deeds(owner, owner, at) == everything
    arrange(owner, privacy={"posts": "public"}).ok(200)

    owner.delete(f"/v1/photos/{photo}").ok()
    owner.delete(f"/v1/messages/{message}").ok()
    at = each.everything()
    assert deeds(friend, owner, at) == [("album", mine)]
    at = owner.delete(f"/v1/albums/{mine}").ok().position
    assert deeds(owner, owner, at) == []


def test_what_waits_is_in_its_authors_timeline_alone(each: RunningHomezone) -> None:
    owner, other = each.members(2)
    message = write(owner, other, f"oh {HELD}").ok(201).json["id"]
    mine = album(owner, title=f"the {HELD}")
    at = each.everything()
    assert deeds(owner, owner, at) == [("album", mine), ("message", message)]
    assert deeds(other, owner, at) == []
    judged(each, message, at, "approve")
    at = each.everything()
    assert deeds(other, owner, at) == [("message", message)]
    assert deeds(owner, owner, at) == [("message", message), ("album", mine)]


def test_a_walk_meets_each_deed_once_whatever_comes_meanwhile(each: RunningHomezone) -> None:
    owner, host = each.members(2)
    mine = album(owner)
    expected = [("album", mine)]
    for number in range(4):
        expected.append(("photo", add(owner, mine, seed=number + 1)))
        expected.append(("message", write(owner, host, f"踩 {number}").ok(201).json["id"]))
    at, met = each.everything(), list[Deed]()
    cursor: str | None = None
    while True:
        where: dict[str, str] = {"cursor": cursor} if cursor else {}
        page = host.get(f"/v1/spaces/{owner.qq}/timeline", at_least=at, limit=2, **where).ok(200)
        met += [_deed(item) for item in page.json["items"]]
        if (cursor := page.json["next"]) is None:
            break
        add(owner, mine, seed=99)
        at = each.everything()
    assert met == expected[::-1]
