"""
Home pages over HTTP: arranged, renamed, and for whom each section is.
"""

from typing import Any

from tests.acceptance.screened import FLAGGED, HELD, REFUSED, each, events
from tests.acceptance.test_albums import add, album
from tests.acceptance.test_boards import arrange, write
from tests.acceptance.test_visits import page, visit
from tests.support.homezone import Client, RunningHomezone
from tests.support.waiting import eventually

__all__ = ["each"]


def modules(viewer: Client, owner: Client) -> list[Any]:
    """What a page is made of: modules, and pairs where one has another name than the house's."""
    shown = page(viewer, owner)["modules"]
    return [(one["module"], one["name"]) if "name" in one else one["module"] for one in shown]


def test_a_page_is_arranged_hidden_added_to_and_renamed(each: RunningHomezone) -> None:
    owner, viewer = each.members(2)
    assert modules(viewer, owner) == ["profile", "posts", "albums", "visitors", "messages"]
    done = arrange(owner, modules=["messages", "posts", "badges"], names={"posts": "碎碎念"}).ok(
        200
    )
    assert modules(viewer, owner) == ["messages", ("posts", "碎碎念"), "badges"]
    assert done.json["position"] == owner.get("/v1/me/space").ok(200).json["position"]
    arrange(owner, names={"messages": "踩踩"}).ok(200)
    arrange(owner, names={"posts": None}).ok(200)
    assert modules(viewer, owner) == [("messages", "踩踩"), "posts", "badges"]
    same = arrange(owner, modules=["messages", "posts", "badges"]).ok(200)
    assert arrange(owner, modules=["messages", "posts", "badges"]).ok(200).position == same.position
    arrange(owner, modules=["posts", "posts"]).refused(422, "module-twice")
    owner.patch("/v1/me/space/decoration", {"layout": "simple"}).ok(200)
    assert modules(viewer, owner) == ["profile", "posts"]


def test_the_default_look_restores_the_modules_and_opens_nothing(each: RunningHomezone) -> None:
    owner, viewer = each.members(2)
    arrange(owner, modules=["posts"], names={"posts": "碎碎念"}, privacy={"posts": "only_me"}).ok(
        200
    )
    owner.delete("/v1/me/space/decoration").ok(200)
    expected = ["profile", ("posts", "碎碎念"), "albums", "visitors", "messages"]
    assert modules(owner, owner) == expected
    assert modules(viewer, owner) == [one for one in expected if one != ("posts", "碎碎念")]


def test_a_section_is_there_for_whom_it_is(each: RunningHomezone) -> None:
    owner, friend, stranger = each.members(3)
    owner.befriend(friend)
    owner.publish("for all")
    visit(friend, owner).ok(201)
    write(friend, owner, "hello").ok(201)
    shut = dict.fromkeys(("posts", "visitors", "messages", "albums"), "friends")
    arrange(owner, privacy=shut).ok(200)
    for viewer in (owner, friend):
        shown = page(viewer, owner)
        assert [post["text"] for post in shown["posts"]] == ["for all"]
        assert shown["visits"]["total"] == len(shown["visitors"]) == len(shown["messages"]) == 1
        assert len(viewer.walk(f"/v1/spaces/{owner.qq}/posts")) == 1
    shown = page(stranger, owner)
    assert shown["posts"] == []
    assert not {"visits", "visitors", "messages"} & set(shown)
    assert modules(stranger, owner) == ["profile"]
    assert stranger.walk(f"/v1/spaces/{owner.qq}/posts") == []
    assert stranger.walk(f"/v1/spaces/{owner.qq}/timeline") == []
    arrange(owner, privacy={"visitors": "only_me", "posts": "public"}).ok(200)
    assert "visits" not in page(friend, owner)
    assert page(owner, owner)["visits"]["total"] == 1
    assert len(stranger.walk(f"/v1/spaces/{owner.qq}/posts")) == 1
    settings = owner.get("/v1/me/space").ok(200).json
    assert settings["privacy"] == {
        **dict.fromkeys(("posts", "friends", "badges"), "public"),
        **dict.fromkeys(("messages", "albums"), "friends"),
        "visitors": "only_me",
    }
    stranger.put(f"/v1/me/blocks/{owner.qq}").ok()
    assert not {"visits", "visitors", "messages"} & set(page(stranger, owner))


