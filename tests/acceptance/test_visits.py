"""
Visits over HTTP: counted, listed for the owner alone, taken off the list, and made unseen.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.acceptance.conftest import Homezones, Moved
from tests.acceptance.test_memberships import have
from tests.acceptance.test_money import rich
from tests.support.homezone import Client, Reply, RunningHomezone


@pytest.fixture(params=[16, 1])
def each(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1."""
    return homezones(request.param)


def visit(visitor: Client, owner: Client, *, invisible: bool = False) -> Reply:
    """Be in a space."""
    said = {"invisible": True} if invisible else {}
    return visitor.post(f"/v1/spaces/{owner.qq}/visits", said)


def page(viewer: Client, owner: Client, **options: Any) -> dict[str, Any]:
    """A home page."""
    shown: dict[str, Any] = viewer.get(f"/v1/spaces/{owner.qq}", **options).ok(200).json
    return shown


def listed(owner: Client, **options: Any) -> list[tuple[int, int]]:
    """Who visited, and how often."""
    items = owner.walk("/v1/me/visitors", **options)
    return [(item["member"]["qq"], item["times"]) for item in items]


def test_visits_are_counted_and_listed_newest_first(each: RunningHomezone) -> None:
    owner, one, two, other = each.members(4)
    assert page(owner, owner)["visits"] == {"total": 0, "today": 0, "visitors": 0}
    for visitor in (one, two, one):
        assert visit(visitor, owner).ok(201).json["state"] == "counted"
    assert listed(owner) == [(one.qq, 2), (two.qq, 1)]
    assert listed(owner, limit=1) == [(one.qq, 2), (two.qq, 1)]
    assert page(owner, owner)["visits"] == {"total": 3, "today": 3, "visitors": 2}
    shown = page(other, owner)
    assert shown["visits"] == {"total": 3, "today": 3}, "of how many, the owner alone is told"
    assert [seen["member"]["qq"] for seen in shown["visitors"]] == [one.qq, two.qq]
    assert listed(one) == []


def test_ones_own_visits_count_for_nothing(homezone: RunningHomezone) -> None:
    owner = homezone.member()
    before = homezone.heads()
    assert visit(owner, owner).ok(200).json["state"] == "own"
    assert homezone.heads() == before, "there is no event of it"
    assert page(owner, owner)["visits"]["total"] == 0


def test_who_is_blocked_cannot_visit_and_is_not_listed(each: RunningHomezone) -> None:
    owner, visitor, blocker = each.members(3)
    visit(visitor, owner).ok(201)
    owner.put(f"/v1/me/blocks/{visitor.qq}").ok()
    visit(visitor, owner).refused(404, "not-found")
    visitor.post("/v1/spaces/99999999999/visits", {}).refused(404, "not-found")
    blocker.put(f"/v1/me/blocks/{owner.qq}").ok()
    visit(blocker, owner).refused(404, "not-found")
    assert listed(owner) == []
    assert page(owner, owner)["visits"]["total"] == 1
    assert page(owner, owner)["visitors"] == []


def test_a_visitor_is_taken_off_the_list_until_they_come_again(each: RunningHomezone) -> None:
    owner, one, two, never = each.members(4)
    for visitor in (one, one, two):
        visit(visitor, owner).ok(201)
    gone = owner.delete(f"/v1/me/visitors/{one.qq}").ok(200)
    assert owner.delete(f"/v1/me/visitors/{one.qq}").ok(200).position == gone.position
    assert listed(owner) == [(two.qq, 1)]
    assert [seen["member"]["qq"] for seen in page(two, owner)["visitors"]] == [two.qq]
    assert page(owner, owner)["visits"] == {"total": 3, "today": 3, "visitors": 2}
    visit(one, owner).ok(201)
    assert listed(owner) == [(one.qq, 1), (two.qq, 1)]
    owner.delete(f"/v1/me/visitors/{never.qq}").refused(404, "not-found")


def test_an_invisible_visit_is_counted_and_seen_by_nobody(each: RunningHomezone) -> None:
    owner, plain = each.members(2)
    yellow = rich(each)
    visit(plain, owner, invisible=True).refused(403, "not-entitled")
    visit(yellow, owner, invisible=True).refused(403, "not-entitled")
    have(yellow).ok(200)
    visit(yellow, owner, invisible=True).ok(201)
    assert page(owner, owner)["visits"] == {"total": 1, "today": 1, "visitors": 0}
    owner.delete(f"/v1/me/visitors/{yellow.qq}").refused(404, "not-found")
    visit(yellow, owner).ok(201)
    before = owner.walk("/v1/me/visitors")
    visit(yellow, owner, invisible=True).ok(201)
    assert owner.walk("/v1/me/visitors") == before, "neither how often nor when has moved"
    assert page(plain, owner)["visitors"] == page(owner, owner)["visitors"]
    assert page(owner, owner)["visits"] == {"total": 3, "today": 3, "visitors": 1}


def test_today_begins_at_midnight_in_china(later: RunningHomezone, moved: Moved) -> None:
    owner, visitor = later.members(2)
    visit(visitor, owner).ok(201)
    moved.ahead += timedelta(days=1)
    assert page(later.client(owner.qq), owner)["visits"] == {"total": 1, "today": 0, "visitors": 1}
    visit(later.client(visitor.qq), owner).ok(201)
    assert page(later.client(owner.qq), owner)["visits"] == {"total": 2, "today": 1, "visitors": 1}


def test_a_storm_of_visits_to_one_space_meets_nowhere(homezone: RunningHomezone) -> None:
    """A thousand at once, by many: each is counted, and none is told of a conflict."""
    owner, *visitors = homezone.members(21)

    def storm(visitor: Client) -> list[int]:
        return [visit(visitor, owner).status for _ in range(50)]

    with ThreadPoolExecutor(len(visitors)) as pool:
        answers = [status for found in pool.map(storm, visitors) for status in found]
    assert answers == [201] * 1_000
    assert page(owner, owner)["visits"] == {"total": 1_000, "today": 1_000, "visitors": 20}
    assert sorted(listed(owner)) == sorted((one.qq, 50) for one in visitors)
