"""
How the harness speaks with a contestant: one JSON request a line, one JSON answer a line.

Every contestant is a process of its own, in an environment of its own, so that no library's
versions, garbage or threads disturb another's. This module needs the standard library alone: it
is imported in every one of those environments.
"""

import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol


class Round(NamedTuple):
    """How many events were acknowledged, in how many seconds."""

    events: int
    seconds: float


class Served(Protocol):
    """What the harness may ask things of, by the names of its methods."""

    def open(self, config: dict[str, Any]) -> dict[str, Any]:
        """Connect; what it returns is added to the config of further processes of its kind."""

    def close(self) -> None:
        """Let go of everything."""


class Contestant(Served, Protocol):
    """An event log to be measured."""

    def prepare(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Connect in the way that settings ask for, before a clock runs."""

    def append(
        self, callers: int, batch: int, seconds: float, settings: dict[str, Any]
    ) -> Round | dict[str, Any]:
        """So many callers append batches of so many events, each after the one before."""

    def read(self, limit: int, settings: dict[str, Any]) -> Round:
        """Read the log from its beginning, at most so many events, as the library decodes them."""


def serve(contestant: Served) -> None:
    """Answer the harness until it hangs up. What a library prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer = _answer(contestant, request)
            except Exception as error:  # noqa: BLE001 - told to the harness, which ends the run
                answer = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(answer), file=answers, flush=True)
    finally:
        contestant.close()


def _answer(contestant: Served, request: dict[str, Any]) -> dict[str, Any]:
    what = request.pop("do")
    result = getattr(contestant, what)(**request)
    return result._asdict() if isinstance(result, Round) else result


#: One caller's next append: it returns when the append is durable.
Step = Callable[[], object]


def closed_loop(callers: int, batch: int, seconds: float, make: Callable[[int], Step]) -> Round:
    """
    Threads that each append, and again as soon as they were answered, until the time is over.

    The clock runs from the common start to the last answer; what is in flight at the end counts.
    """
    steps = [make(number) for number in range(callers)]
    counts = [0] * callers
    start = threading.Barrier(callers + 1)
    failures: list[BaseException] = []
    end = 0.0

    def run(number: int) -> None:
        step, count = steps[number], 0
        start.wait()
        try:
            while True:
                step()
                count += 1
                if time.perf_counter() >= end:
                    break
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)
        counts[number] = count

    threads = [threading.Thread(target=run, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    end = began + seconds
    start.wait()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return Round(sum(counts) * batch, time.perf_counter() - began)


class Stream:
    """
    Names and versions for one caller.

    :param own: one stream for all its appends, instead of a new one each.
    """

    def __init__(self, own: bool) -> None:
        self._own = own
        self._id = uuid.uuid4()
        self._version = 0

    def next(self, batch: int) -> tuple[uuid.UUID, int]:
        """The stream to append to, and its version before."""
        if not self._own:
            return uuid.uuid4(), 0
        before = self._version
        self._version += batch
        return self._id, before
