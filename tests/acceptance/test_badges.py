"""
Badges over HTTP: awarded by what was done, once.
"""

from datetime import timedelta

from tests.acceptance.conftest import Moved
from tests.support.homezone import Client, RunningHomezone
from tests.support.waiting import eventually


def badges(member: Client, path: str = "/v1/me/badges") -> list[str]:
    """Their names, newest first."""
    return [one["badge"] for one in member.get(path).ok(200).json["items"]]


def test_the_first_post_and_the_hundredth_earn_a_badge_each(homezone: RunningHomezone) -> None:
    member, friend = homezone.members(2)
    assert badges(member) == []
    post = member.publish().json["id"]
    eventually(lambda: badges(member) == ["first_post"])
    friend.comment(post).ok(201)
    eventually(lambda: badges(friend) == ["first_comment"])
    for number in range(98):
        member.publish(f"第{number}")
    member.delete(f"/v1/posts/{post}").ok(200)
    assert badges(member) == ["first_post"]
    member.publish("百")
    eventually(lambda: badges(member) == ["posts_100", "first_post"])
    (notified,) = [
        one for one in member.walk("/v1/me/notifications") if one.get("badge") == "posts_100"
    ]
    assert (notified["kind"], notified["count"], notified["members"]) == ("badge", 1, [])


def test_badges_are_seen_where_the_space_is(homezone: RunningHomezone) -> None:
    owner, visitor = homezone.members(2)
    owner.publish()
    path = f"/v1/spaces/{owner.qq}/badges"
    eventually(lambda: badges(visitor, path) == ["first_post"])
    owner.put(f"/v1/me/blocks/{visitor.qq}").ok(200)
    visitor.get(path).refused(404, "not-found")
    visitor.get("/v1/spaces/1999999/badges").refused(404, "not-found")


def test_days_earn_a_badge_when_they_are_over(later: RunningHomezone, moved: Moved) -> None:
    member = later.member()
    moved.ahead += timedelta(days=99)
    assert badges(later.client(member.qq)) == []
    moved.ahead += timedelta(days=1, seconds=5)
    eventually(lambda: badges(later.client(member.qq)) == ["days_100"])
