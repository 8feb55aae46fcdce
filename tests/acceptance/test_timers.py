"""
What happens by itself: suspensions that end, friendships carried to the other cell, also when the
server was away at the moment.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.acceptance.conftest import Homezones
from tests.support.database import fresh_database
from tests.support.homezone import Client, RunningHomezone, running_homezone
from tests.support.waiting import eventually

SECONDS_MAX = 15.0


@pytest.fixture(params=[16, 1])
def each(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1."""
    return homezones(request.param)


def suspend(homezone: RunningHomezone, member: Client, seconds: float) -> datetime:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    body = {"reason": "stolen", "until": until.isoformat()}
    homezone.operator.put(f"/v1/accounts/{member.qq}/suspension", body).ok(200)
    member.get("/v1/me").refused(403, "suspended")
    return until


def history(homezone: RunningHomezone, me: str) -> list[dict[str, object]]:
    reader = homezone.client(10_011, "auditor")
    found: list[dict[str, object]] = reader.get(f"/v1/audit/streams/{me}").ok(200).json["events"]
    return found


def test_a_suspension_ends_by_itself_and_not_before(each: RunningHomezone) -> None:
    member = each.member()
    me = member.get("/v1/me").json["id"]
    until = suspend(each, member, 1.2)
    while datetime.now(UTC) < until - timedelta(seconds=0.2):
        member.get("/v1/me").refused(403, "suspended")
        time.sleep(0.1)
    eventually(lambda: member.get("/v1/me").status == 200)
    member.publish()
    last = history(each, me)[-1]
    assert last["type"] == "account.reinstated.v1"
    assert datetime.fromisoformat(str(last["recorded_at"])) >= until
    data = last["data"]
    assert isinstance(data, dict)
    assert datetime.fromisoformat(data["effective_at"]) == until, "it decides for when it was due"


@pytest.mark.parametrize("hours", [-23, 23])
def test_a_suspension_ends_wherever_its_clock_stands(homezone: RunningHomezone, hours: int) -> None:
    member = homezone.member()
    there = timezone(timedelta(hours=hours, minutes=59 if hours > 0 else -59))
    until = (datetime.now(UTC) + timedelta(seconds=0.5)).astimezone(there)
    body = {"reason": "stolen", "until": until.isoformat()}
    homezone.operator.put(f"/v1/accounts/{member.qq}/suspension", body).ok(200)
    eventually(lambda: member.get("/v1/me").status == 200)
    homezone.with_token(None).get("/readyz").ok(200)


def test_a_timer_leaves_a_later_suspension_alone(homezone: RunningHomezone) -> None:
    member, other = homezone.members(2)
    suspend(homezone, member, 1.0)
    path = f"/v1/accounts/{member.qq}/suspension"
    homezone.operator.delete(path).ok(200)
    homezone.operator.put(path, {"reason": "for good"}).ok(200)
    suspend(homezone, other, 1.5)
    eventually(lambda: other.get("/v1/me").status == 200)
    member.get("/v1/me").refused(403, "suspended")


def test_a_suspension_ends_though_the_server_was_down_at_the_moment(
    server_url: str, tmp_path: Path
) -> None:
    with fresh_database(server_url) as url:
        with running_homezone(url, tmp_path) as homezone:
            member, other = homezone.members(2)
            me = member.get("/v1/me").json["id"]
            until = suspend(homezone, member, 0.8)
            suspend(homezone, other, 3600)
            member_token, other_token = member.token, other.token
        time.sleep(1.0)
        with running_homezone(url, tmp_path) as homezone:
            member = homezone.with_token(member_token, member.qq)
            eventually(lambda: member.get("/v1/me").status == 200)
            ends = [one for one in history(homezone, me) if one["type"] == "account.reinstated.v1"]
            assert len(ends) == 1, "once"
            data = ends[0]["data"]
            assert isinstance(data, dict)
            assert datetime.fromisoformat(data["effective_at"]) == until
            homezone.with_token(other_token).get("/v1/me").refused(403, "suspended")


def states(member: Client) -> dict[str, list[int]]:
    return {
        state: [one["qq"] for one in member.walk("/v1/me/friends", state=state)]
        for state in ("friends", "incoming", "outgoing")
    }


class Severed:
    """A server whose policies do nothing: what it dies with stays undone."""

    async def react_now(self, recorded: object) -> None:
        return None


def sever(homezone: RunningHomezone) -> None:
    """From now on nothing is carried to another cell, as if the server died after each commit."""
    inner = homezone.homezone
    asyncio.run_coroutine_threadsafe(inner.policies.stop(), homezone.loop).result(10)
    inner.services.reactions = Severed()


def test_halves_of_a_friendship_meet_after_a_crash_between_them(
    server_url: str, tmp_path: Path
) -> None:
    with fresh_database(server_url) as url:
        with running_homezone(url, tmp_path) as homezone:
            asker, asked, accepter, ended, leaver = homezone.members(5)
            asker.put(f"/v1/me/friends/{accepter.qq}").ok()
            leaver.befriend(ended)
            private = ended.publish(to="friends").json["id"]
            leaver.get(f"/v1/posts/{private}", at_least=homezone.everything()).ok(200)
            sever(homezone)
            asker.put(f"/v1/me/friends/{asked.qq}").ok()
            accepter.put(f"/v1/me/friends/{asker.qq}").ok()
            leaver.delete(f"/v1/me/friends/{ended.qq}").ok()
            assert states(asked)["incoming"] == [], "it has not been carried"
            for one, other in ((leaver, ended), (ended, leaver)):
                assert other.qq not in states(one)["friends"], "either's withdrawal holds at once"
            leaver.get(f"/v1/posts/{private}").refused(404)
        with running_homezone(url, tmp_path) as homezone:
            people = [asker, asked, accepter, ended, leaver]
            asker, asked, accepter, ended, leaver = (
                homezone.with_token(one.token, one.qq) for one in people
            )
            eventually(lambda: states(asked)["incoming"] == [asker.qq])
            eventually(lambda: states(accepter)["friends"] == [asker.qq])
            assert states(asker) == {
                "friends": [accepter.qq], "incoming": [], "outgoing": [asked.qq]
            }  # fmt: skip
            eventually(lambda: states(ended)["friends"] == [])
            leaver.get(f"/v1/posts/{private}").refused(404)
            asked.put(f"/v1/me/friends/{asker.qq}").ok(200)
            assert asked.qq in states(asker)["friends"]


def test_an_account_is_opened_after_a_crash_between_its_two_cells(
    server_url: str, tmp_path: Path
) -> None:
    account = {"qq": 20_000_000, "nickname": "n", "real_name": "r", "birth_date": "2001-02-03"}
    with fresh_database(server_url) as url:
        with running_homezone(url, tmp_path) as homezone:
            sever(homezone)
            assert homezone.operator.post("/v1/accounts", account, key="k").status in (409, 503)
            homezone.client(20_000_000).get("/v1/me").refused(403)
        with running_homezone(url, tmp_path) as homezone:
            member = homezone.client(20_000_000)
            eventually(lambda: member.get("/v1/me").status == 200)
            again = homezone.operator.post("/v1/accounts", account, key="k").ok(201)
            assert again.headers["idempotency-replayed"] == "true"
            assert again.json["qq"] == 20_000_000
