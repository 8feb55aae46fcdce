"""
Badges over HTTP: awarded by what was done, once.
"""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.acceptance.conftest import Moved
from tests.support.database import fresh_database
from tests.support.homezone import Client, RunningHomezone, running_homezone
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


def test_who_joined_before_there_were_badges_for_days_comes_to_them(
    server_url: str, tmp_path: Path
) -> None:
    clock = Moved()
    with fresh_database(server_url) as url:
        with running_homezone(url, tmp_path, clock=clock) as homezone:
            member = homezone.member()
            member.publish()
            eventually(lambda: badges(member) == ["first_post"])
            homezone.everything()
        _of_an_older_release(url)
        clock.ahead += timedelta(days=1_000, seconds=5)
        with running_homezone(url, tmp_path, clock=clock) as homezone:
            everything = {"days_1000", "days_100", "first_post"}
            again = homezone.client(member.qq)
            eventually(lambda: set(badges(again)) == everything)
        _of_an_older_release(url)
        with running_homezone(url, tmp_path, clock=clock) as homezone:
            again = homezone.client(member.qq)
            again.publish()
            homezone.everything()
            auditor = homezone.client(10_011, "auditor")
            awarded = auditor.walk("/v1/audit/events", type="badge.awarded.v1")
            assert len(awarded) == len(badges(again)) == len(everything), "made anew, awarded once"


def _of_an_older_release(url: str) -> None:
    """No deadline is armed, and their table is as it was before there were those of badges."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM models.deadlines"))
        connection.execute(text("ALTER INDEX models.deadlines_by_due RENAME TO deadlines_due"))
    engine.dispose()
