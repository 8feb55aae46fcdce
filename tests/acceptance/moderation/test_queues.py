"""
The queues that moderators work through, and the promises that somebody looks in time.
"""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from api.wiring.figures import case_figures
from commands.cases import FallOverdue, fall_overdue
from commands.timers import TIMER_ACTOR
from commands.work import Context
from domain.case import case_stream
from domain.case_events import CaseOpened
from domain.event import Recorded
from domain.ids import CaseId
from tests.acceptance.moderation.asking import case_about, counted, decide, report, reported, trail
from tests.support.homezone import Client, RunningHomezone


def test_queues_are_walked_oldest_due_first_each_case_once(
    homezone: RunningHomezone, reporter: Client, moderator: Client
) -> None:
    posts = [homezone.member().publish().json["id"] for _ in range(7)]
    for post in posts:
        report(reporter, post).ok(201)
    walked = moderator.walk("/v1/moderation/cases", limit=3, at_least=homezone.everything())
    # Others' due dates may have moved since the walk began.
    due = [one["due_at"] for one in walked if one["subject"]["id"] in posts]
    assert due == sorted(due)
    found = [one["subject"]["id"] for one in walked]
    assert len(found) == len(set(found))
    assert set(posts) <= set(found)
    queue = [one["subject"]["id"] for one in moderator.walk(
        "/v1/moderation/cases", limit=2, queue="reports", state="open")]  # fmt: skip
    assert set(posts) <= set(queue)
    case = case_about(moderator, posts[0])["id"]
    moderator.post(f"/v1/moderation/cases/{case}/escalate", {"note": "hard"}).ok(200)
    assert case_about(moderator, posts[0], queue="escalated")["id"] == case
    again = moderator.walk("/v1/moderation/cases", queue="reports", limit=100)
    assert case not in [one["id"] for one in again]
    moderator.get("/v1/moderation/cases", state="lost").refused(400)
    moderator.get(f"/v1/moderation/cases/{posts[0]}").refused(404, "not-found")


def test_a_claim_can_be_released(
    author: Client, reporter: Client, moderator: Client, another: Client
) -> None:
    where = f"/v1/moderation/cases/{reported(reporter, moderator, author.publish().json['id'])}"
    moderator.post(f"{where}/release").refused(409, "not-claimed")
    moderator.post(f"{where}/claim").ok(200)
    another.post(f"{where}/release").refused(409, "case-claimed")
    moderator.post(f"{where}/release").ok(200)
    another.post(f"{where}/claim").ok(200)
    assert another.get("/v1/moderation/cases", mine="true").json["items"][0]["state"] == "claimed"


# Promises


def test_a_broken_promise_shows_where_somebody_looks(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client
) -> None:
    post = author.publish().json["id"]
    case = UUID(reported(reporter, moderator, post))
    before = counted(homezone)

    async def time_passes() -> Recorded:
        """The timer fires, as it would when the promise falls due."""
        services = homezone.homezone.services
        (opened, *_) = await services.log.read_stream(case_stream(CaseId(case)))
        assert isinstance(opened.event, CaseOpened)
        command = services.executor.new_id(opened.cell)
        due = opened.event.promise.due
        context = Context(TIMER_ACTOR, opened.cell, command, command, due)
        await services.executor.execute(fall_overdue, FallOverdue(CaseId(case)), context)
        return opened

    opened = asyncio.run_coroutine_threadsafe(time_passes(), homezone.loop).result(30)
    late = moderator.walk("/v1/moderation/cases", state="overdue", at_least=homezone.everything())
    assert str(case) in [one["id"] for one in late]
    assert all(one["overdue"] for one in late)
    (entry,) = [one for one in trail(moderator, str(case))["trail"]
                if one["type"] == "case.overdue.v1"]  # fmt: skip
    assert datetime.fromisoformat(entry["data"]["due"]) == opened.event.promise.due  # type: ignore[attr-defined]
    after = counted(homezone)
    assert after.breaches["review"] == before.breaches.get("review", 0) + 1
    assert after.overdue["reports"] == before.overdue.get("reports", 0) + 1
    figures: dict[str, Any] = {one.name: one.samples for one in case_figures(after)}
    assert figures["homezone_promises_broken_total"]["review"] == after.breaches["review"]
    assert figures["homezone_cases_open"]["reports", "open"] == after.open["reports", "open"]
    assert figures["homezone_cases_open"]["appeals", "proposed"] >= 0, "zeros are said, too"
    decide(moderator, str(case)).ok(201)
    assert counted(homezone).overdue.get("reports", 0) == before.overdue.get("reports", 0)
