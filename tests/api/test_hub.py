"""
The hub outlives what goes wrong in one of its steps: thousands of streams hang on it.
"""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from api.stream import hub as module
from api.stream.hub import Hub


def test_the_hub_goes_on_after_an_error_it_has_no_rule_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Log:
        asked = 0

        async def heads(self) -> dict[int, int]:
            self.asked += 1
            if self.asked == 1:
                raise LookupError("private words")
            return {0: 7}

    class Freshness:
        async def wait_for(self, *_: Any) -> None:
            pass

    class Services:
        log = Log()
        freshness = Freshness()

    async def story() -> None:
        services: Any = Services()
        hub = Hub(services)
        running = asyncio.create_task(hub.run())
        async with asyncio.timeout(5):
            await hub.reach({0: 7})
        running.cancel()

    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.01)
    with capture_logs() as logs:
        asyncio.run(story())
    assert [line["error"] for line in logs] == ["LookupError"]
    assert "private" not in str(logs)
