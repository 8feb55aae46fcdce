"""
Reading ahead gives what reading gives, whatever ends a batch, and stops when nobody wants more.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.event import Event, Recorded
from replay.ahead import Stretch, read_ahead
from tests.projections.engine.toys import Noted, recorded_of

SOME = UUID(int=5)


class Log:
    """A cell of so many events; every so many of them fill a batch."""

    def __init__(self, length: int, full: int) -> None:
        self.events = [recorded_of(0, at, Noted(SOME, "x")) for at in range(1, length + 1)]
        self.full = full
        self.asked: list[int] = []

    def read(
        self,
        cell: int,
        after: int,
        limit: int,
        until: int | None = None,
        types: Collection[type[Event]] | None = None,
        *,
        bytes_max: int | None = None,
    ) -> Sequence[Recorded]:
        assert (cell, types, bytes_max) == (0, None, 8)
        self.asked.append(after)
        return self.events[after:until][: min(limit, self.full)]

    def heads(self) -> Mapping[int, int]:
        return {0: len(self.events)}


@given(st.integers(0, 40), st.integers(1, 9), st.integers(1, 9), st.data())
def test_it_gives_every_event_once_and_in_order(
    length: int, limit: int, full: int, data: st.DataObject
) -> None:
    log = Log(length, full)
    until = data.draw(st.integers(0, length))
    after = data.draw(st.integers(0, until))
    batches = list(read_ahead(log, [Stretch(0, after, until)] * 2, limit, 8))
    assert [one for batch in batches for one in batch] == log.events[after:until] * 2
    assert all(0 < len(batch) <= limit for batch in batches)


def test_who_stops_reading_stops_what_was_begun() -> None:
    log = Log(1_000, 10)
    batches = read_ahead(log, [Stretch(0, 0, 1_000)], 10, 8)
    assert len(next(batches)) == 10
    batches.close()  # type: ignore[attr-defined]
    assert len(log.asked) <= 3


def test_who_wants_some_types_hears_that_it_goes_on_where_there_are_none() -> None:
    class Sparse(Log):
        def read(
            self,
            cell: int,
            after: int,
            limit: int,
            until: int | None = None,
            *_: object,
            **__: object,
        ) -> list[Recorded]:
            return [one for one in self.events[after:until] if one.position == 25][:limit]

    batches = read_ahead(Sparse(40, 10), [Stretch(0, 0, 40)], 10, 8, {Noted})
    assert [len(batch) for batch in batches] == [0, 0, 1, 0]


def test_an_error_is_raised_where_it_is_reached() -> None:
    class Broken(Log):
        def read(self, cell: int, after: int, *more: object, **named: object) -> list[Recorded]:
            if after >= 20:
                raise ConnectionError
            return list(super().read(cell, after, *more, **named))  # type: ignore[arg-type]

    batches = read_ahead(Broken(100, 10), [Stretch(0, 0, 100)], 10, 8)
    assert [len(next(batches)), len(next(batches))] == [10, 10]
    try:
        next(batches)
    except ConnectionError:
        return
    raise AssertionError("the third batch cannot be read")
