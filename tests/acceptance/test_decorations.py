"""
The look of a space over HTTP, and what becomes of it when what it needs lapses.
"""

from datetime import timedelta
from typing import Any

from tests.acceptance.conftest import Moved
from tests.acceptance.test_memberships import have
from tests.acceptance.test_money import buy, item, refund, rich
from tests.support.homezone import Client, Reply, RunningHomezone
from tests.support.waiting import eventually

BAMBOO = {"from": "house", "name": "bamboo"}
AURORA = {"from": "house", "name": "aurora"}


def dress(member: Client, **changes: Any) -> Reply:
    """Change the look of a space."""
    return member.patch("/v1/me/space/decoration", changes)


def worn(order: str) -> dict[str, str]:
    """What an order brought."""
    return {"from": "order", "order": order}


def look(viewer: Client, owner: Client) -> dict[str, Any]:
    """How a space shows to somebody."""
    shown: dict[str, Any] = viewer.get(f"/v1/spaces/{owner.qq}").ok(200).json["look"]
    return shown


def mine(member: Client) -> dict[str, Any]:
    """What a member chose, and what shows."""
    shown: dict[str, Any] = member.get("/v1/me/space/decoration").ok(200).json
    return shown


def test_a_space_shows_what_its_owner_chose(homezone: RunningHomezone) -> None:
    member, viewer = homezone.members(2)
    plain = look(viewer, member)
    assert (plain["theme"], plain["wide"], plain["transparency"]) == (None, False, 0)
    dressed = dress(member, theme=BAMBOO, wide=True, modules=["posts", "profile"]).ok(200)
    seen = look(viewer, member)
    assert (seen["theme"], seen["wide"], seen["modules"]) == (BAMBOO, True, ["posts", "profile"])
    assert mine(member)["position"] == dressed.position
    assert dress(member, theme=BAMBOO).ok(200).position == dressed.position
    dress(member, layout="simple", transparency=2).ok(200)
    seen = look(viewer, member)
    assert (seen["theme"], seen["wide"], seen["transparency"]) == (BAMBOO, False, 2)
    dress(member, theme=None).ok(200)
    assert look(viewer, member)["theme"] is None
    member.delete("/v1/me/space/decoration").ok(200)
    assert look(viewer, member) == plain
    member.delete("/v1/me/space/decoration").ok(200)


def test_what_cannot_be_worn_is_said_so(homezone: RunningHomezone) -> None:
    member, other = homezone.member(), rich(homezone)
    assert dress(member, background=AURORA).refused(403, "not-entitled").fields == ["/background"]
    nothing = {"from": "house", "name": "nothing"}
    assert dress(member, theme=nothing).refused(422, "no-such-look").fields == ["/theme"]
    order = buy(other, item(homezone, 1)).ok(201).json["id"]
    dress(member, theme=worn(order)).refused(403, "not-entitled")
    dress(other, background=worn(order)).refused(403, "not-entitled")
    dress(member, theme=worn("01a210c8-e698-8fff-9999-821e138dda71")).refused(403, "not-entitled")
    dress(member, modules=["posts", "posts"]).refused(422, "module-twice")
    for bad in ({"transparency": 3}, {"theme": "bamboo"}, {"modules": ["x"]}, {"hat": None}):
        assert dress(member, **bad).status in (400, 422)
    assert mine(member)["look"] == mine(member)["shown"]


def test_an_item_is_worn_until_it_is_taken_back(homezone: RunningHomezone) -> None:
    member, viewer = rich(homezone), homezone.member()
    order = buy(member, item(homezone, 5)).ok(201).json["id"]
    spare = buy(member, item(homezone, 5)).ok(201).json["id"]
    dress(member, theme=worn(order)).ok(200)
    assert look(viewer, member)["theme"] == worn(order)
    used = {one["order"]: one.get("in_use", False) for one in member.walk("/v1/me/items")}
    assert used == {order: True, spare: False}
    refund(homezone, order).ok(201)
    assert look(viewer, member)["theme"] is None, "at the commit of the refund"
    chosen = mine(member)
    assert (chosen["look"]["theme"], chosen["shown"]["theme"]) == (worn(order), None)
    assert chosen["lapsed"] == ["theme"]


def test_a_look_comes_back_with_the_membership_it_needs(homezone: RunningHomezone) -> None:
    member, viewer = rich(homezone, 30), homezone.member()
    have(member).ok(200)
    dressed = dress(member, background=AURORA, theme=BAMBOO).ok(200)
    assert look(viewer, member)["background"] == AURORA
    member.put("/v1/me/memberships/yellow/pause").ok(200)
    seen = look(viewer, member)
    assert (seen["background"], seen["theme"]) == (None, BAMBOO)
    assert mine(member)["lapsed"] == ["background"]
    dress(member, background=AURORA).refused(403, "not-entitled")
    member.delete("/v1/me/memberships/yellow/pause").ok(200)
    assert look(viewer, member)["background"] == AURORA
    assert mine(member)["position"] == dressed.position, "no event was written for it"


def test_a_look_falls_back_when_its_time_is_over(later: RunningHomezone, moved: Moved) -> None:
    """Whether or not a timer has come round: nobody sees what its owner has no longer."""
    member, viewer = rich(later, 100), later.member()
    have(member, plan="green").ok(200)
    member.delete("/v1/me/memberships/green").ok(200)
    order = buy(member, item(later, 5, valid_days=2)).ok(201).json["id"]
    studio = {"from": "house", "name": "studio"}
    dressed = dress(member, theme=worn(order), music=studio).ok(200)
    moved.ahead += timedelta(days=2)
    member, viewer = later.client(member.qq), later.client(viewer.qq)
    seen = look(viewer, member)
    assert (seen["theme"], seen["music"]) == (None, studio)
    moved.ahead += timedelta(days=30)
    member, viewer = later.client(member.qq), later.client(viewer.qq)
    assert look(viewer, member)["music"] is None
    assert mine(member)["lapsed"] == ["theme", "music"]
    have(member, plan="green").ok(200)
    assert look(viewer, member)["music"] == studio
    assert mine(member)["position"] == dressed.position


def test_what_a_friend_gave_is_worn_by_whom_it_was_given_to(homezone: RunningHomezone) -> None:
    sender, member = rich(homezone), homezone.member()
    sender.befriend(member)
    gift = {"item": item(homezone, 5), "gift_to": member.qq}
    order = sender.post("/v1/orders", gift).ok(201).json["id"]
    dress(member, theme=worn(order)).refused(403, "not-entitled")
    member.put(f"/v1/me/gifts/{order}").ok(200)
    dress(member, theme=worn(order)).ok(200)
    assert look(sender, member)["theme"] == worn(order)
    dress(sender, theme=worn(order)).refused(403, "not-entitled")
    refund(homezone, order).ok(201)
    eventually(lambda: look(sender, member)["theme"] is None)
