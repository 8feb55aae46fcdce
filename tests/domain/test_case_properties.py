"""
Whatever is done to a case, in whatever order, it is in no state that cannot be.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given as generated
from hypothesis import settings
from hypothesis import strategies as st

from domain import rulings
from domain.case import CASE, Case, Claimed, Closed, NoCase, Proposed
from domain.case_events import (
    CaseEvent,
    CaseReported,
)
from domain.casework import claim, escalate, fall_overdue, lapse, moot, open_case, release, report
from domain.decision import OnAppeal, Penalty, Strike
from domain.event import Refused
from domain.rulings import appeal, confirm, decide, decline
from tests.domain.casework import (
    APPEALS,
    MOD,
    NOW,
    OTHER,
    POST,
    PREVIEW,
    REVIEW,
    THIRD,
    decision,
    decision_id,
)
from tests.domain.people import ANNA, BELA, CARL, sealed


def _anything(case: Case, step: tuple[str, int, int]) -> Sequence[CaseEvent]:
    """One of all that can be attempted, by one of three, some minutes on."""
    what, who, minutes = step
    by, now = (MOD, OTHER, THIRD)[who], NOW + timedelta(minutes=minutes)
    member = (BELA, CARL, ANNA)[who]
    number = minutes
    ruled = decision(number, verdict="no_action", penalty=Penalty(Strike(1, 180)), decided_at=now)
    attempts: dict[str, Callable[[], Sequence[CaseEvent]]] = {
        "open": lambda: open_case(case, POST, "held", REVIEW, 1),
        "report": lambda: report(case, POST, CaseReported(by, member, "spam"), PREVIEW, 1),
        "claim": lambda: claim(case, by, now, 1),
        "release": lambda: release(case, by, now),
        "escalate": lambda: escalate(case, by, sealed("x"), now),
        "decide": lambda: decide(
            case,
            msgspec.structs.replace(
                ruled,
                penalty=None if _on_appeal(case, by) else ruled.penalty,
                on_appeal=_on_appeal(case, by),
            ),
            by,
            now,
            grave=who == 2,
        ),
        "confirm": lambda: confirm(case, rulings.proposal(case).decision, by),
        "decline": lambda: decline(case, by, None),
        "appeal": lambda: appeal(case, ANNA, by, _last_ruling(case), sealed("no"), APPEALS, now, 1),
        "lapse": lambda: lapse(case, now),
        "overdue": lambda: fall_overdue(case, REVIEW.due),
        "moot": lambda: moot(case, ANNA, "deleted", now),
    }
    try:
        return attempts[what]()
    except Refused:
        return ()


def _on_appeal(case: Case, by: Any) -> OnAppeal | None:
    return rulings.answering(case, "no_action", by)


def _last_ruling(case: Case) -> Any:
    rulings = () if isinstance(case, NoCase) else case.matter.rulings
    return rulings[-1].id if rulings else decision_id(0)


STEPS = st.tuples(
    st.sampled_from(
        ["open", "report", "claim", "release", "escalate", "decide", "decide", "confirm",
         "decline", "appeal", "appeal", "lapse", "overdue", "moot"]
    ),
    st.integers(0, 2),
    st.integers(0, 90),
)  # fmt: skip


@settings(max_examples=300)
@generated(st.lists(STEPS, min_size=10, max_size=60))
def test_whatever_is_done_no_case_is_in_a_state_that_cannot_be(
    steps: list[tuple[str, int, int]],
) -> None:
    case: Case = NoCase()
    version = 0
    for step in sorted(steps, key=lambda one: one[2]):
        events = _anything(case, step)
        before, case = case, CASE.fold(events, case, version)
        version += len(events)
        if not events:
            continue
        assert not isinstance(case, NoCase)
        matter = case.matter
        reporters = [one.reporter for one in matter.reports]
        assert len(set(reporters)) == len(reporters)
        assert ANNA not in reporters
        if not isinstance(before, NoCase):
            # What was decided is never taken back, only added to.
            known = [one.id for one in before.matter.rulings]
            assert [one.id for one in matter.rulings][: len(known)] == known
        assert len({one.against for one in matter.appeals}) == len(matter.appeals)
        for waiting in matter.appeals:
            assert not isinstance(case, Closed)
            against = matter.ruling(waiting.against)
            assert against is not None
            assert against.appealed
        first = matter.appeal()
        assert isinstance(case, Closed) or matter.new or first is not None
        if first is not None and not matter.new:
            assert not isinstance(case, Proposed)
            assert matter.promise == first.promise
            if isinstance(case, Claimed):
                assert case.by not in matter.ruling(first.against).deciders  # type: ignore[union-attr]
        for ruling in matter.rulings:
            assert len(set(ruling.deciders)) == len(ruling.deciders), "a second person is another"
