"""
Waking readers: at once within the process, soon between processes.

A NOTIFY inside the append's transaction took two thirds of the throughput, so it is sent after the
commit, from a connection of its own, many commits in one. It is a hint that may be lost, doubled or
late; readers poll, and polling is the truth.
"""

import contextlib
import logging
import os
import select
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Engine

CHANNEL: Final = "homezone_log"
_PAUSE_SECONDS: Final = 0.01
_RECONNECT_SECONDS: Final = 0.5

logger = logging.getLogger("homezone.log")


class Wake:
    """What this process knows of the heads, and who waits for more."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heads: dict[int, int] = {}
        self._hints = 0

    def advance(self, heads: Mapping[int, int]) -> None:
        """These positions are durable."""
        with self._changed:
            known = self._heads
            for cell, position in heads.items():
                if position > known.get(cell, 0):
                    known[cell] = position
            self._changed.notify_all()

    def hint(self) -> None:
        """Somebody else may have written."""
        with self._changed:
            self._hints += 1
            self._changed.notify_all()

    def wait(self, known: Mapping[int, int], hints: int, timeout: float) -> tuple[bool, int]:
        """
        Wait for a position beyond ``known`` or a hint beyond ``hints``.

        :return: whether such a position is known here, and the number of hints so far.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                if any(at > known.get(cell, 0) for cell, at in self._heads.items()):
                    return True, self._hints
                left = deadline - time.monotonic()
                if self._hints != hints or left <= 0:
                    return False, self._hints
                self._changed.wait(left)

    def heads(self) -> dict[int, int]:
        """The highest positions heard of."""
        with self._changed:
            return dict(self._heads)

    def hints(self) -> int:
        """How many hints have come so far."""
        with self._changed:
            return self._hints


class Notifier:
    """A thread with a connection that tells other processes, and hears from them."""

    def __init__(self, engine: Engine, wake: Wake) -> None:
        self._engine = engine
        self._wake = wake
        self._due = threading.Event()
        self._closing = threading.Event()
        self._bell, self._rope = os.pipe()
        os.set_blocking(self._rope, False)
        self._thread = threading.Thread(target=self._run, name="log-notifier", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def notify(self) -> None:
        """Tell the others, soon; called after every commit, so it does next to nothing."""
        if not self._due.is_set():
            self._due.set()
            # A full pipe means that the thread has yet to wake up, and will.
            with contextlib.suppress(BlockingIOError):
                os.write(self._rope, b"!")

    def close(self) -> None:
        """Stop; what was not told yet is found by polling."""
        if self._closing.is_set():
            return
        self._closing.set()
        with contextlib.suppress(BlockingIOError):
            os.write(self._rope, b"!")
        self._thread.join()
        os.close(self._bell)
        os.close(self._rope)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._listen()
            except Exception as error:
                logger.info("no hints between servers for now", exc_info=error)
            # Not by the bell: what rang before the connection broke still rings.
            self._closing.wait(_RECONNECT_SECONDS)

    def _listen(self) -> None:
        pooled = self._engine.raw_connection()
        driver: Any = pooled.driver_connection
        pooled.detach()
        try:
            driver.autocommit = True
            cursor = driver.cursor()
            cursor.execute(f"LISTEN {CHANNEL}")
            self._wake.hint()
            while not self._closing.is_set():
                ready, _, _ = select.select([self._bell, driver], [], [])
                if self._bell in ready:
                    os.read(self._bell, 512)
                    # What is committed while this one pauses shares its message.
                    time.sleep(_PAUSE_SECONDS)
                    if self._due.is_set():
                        self._due.clear()
                        cursor.execute(f"NOTIFY {CHANNEL}")
                driver.poll()
                self._hear(driver)
        finally:
            driver.close()

    def _hear(self, driver: Any) -> None:
        own = driver.info.backend_pid
        heard = any(message.pid != own for message in driver.notifies)
        driver.notifies.clear()
        if heard:
            self._wake.hint()
