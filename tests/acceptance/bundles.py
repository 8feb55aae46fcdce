"""
Evidence bundles as an auditor gets them.
"""

from typing import Any

from tests.support.homezone import Client
from tests.support.waiting import eventually


def bundle_made(staff: Client, body: dict[str, Any]) -> str:
    """The id of a bundle that was asked for and is made."""
    bundle: str = staff.post("/v1/audit/exports", body).ok(202).json["id"]
    eventually(lambda: _state(staff, bundle) in ("done", "failed"))
    assert _state(staff, bundle) == "done", staff.get(f"/v1/audit/exports/{bundle}").json
    return bundle


def _state(staff: Client, bundle: str) -> str:
    return str(staff.get(f"/v1/audit/exports/{bundle}").ok().json["state"])
