"""
What staff and members say to the desk, and what they read there.
"""

import asyncio
from itertools import count
from typing import Any

from projections.reading import cases
from projections.reading.cases import QueueSizes
from tests.support.homezone import Client, Reply, RunningHomezone

_STAFF = count(11_000)
CORE = "unmistakable"


def staff(homezone: RunningHomezone, role: str = "moderator") -> Client:
    return homezone.client(next(_STAFF), role)


def policy(compliance: Client, told: str) -> None:
    compliance.put("/v1/moderation/disclosure-policy", {"policy": told}).ok(200)


def report(reporter: Client, post: str, **more: Any) -> Reply:
    body = {"subject": {"kind": "post", "id": post}, "category": "spam", **more}
    return reporter.post("/v1/reports", body)


def case_about(moderator: Client, subject: str, **query: Any) -> dict[str, Any]:
    """The case about something, out of the queues."""
    at_least = query.pop("at_least", None)
    found = moderator.walk("/v1/moderation/cases", limit=100, at_least=at_least, **query)
    (case,) = [one for one in found if one["subject"]["id"] == subject]
    return dict(case)


def reported(reporter: Client, moderator: Client, post: str, **more: Any) -> str:
    """The id of the case that a report opened."""
    position = report(reporter, post, **more).ok(201).position
    return str(case_about(moderator, post, at_least=position)["id"])


def decision(verdict: str = "unpublish", **more: Any) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "ground": "terms",
        "clause": "4.2",
        "explanation": f"{CORE}-explanation",
        "category": "spam",
        "facts": f"{CORE}-facts",
        **more,
    }


def decide(moderator: Client, case: str, verdict: str = "unpublish", **more: Any) -> Reply:
    body = decision(verdict, **more)
    return moderator.post(f"/v1/moderation/cases/{case}/decisions", body)


def appeal(member: Client, decision: str, statement: str = f"{CORE}-statement") -> Reply:
    return member.post("/v1/appeals", {"decision": decision, "statement": statement})


def decisions(member: Client, at_least: str | None = None) -> list[dict[str, Any]]:
    return member.walk("/v1/me/decisions", at_least=at_least)


def trail(moderator: Client, case: str, purpose: str | None = None) -> dict[str, Any]:
    headers = {} if purpose is None else {"Homezone-Purpose": purpose}
    path = f"/v1/moderation/cases/{case}"
    return dict(moderator.request("GET", path, headers=headers).ok(200).json)


def counted(homezone: RunningHomezone) -> QueueSizes:
    """What waits, once the read models are there."""
    services = homezone.homezone.services

    async def count() -> QueueSizes:
        await services.freshness.wait_for(dict(await services.log.heads()), 30, ("cases",))
        return await services.look(cases.sizes)

    return asyncio.run_coroutine_threadsafe(count(), homezone.loop).result(60)
