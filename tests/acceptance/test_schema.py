"""
The whole API against its own document: generated requests, valid and not, and walks from answer to
answer meet no failure and no answer that the document does not promise.
"""

import asyncio
import os
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from tests.acceptance.conftest import Homezones
from tests.api.http.schema_harness import PHASES, Report, run_schemathesis
from tests.support.homezone import RunningHomezone

#: A stream never ends: no generated request can be judged by its end. What tus asks of headers, of
#: a body's checksum and of an upload's offset no schema can say: ``test_uploads.py`` does.
UNDRIVEN = {"stream", "stream_by_websocket", "begin_upload", "send_upload"}
EXAMPLES = int(os.environ.get("HOMEZONE_SCHEMA_EXAMPLES", "6"))


def _drives(role: str, path: str) -> bool:
    """What a role is sent to; that it is refused the rest is tested elsewhere, and quickly."""
    match role:
        case "operator":
            return path.startswith("/v1/accounts") or path.endswith("/certification")
        case "moderator":
            return path.startswith("/v1/moderation/cases")
        case "compliance":
            # Not to the rules: what they refuse from then on is refused to every other test, too.
            return path.startswith(
                ("/v1/audit", "/v1/moderation/decisions", "/v1/moderation/disclosure-policy")
            )
        case _:
            return not path.startswith(("/v1/audit", "/v1/accounts", "/v1/moderation"))


def undriven(homezone: RunningHomezone, role: str) -> list[str]:
    paths = homezone.with_token(None).get("/openapi.json").json["paths"]
    others = {
        operation["operationId"]
        for path, operations in paths.items()
        for operation in operations.values()
        if not _drives(role, path)
    }
    return sorted(others | UNDRIVEN)


def drive(homezone: RunningHomezone, directory: Path, role: str) -> Report:
    """As a member who has friends, posts and lists, or as staff."""
    one, other = homezone.members(2)
    one.befriend(other)
    post = one.publish().json["id"]
    other.comment(post).ok()
    one.put("/v1/me/lists", {"name": "l", "members": [other.qq]}).ok()
    return asyncio.run(
        run_schemathesis(
            homezone.url,
            directory,
            headers={"Authorization": f"Bearer {homezone.token(one.qq, role)}"},
            max_examples=EXAMPLES,
            phases=PHASES if role == "member" else [one for one in PHASES if one != "stateful"],
            exclude_operations=undriven(homezone, role),
            seconds_max=120 if EXAMPLES < 20 else 900,
        )
    )


def test_the_document_is_valid(homezone: RunningHomezone) -> None:
    document = homezone.with_token(None).get("/openapi.json").json
    validate(document)
    assert document["openapi"].startswith("3.1")


@pytest.mark.parametrize("role", ["member", "moderator", "operator", "compliance"])
def test_schemathesis_finds_nothing(homezones: Homezones, tmp_path: Path, role: str) -> None:
    report = drive(homezones(16), tmp_path, role)
    assert report.passed, report.output
