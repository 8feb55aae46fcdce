"""
When which state of a stream can have been the current one, going by what clients saw.

An event took hold after the first of those who caused it had asked, and before the first of those
who were told of it had their answer. Between the two it may or may not have been there.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Self

import msgspec

from tests.faults.record import Logged, Write


class Step(msgspec.Struct, frozen=True):
    """
    One event of a stream, and the state from it on.

    :param since: not in force before this time.
    :param sure: certainly written by this time.
    """

    cell: int
    position: int
    version: int
    since: float
    sure: float
    on: bool
    text: str | None
    audience: str | None

    @classmethod
    def of(cls, event: Logged, writes: Sequence[Write]) -> Self:
        """The step that an event is, by those who asked for it."""
        ended = [write.ended for write in writes if write.ended is not None]
        return cls(
            cell=event.cell,
            position=event.position,
            version=event.version,
            since=min(write.began for write in writes),
            sure=min(ended, default=inf),
            on=event.type == "like.given.v1",
            text=_known(writes, "text"),
            audience=_known(writes, "audience"),
        )


class Timeline:
    """A stream's steps, in the order of the log. None stands for the time before the first."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def append(self, step: Step) -> None:
        """The next one; what it does not change stays as it was."""
        if self.steps:
            last = self.steps[-1]
            step = msgspec.structs.replace(
                step,
                text=last.text if step.text is None else step.text,
                audience=last.audience if step.audience is None else step.audience,
            )
        self.steps.append(step)

    def at_version(self, version: int) -> Step | None:
        """The step that made a version."""
        return next((step for step in self.steps if step.version == version), None)

    def floor(self, at_least: Mapping[int, int]) -> Step | None:
        """The last step at or before some positions."""
        known = [step for step in self.steps if step.position <= at_least.get(step.cell, 0)]
        return known[-1] if known else None

    def possible(self, began: float, ended: float) -> list[Step | None]:
        """All that may have been current at some moment of an interval."""
        sure = [step for step in self.steps if step.sure < began]
        return self.not_before(sure[-1] if sure else None, ended)

    def not_before(self, first: Step | None, ended: float) -> list[Step | None]:
        """A step and all later ones that may have been there by a time."""
        if first is None:
            return [None, *(step for step in self.steps if step.since < ended)]
        later = (step for step in self.steps if step.version > first.version)
        return [first, *(step for step in later if step.since < ended)]


def _known(writes: Sequence[Write], name: str) -> str | None:
    return next((value for write in writes if (value := getattr(write, name)) is not None), None)
