"""
The watch wakes those who work, and outlives a log that cannot be asked.
"""

import threading
from collections.abc import Mapping

from domain.ids import mint
from projections.engine.watch import Watch
from tests.projections.engine.toys import MemoryLog, Noted


class Flaky(MemoryLog):
    """Fails the first time it is asked."""

    def __init__(self) -> None:
        super().__init__(2)
        self.asked = 0

    def wait_for_change(self, known: Mapping[int, int], timeout: float) -> Mapping[int, int]:
        self.asked += 1
        if self.asked == 1:
            raise ConnectionError
        threading.Event().wait(min(timeout, 0.005))
        return self.heads()


def test_every_commit_is_told_to_everyone() -> None:
    log = Flaky()
    told = threading.Event()
    heard: list[Mapping[int, int]] = []

    def hear(heads: Mapping[int, int]) -> None:
        heard.append(heads)
        if heads[1] == 1:
            told.set()

    watch = Watch(log, [hear], poll_seconds=0.05)
    watch.start()
    log.append(1, Noted(mint(1, 1, 1), "x"))
    assert told.wait(5)
    watch.stop()
    assert heard[-1] == {0: 0, 1: 1}
