"""
The process that feeds the read models: it ends with its server and not before, and is replaced.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from adapters.clock import SystemClock
from api.wiring.feeding import spawn
from api.wiring.models import MODELS, prepare_store
from projections.engine.feeder import Feeder, Setup
from projections.engine.status import Condition
from tests.acceptance.processes import gone, serving
from tests.support.homezone import running_homezone

FED = [model.name for model in MODELS if not model.inline]


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.01)


def pid_of(feeder: Feeder) -> int:
    until(lambda: feeder.pid is not None)
    pid = feeder.pid
    assert pid is not None
    return pid


def test_one_that_is_killed_is_replaced_and_goes_on(database_url: str, tmp_path: Path) -> None:
    with running_homezone(database_url, tmp_path) as homezone:
        feeder = homezone.homezone.engine
        member = homezone.member()
        first = pid_of(feeder)
        os.kill(first, signal.SIGKILL)
        written = member.publish("山重水复疑无路")
        posts = member.get(f"/v1/spaces/{member.qq}/posts", at_least=written.position).ok(200).json
        assert [post["text"] for post in posts["items"]] == ["山重水复疑无路"]
        assert pid_of(feeder) != first
        until(lambda: feeder.status().leading)
        assert {one.condition for one in feeder.status().subscribers} == {Condition.LIVE}
        second = psutil.Process(pid_of(feeder))
    assert gone([second]), "it ends with its server"


def test_it_hears_no_signal_but_its_servers_end(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        feeders = [one for one in server.family() if "api.wiring.feeding" in one.cmdline()]
        assert len(feeders) == 1
        operator = server.client(10_000, "operator")
        account = {
            "qq": 20_001,
            "nickname": "陆游",
            "real_name": "陆务观",
            "birth_date": "1985-11-13",
        }
        opened = operator.post("/v1/accounts", account).ok(201)
        # Once it feeds, it has long begun to turn a deaf ear.
        server.client(20_001).get("/v1/feed", at_least=opened.position).ok(200)
        feeders[0].send_signal(signal.SIGTERM)
        feeders[0].send_signal(signal.SIGINT)
        operator.get("/readyz").ok(200)
        assert feeders[0].is_running()
        server.kill()
        assert gone(feeders)


def test_two_servers_share_one_that_leads(database_url: str, tmp_path: Path) -> None:
    with (
        running_homezone(database_url, tmp_path) as one,
        running_homezone(database_url, tmp_path) as other,
    ):
        until(lambda: one.homezone.engine.status().leading)
        member = one.member()
        written = member.publish("柳暗花明又一村")
        elsewhere = other.client(member.qq)
        read = elsewhere.get(f"/v1/spaces/{member.qq}/posts", at_least=written.position).ok(200)
        assert len(read.json["items"]) == 1
        assert not other.homezone.engine.status().leading
        os.kill(pid_of(one.homezone.engine), signal.SIGSTOP)
        try:
            written = member.publish("箫鼓追随春社近")
            until(lambda: other.homezone.engine.status().leading)
            elsewhere.get(f"/v1/spaces/{member.qq}/posts", at_least=written.position).ok(200)
        finally:
            os.kill(pid_of(one.homezone.engine), signal.SIGCONT)


def test_what_cannot_be_started_is_said_and_tried_again(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    prepare_store(database_url, 2, SystemClock())
    attempts = 0

    def stubborn(end: object) -> object:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise OSError(11, "Resource temporarily unavailable")
        return spawn(end)  # type: ignore[arg-type]

    feeder = Feeder(FED, Setup(database_url, uuid4()), stubborn, retry_seconds=0.01)  # type: ignore[arg-type]
    feeder.start()
    try:
        assert feeder.status().trouble == "FeederDown"
        until(lambda: feeder.status().leading)
        assert attempts == 3
        assert feeder.status().trouble is None
        assert "cannot be started" in caplog.text
    finally:
        feeder.stop()
    assert feeder.pid is None


def test_a_wait_that_is_too_long_is_given_up(database_url: str) -> None:
    prepare_store(database_url, 2, SystemClock())
    feeder = Feeder(FED, Setup(database_url, uuid4()), spawn)
    feeder.start()
    try:

        async def story() -> None:
            with pytest.raises(TimeoutError):
                await feeder.wait_for({0: 1}, 0.05)
            with pytest.raises(KeyError):
                await feeder.wait_for({0: 1}, 0.05, ("no such model",))

        asyncio.run(story())
        feeder.wake({0: 7})
        assert set(feeder.lag().values()) == {7}
    finally:
        feeder.stop()