def test_albums_photos_and_badges_are_for_whom_their_sections_are(each: RunningHomezone) -> None:
    owner, friend, stranger = each.members(3)
    owner.befriend(friend)
    owner.publish("first")
    mine = album(owner)
    photo = add(owner, mine)
    at_least = each.everything()

    def shown(viewer: Client) -> list[int]:
        """How many albums, photos and badges there are for somebody."""
        return [
            len(
                viewer.get(f"/v1/spaces/{owner.qq}/{what}", at_least=at_least).ok(200).json["items"]
            )
            for what in ("albums", "photos", "badges")
        ]

    eventually(lambda: shown(stranger) == [1, 1, 2])
    arrange(owner, privacy={"albums": "friends", "badges": "only_me"}).ok(200)
    assert shown(stranger) == [0, 0, 0]
    assert shown(friend) == [1, 1, 0]
    assert shown(owner) == [1, 1, 2]
    stranger.get(f"/v1/photos/{photo}").ok(200)  # who has it by its album sees it, as with posts


def test_no_list_tells_of_a_section_that_is_for_friends(each: RunningHomezone) -> None:
    """One section after the other, at its own address and wherever else it shows."""
    owner, friend, stranger = each.members(3)
    owner.befriend(friend)
    owner.publish()
    write(friend, owner, "hello").ok(201)
    visit(friend, owner).ok(201)
    add(owner, album(owner))
    space, at_least = f"/v1/spaces/{owner.qq}", each.everything()
    eventually(lambda: len(stranger.get(f"{space}/badges").ok(200).json["items"]) == 2)
    lists = {
        "posts": ("posts", "timeline"), "albums": ("albums", "photos"), "badges": ("badges",),
        "messages": ("messages",),
    }  # fmt: skip
    for section, paths in lists.items():
        arrange(owner, privacy={section: "friends"}).ok(200)
        for path in paths:
            shown = friend.get(f"{space}/{path}", at_least=at_least).ok(200)
            assert shown.json["items"], (section, path)
            hidden = stranger.get(f"{space}/{path}", at_least=at_least)
            if section == "messages":
                hidden.refused(404, "not-found")
                write(stranger, owner, "anyone?").refused(404, "not-found")
            else:
                assert hidden.ok(200).json["items"] == [], (section, path)
        arrange(owner, privacy={section: "public"}).ok(200)
    deeds = [one["kind"] for one in stranger.walk(f"{space}/timeline")]
    assert sorted(deeds) == ["album", "photo", "post"]
    arrange(owner, privacy={"albums": "friends"}).ok(200)
    assert [one["kind"] for one in stranger.walk(f"{space}/timeline")] == ["post"]
    arrange(owner, privacy={"visitors": "friends"}).ok(200)
    assert not {"visits", "visitors"} & set(page(stranger, owner))
    assert {"visits", "visitors"} <= set(page(friend, owner))
    # Friends of others are listed to nobody: that section is a module alone.
    arrange(owner, modules=["friends", "posts"], privacy={"friends": "friends"}).ok(200)
    assert modules(stranger, owner) == ["posts"]
    assert modules(friend, owner) == ["friends", "posts"]


def test_names_are_screened(each: RunningHomezone) -> None:
    owner, viewer = each.members(2)
    for word in (REFUSED, HELD):
        refused = arrange(owner, names={"posts": word}, privacy={"posts": "friends"})
        refused.refused(422, "not-published")
    assert modules(viewer, owner)[1] == "posts", "and nothing else of it was done"
    arrange(owner, names={"posts": FLAGGED}).ok(200)
    assert modules(viewer, owner)[1] == ("posts", FLAGGED)
    arrange(owner, names={"posts": "x" * 21}).refused(422)
    found = each.client(10_011, "auditor").get(
        "/v1/audit/events", owner=owner.qq, type="home.names_refused.v1"
    )
    kept = found.ok(200).json["items"]
    assert len(kept) == 2
    assert events(each, kept[0]["stream"])[0]["type"] == "home.names_refused.v1"
