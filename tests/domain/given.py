"""
Given what happened, when something is decided, then this happens: how the domain's tests read.

The words are those of Behaviour-Driven Development, as emmett's `DeciderSpecification` has them.
"""

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from domain.event import Aggregate, Event, Refused

S = TypeVar("S")
P = ParamSpec("P")


class Decided:
    """What came of a decision: events, or a refusal."""

    def __init__(self, events: Sequence[Event], refused: Refused | None) -> None:
        self._events = tuple(events)
        self._refused = refused

    def then(self, *events: Event) -> None:
        """It was decided that these happen, in this order."""
        assert self._refused is None, f"refused: {self._refused}"
        assert self._events == events

    def then_nothing(self) -> None:
        """It was so already: said twice, done once."""
        self.then()

    def then_refused(self, problem: str, field: str | None = None) -> None:
        """A rule said no."""
        assert self._refused is not None, f"not refused: {self._events}"
        assert (self._refused.problem, self._refused.field) == (problem, field)


class given(Generic[S]):  # noqa: N801 - it is read as a word of a sentence
    """A stream to which ``events`` happened."""

    def __init__(self, aggregate: Aggregate[S], *events: Event) -> None:
        self.state = aggregate.fold(events, aggregate.initial)

    def when(
        self,
        decide: Callable[Concatenate[S, P], Sequence[Event]],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> Decided:
        """Something is decided there."""
        try:
            return Decided(decide(self.state, *arguments, **named), None)
        except Refused as no:
            return Decided((), no)


def interpreted_twice(
    aggregate: Aggregate[S], state: S, decide: Callable[[S], Sequence[Any]]
) -> tuple[Sequence[Event], Sequence[Event]]:
    """
    The events of a decision, and of the same decision made again after them. What is refused comes
    to no event.
    """

    def interpreted(at: S) -> Sequence[Event]:
        try:
            return decide(at)
        except Refused:
            return ()

    first = interpreted(state)
    return first, interpreted(aggregate.fold(first, state, 1_000))
