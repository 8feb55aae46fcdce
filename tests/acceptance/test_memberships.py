"""
Memberships over HTTP, with a clock that can be moved.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.acceptance.conftest import Moved
from tests.acceptance.test_money import balance, books, buy, item, rich, top_up
from tests.support.homezone import Client, Reply, RunningHomezone
from tests.support.waiting import eventually

SECONDS_MAX = 15.0
GIGABYTE = 1 << 30


def have(member: Client, months: Any = 1, plan: str = "yellow", **more: Any) -> Reply:
    """Want a membership."""
    return member.put(f"/v1/me/memberships/{plan}", {"months": months, **more})


def held(member: Client, plan: str = "yellow") -> dict[str, Any]:
    """How a plan stands."""
    found = member.get("/v1/me/memberships").ok(200).json["items"]
    assert [one["plan"] for one in found] == ["yellow", "green"]
    shown: dict[str, Any] = next(one for one in found if one["plan"] == plan)
    return shown


def period_end(period: dict[str, Any]) -> datetime:
    """When a period ends."""
    return datetime.fromisoformat(period["until"])


def again(homezone: RunningHomezone, member: Client) -> Client:
    """The same member with a token of today."""
    return homezone.client(member.qq)


def test_a_membership_is_bought_kept_and_ended(homezone: RunningHomezone) -> None:
    member = rich(homezone, 40)
    assert (held(member)["state"], held(member)["benefits"]) == ("none", False)
    assert held(member)["storage_quota"] == 3 * GIGABYTE
    bought = have(member).ok(200)
    assert bought.json["state"] == "active"
    assert balance(member) == (30, 0, 0)
    shown = held(member)
    assert (shown["state"], shown["benefits"], shown["renews"]) == ("active", True, True)
    assert (shown["level"], shown["storage_quota"]) == (1, 25 * GIGABYTE)
    assert shown["position"] == bought.position
    assert [one["coins"] for one in shown["periods"]] == [10]
    assert have(member).ok(200).position == bought.position, "asked twice, done once"
    assert balance(member) == (30, 0, 0)
    assert held(member, "green")["state"] == "none"
    have(member, extend=True).ok(200)
    assert len(held(member)["periods"]) == 2
    assert member.delete("/v1/me/memberships/yellow").ok(200).json["state"] == "cancelled"
    shown = held(member)
    assert (shown["state"], shown["benefits"], shown["renews"]) == ("cancelled", True, False)
    assert have(member).ok(200).json["state"] == "active"
    assert balance(member) == (20, 0, 0)


def test_what_cannot_be_had_is_said_so(homezone: RunningHomezone) -> None:
    member = homezone.member()
    have(member).refused(402, "insufficient-coins")
    have(member, plan="purple").refused(404, "not-found")
    for months in (0, 2, 13, -1, "1", 1.5, None):
        assert have(member, months).status in (400, 422)
    have(member, trial=True, extend=True).refused(422, "extend-or-trial")
    have(member, trial=True).ok(200)
    assert held(member)["state"] == "trialing"
    member.delete("/v1/me/memberships/yellow").ok(200)
    member.put("/v1/me/memberships/yellow/pause").refused(409, "nothing-unused")
    top_up(member, 10).ok(201)
    assert have(member).ok(200).json["state"] == "trialing", "it renews when the trial ends"
    have(homezone.client(99_999_999)).refused(403, "no-account")
    have(homezone.operator).refused(403)


def test_a_longer_term_credits_unused_days_at_once(homezone: RunningHomezone) -> None:
    member = rich(homezone, 100)
    have(member).ok(200)
    have(member, 12).refused(402, "insufficient-coins")
    top_up(member, 1).ok(201)
    have(member, 12).ok(200)
    (period,) = held(member)["periods"]
    assert period["months"] == 12
    days = (period_end(period) - datetime.now(UTC)).days
    assert days in (364, 365)
    assert balance(member)[0] in (0, 1), "the first of some 30 days was used"
    books(homezone)


def test_days_can_rest_and_be_refunded(homezone: RunningHomezone) -> None:
    member = rich(homezone, 30)
    have(member, 3).ok(200)
    assert member.put("/v1/me/memberships/yellow/pause").ok(200).json["state"] == "paused"
    assert held(member)["benefits"] is False
    have(member).refused(409, "membership-paused")
    assert member.delete("/v1/me/memberships/yellow/pause").ok(200).json["state"] == "active"
    path = f"/v1/accounts/{member.qq}/memberships/yellow/refunds"
    member.post(path, {"reason": "mine"}).refused(403)
    assert homezone.operator.post(path, {"reason": "moved"}).ok(201).json["state"] == "expired"
    assert balance(member) == (29, 0, 0), "a day had begun before the rest, and is used once"
    homezone.operator.post(path, {"reason": "moved"}).refused(409, "nothing-unused")
    left = books(homezone)
    assert left["liability:paused:memberships", "CNY"] == 0
    what = [one["what"] for one in member.walk("/v1/me/ledger", limit=100)]
    assert {"membership", "pause", "resume", "days_refund"} <= set(what)


def test_who_is_suspended_can_end_the_renewal(homezone: RunningHomezone) -> None:
    member = rich(homezone, 20)
    have(member).ok(200)
    suspension = f"/v1/accounts/{member.qq}/suspension"
    homezone.operator.put(suspension, {"reason": "stolen"}).ok(200)
    have(member, 3).refused(403, "suspended")
    assert held(member)["state"] == "active", "who can end it sees it"
    ended = member.delete("/v1/me/memberships/yellow").ok(200)
    assert ended.json["state"] == "cancelled"
    homezone.operator.delete(suspension).ok(200)
    assert (held(member)["state"], held(member)["renews"]) == ("cancelled", False)


def test_items_for_members_are_sold_to_members(homezone: RunningHomezone) -> None:
    member, theme = rich(homezone, 30), item(homezone, 5, members_only=True)
    buy(member, theme).refused(403, "members-only")
    have(member, plan="green").ok(200)
    buy(member, theme).ok(201)
    buy(member, item(homezone, 5, level_min=1)).refused(403, "level-too-low")
    everything = homezone.everything()
    shelf = member.get("/v1/mall/items", at_least=everything).ok(200).json["items"][0]
    assert (shelf["members_only"], shelf["level_min"]) == (False, 1)
    have(member).ok(200)
    buy(member, shelf["id"]).ok(201)


def test_many_at_once_pay_one_period(homezone: RunningHomezone) -> None:
    member = rich(homezone, 100)
    clients = [homezone.with_token(member.token, member.qq) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(have, clients))
    assert len({reply.ok(200).position for reply in replies}) == 1
    assert balance(member) == (90, 0, 0)


def test_a_year_passes(later: RunningHomezone, moved: Moved) -> None:
    """It renews, cannot be paid, is in grace, and expires: each at its time, by itself."""
    member, other = rich(later, 30), rich(later, 110)
    have(member).ok(200)
    have(other, 12).ok(200)
    theme = item(later, 5, level_min=2)
    buy(other, theme).refused(403, "level-too-low")
    moved.ahead += timedelta(days=40)
    member, other = again(later, member), again(later, other)
    eventually(lambda: balance(again(later, member))[0] == 10)
    assert (held(other)["level"], held(other)["storage_quota"]) == (2, 50 * GIGABYTE)
    buy(other, theme).ok(201)
    moved.ahead += timedelta(days=54)
    member = again(later, member)
    eventually(lambda: held(member)["state"] == "past_due")
    assert held(member)["benefits"] is True
    moved.ahead += timedelta(days=6)
    member = again(later, member)
    eventually(lambda: held(member)["state"] == "unpaid")
    assert held(member)["storage_quota"] == 3 * GIGABYTE
    before = held(member)["points"]
    moved.ahead += timedelta(days=20)
    member = again(later, member)
    eventually(lambda: held(member)["state"] == "expired")
    assert held(member)["points"] == before - 5 * 20
    auditor = later.client(10_012, "auditor")
    stream = have(again(later, other), 12).ok(200).json["id"]
    events = auditor.get(f"/v1/audit/streams/{stream}").ok(200).json
    assert events["events"][0]["type"] == "membership.paid.v1"


def test_months_for_a_friend(homezone: RunningHomezone) -> None:
    sender, friend, stranger = rich(homezone, 40), homezone.member(), homezone.member()
    sender.befriend(friend)
    gift = {"plan": "yellow", "months": 3, "gift_to": friend.qq}
    before = books(homezone)
    sender.post("/v1/gifts", {**gift, "gift_to": stranger.qq}).refused(403, "not-friends")
    sender.post("/v1/gifts", {**gift, "gift_to": sender.qq}).refused(422, "not-yourself")
    sender.post("/v1/gifts", {**gift, "months": 12}).refused(402, "insufficient-coins")
    for wrong in ({"months": 2}, {"plan": "purple"}, {"gift_to": 1}, {"gift_to": None}):
        assert sender.post("/v1/gifts", {**gift, **wrong}).status in (400, 422)
    order = sender.post("/v1/gifts", gift).ok(201).json["id"]
    assert balance(sender) == (10, 0, 30)
    (offered,) = friend.walk("/v1/me/gifts", at_least=homezone.everything())
    assert (offered["kind"], offered["state"]) == ("membership", "offered")
    assert held(friend)["state"] == "none"
    friend.put(f"/v1/me/gifts/{order}").ok(200)
    eventually(lambda: bool(held(friend)["state"] == "cancelled"))
    shown = held(friend)
    assert (shown["benefits"], shown["renews"], shown["level"]) == (True, False, 1)
    assert [one["coins"] for one in shown["periods"]] == [0]
    assert balance(sender) == (10, 0, 0)
    assert balance(friend) == (0, 0, 0)
    earned = ("revenue:memberships", "QC")
    assert before.get(earned, 0) - books(homezone)[earned] == 30
    shown = sender.get(f"/v1/orders/{order}", at_least=homezone.everything()).ok(200).json
    assert shown["state"] == "fulfilled"
