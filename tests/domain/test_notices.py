"""
Notices: what is wanted, and marks that only go on.
"""

from uuid import UUID

from hypothesis import given as generated
from hypothesis import strategies as st

from domain import notices as decisions
from domain.notices import (
    NOTICES,
    SINGLES_MAX,
    NoticePreferencesChanged,
    Notices,
    NoticesEvent,
    NoticesRead,
)
from tests.domain.people import ANNA

ONE, TWO = UUID(int=1), UUID(int=2)
MARKS = st.dictionaries(st.integers(0, 3), st.integers(1, 9), min_size=1)
READS = st.lists(st.tuples(MARKS, st.sampled_from([None, ONE, TWO])), max_size=20)


def after(*events: NoticesEvent) -> Notices:
    return NOTICES.fold(events, Notices())


def test_kinds_that_are_not_named_stay_as_they_are() -> None:
    quiet = after(NoticePreferencesChanged(ANNA, ("gift", "like")))
    assert decisions.prefer(quiet, ANNA, {"like": True, "share": False}) == (
        NoticePreferencesChanged(ANNA, ("gift", "share")),
    )
    assert decisions.prefer(quiet, ANNA, {"like": False, "badge": True}) == ()


def test_a_mark_of_all_makes_those_of_single_ones_needless() -> None:
    single = NoticesRead(ANNA, ((0, 5), (1, 2)), ONE)
    (whole,) = decisions.read(after(single), ANNA, {0: 5, 1: 3})
    assert whole == NoticesRead(ANNA, ((0, 5), (1, 3)), None, (ONE,))
    assert decisions.read(after(single, whole), ANNA, {1: 2}, TWO) == ()
    (further,) = decisions.read(after(single), ANNA, {0: 6})
    assert further == NoticesRead(ANNA, ((0, 6),), None, ()), "of cell 1 it says nothing"


def test_marks_of_single_ones_do_not_grow_for_ever() -> None:
    state = Notices()
    for number in range(SINGLES_MAX + 3):
        state = NOTICES.fold(decisions.read(state, ANNA, {0: 1}, UUID(int=number)), state)
    assert len(state.singles) == SINGLES_MAX
    assert UUID(int=2) not in state.singles
    assert UUID(int=3) in state.singles


@generated(READS)
def test_a_mark_never_goes_back(reads: list[tuple[dict[int, int], UUID | None]]) -> None:
    state, version = Notices(), 0
    reached: dict[tuple[UUID, int], int] = {}
    for until, notice in reads:
        events = decisions.read(state, ANNA, until, notice)
        state = NOTICES.fold(events, state, version)
        version += len(events)
        for cell, at in until.items():
            for one in (ONE, TWO) if notice is None else (notice,):
                reached[one, cell] = max(at, reached.get((one, cell), 0))
        for (one, cell), at in reached.items():
            single = state.singles.get(one, {}).get(cell, 0)
            assert max(state.read.get(cell, 0), single) == at
        assert decisions.read(state, ANNA, until, notice) == (), "said twice, done once"
