"""
How a caller hears: a whole batch of outcomes in one wake-up of each loop.

One ``call_soon_threadsafe`` a caller costs more than the append itself once a few hundred wait, so
outcomes are handed to a loop together. A caller without a loop gets a thread's future.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from concurrent.futures import Future, InvalidStateError
from typing import TypeAlias, cast

from adapters.log.batch import Result, Submission
from commands.ports import Append, Appended

Outcome: TypeAlias = "asyncio.Future[Appended] | Future[Appended]"


class QueuedTicket:
    """The caller's end of a queued append."""

    __slots__ = ("submission",)

    def __init__(self, submission: Submission) -> None:
        self.submission = submission

    @property
    def append(self) -> Append:
        """What was queued."""
        return self.submission.append

    @property
    def outcome(self) -> "asyncio.Future[Appended]":
        """Resolved after the commit; submitted outside a loop, a thread's future stands here."""
        return cast("asyncio.Future[Appended]", self.submission.outcome)


def make_outcome() -> Outcome:
    """A future of the running loop, or of no loop."""
    try:
        return asyncio.get_running_loop().create_future()
    except RuntimeError:
        return Future()


def deliver(results: Iterable[tuple[Submission, Result]]) -> None:
    """Resolve every caller, from any thread."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Appended], Result]]] = {}
    for submission, result in results:
        outcome: Outcome = submission.outcome
        if isinstance(outcome, Future):
            _resolve_thread(outcome, result)
        else:
            loops.setdefault(outcome.get_loop(), []).append((outcome, result))
    for loop, pairs in loops.items():
        # A loop that closed has nobody left to hear.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(resolve, pairs)


def resolve(pairs: Iterable[tuple["asyncio.Future[Appended]", Result]]) -> None:
    """Resolve futures of the running loop."""
    for outcome, result in pairs:
        if outcome.done():
            continue
        if isinstance(result, BaseException):
            outcome.set_exception(result)
            # Callers may have gone; an outcome that nobody fetches is no error.
            outcome.exception()
        else:
            outcome.set_result(result)


def _resolve_thread(outcome: "Future[Appended]", result: Result) -> None:
    # The writer and the watch may answer at once; the first one counts.
    with contextlib.suppress(InvalidStateError):
        if isinstance(result, BaseException):
            outcome.set_exception(result)
        else:
            outcome.set_result(result)
