"""
What an auditor's question costs: as much as its answer, however long the log.
"""

from typing import Any

import pytest

from tests.support.homezone import RunningHomezone


@pytest.mark.parametrize("who", ["owner", "actor"])
def test_a_member_s_events_are_found_without_reading_the_others(
    homezone: RunningHomezone, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    member, other = homezone.members(2)
    for _ in range(30):
        other.publish()
    mine = [member.publish().position for _ in range(3)]
    log: Any = homezone.homezone.log
    read, events_read = log.read, 0

    async def counted(*arguments: Any) -> Any:
        nonlocal events_read
        found = await read(*arguments)
        events_read += len(found)
        return found

    reader = homezone.client(10_021, "auditor")
    query: dict[str, Any] = {who: member.qq}
    now = homezone.everything()
    monkeypatch.setattr(log, "read", counted)
    found = reader.get("/v1/audit/events", at_least=now, limit=100, **query).ok(200).json
    assert set(mine) <= {event["position"] for event in found["items"]}
    # What others did to an actor's own data is read along; there is little of it.
    assert len(found["items"]) <= events_read < 10
    assert reader.walk("/v1/audit/events", limit=2, **query) == found["items"]
