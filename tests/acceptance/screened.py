"""
What the tests of screening share: rules whose words are said nowhere else, and how to say them.

The words are made up here; none ship.
"""

from typing import Any

import pytest

from tests.acceptance.conftest import Homezones
from tests.support.homezone import Client, Reply, RunningHomezone

#: Said by no other test: servers are shared, and these rules stay in force.
REFUSED, HELD, PREVIEWED, FLAGGED = "zwackelfrum", "青瓷风筝坊", "quibbleton", "纸鹤灯塔"
HEIGHTENED = "snorkwhistle"


def rule(id: str, phrase: str, action: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "match": {"phrase": phrase}, "action": action, "category": "made-up", **more}


RULES = [
    rule("r", REFUSED, "block"),
    rule("h", HELD, "hold"),
    rule("p", PREVIEWED, "private_view"),
    rule("f", FLAGGED, "flag"),
    rule("l", HEIGHTENED, "block", from_level=2),
]


def compliance(homezone: RunningHomezone) -> Client:
    return homezone.client(10_012, "compliance")


def rules(homezone: RunningHomezone, name: str = "house", rules: Any = RULES, **more: Any) -> Reply:
    path = f"/v1/moderation/rules/{name}"
    return compliance(homezone).put(path, {"rules": rules, **more})


def say(client: Client, text: str, **more: Any) -> Reply:
    body = {"kind": "shuoshuo", "text": text, "audience": {"to": "public"}, **more}
    return client.post("/v1/posts", body)


@pytest.fixture(params=[16, 1])
def each(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1, with rules in force."""
    homezone = homezones(request.param)
    rules(homezone).ok(200)
    return homezone


def events(homezone: RunningHomezone, stream: str) -> list[dict[str, Any]]:
    reader = homezone.client(10_011, "auditor")
    found: list[dict[str, Any]] = reader.get(f"/v1/audit/streams/{stream}").ok(200).json["events"]
    return found
