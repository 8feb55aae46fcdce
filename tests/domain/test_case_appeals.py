"""
Appeals: each is decided by somebody else, and neither holds up what is newer nor is held up by it.
"""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from domain import rulings
from domain.case import CASE, Appeal, Closed, NoCase, Open
from domain.case_events import (
    CaseClaimed,
    CaseDecided,
    CaseEvent,
    CaseOpened,
    CaseOverdue,
    CaseProposed,
    Remaining,
)
from domain.casework import claim, fall_overdue, open_case, report
from domain.decision import OnAppeal, Penalty, Strike
from domain.event import Refused
from domain.ids import mint
from domain.rulings import APPEAL, appeal, confirm, decide
from tests.domain.casework import (
    APPEALED,
    APPEALS,
    BELAS_REPORT,
    CLAIMED,
    FLAGGED,
    LATER,
    MOD,
    NOW,
    OPENED_BY_REPORT,
    OTHER,
    POST,
    REVIEW,
    THIRD,
    appeal_of,
    decided,
    decision,
    decision_id,
)
from tests.domain.given import given
from tests.domain.people import ANNA, BELA, sealed

PROPOSED = CaseProposed(decision(2), MOD)


def appealing(*history: CaseEvent, **changed: Any) -> Any:
    given_ = {"member": ANNA, "appeal": mint(0, 1, 60), "decision": decision_id(1),
              "statement": sealed("no!"), "promise": APPEALS, "now": NOW, "version": 2}  # fmt: skip
    return given(CASE, *history).when(appeal, **{**given_, **changed})


def test_the_member_appeals_a_decision_once() -> None:
    appealing(FLAGGED, decided()).then(APPEALED)
    appealing(FLAGGED, decided(), APPEALED).then_refused("already-appealed", "/decision")
    appealing(FLAGGED, decided(), member=BELA).then_refused("not-found")
    appealing(FLAGGED, decided(), decision=decision_id(9)).then_refused("not-found")


def test_an_appeal_is_in_time_for_180_days() -> None:
    appealing(FLAGGED, decided(), now=NOW + APPEAL).then(APPEALED)
    late = appealing(FLAGGED, decided(), now=NOW + APPEAL + timedelta.resolution)
    late.then_refused("appeal-too-late", "/decision")


@pytest.mark.parametrize("verdict", ["approve", "restore", "no_action"])
def test_what_takes_nothing_away_is_not_appealed(verdict: str) -> None:
    mild = decided(verdict=verdict)
    appealing(FLAGGED, mild).then_refused("not-appealable", "/decision")


def test_a_penalty_alone_is_appealed_too() -> None:
    appealing(FLAGGED, decided(verdict="no_action", penalty=Penalty(Strike(1, 180)))).then(APPEALED)


def test_an_appeal_reopens_the_case_for_somebody_else() -> None:
    appealed = given(CASE, FLAGGED, BELAS_REPORT, decided(MOD, OTHER), APPEALED)
    assert isinstance(appealed.state, Open)
    matter = appealed.state.matter
    assert (matter.queue, matter.cause, matter.promise) == ("appeals", "appeal", APPEALS)
    assert matter.reports == ()
    for decider in (MOD, OTHER):
        appealed.when(claim, decider, NOW, 2).then_refused("same-person")
        with pytest.raises(Refused, match="same-person"):
            rulings.answering(appealed.state, "restore", decider)
    appealed.when(claim, THIRD, NOW, 2).then(CaseClaimed(THIRD, LATER, 2))


def test_an_appeal_leaves_what_is_newer_as_it_is() -> None:
    """Who is at it goes on, what is proposed is not cancelled, and it may be taken down."""
    beside = appeal_of(1, beside=True)
    for newer in ((), (CLAIMED,), (PROPOSED,)):
        history = (FLAGGED, decided(), OPENED_BY_REPORT, BELAS_REPORT, *newer)
        appealing(*history).then(beside)
        before, state = given(CASE, *history).state, given(CASE, *history, beside).state
        assert not isinstance(before, NoCase)
        assert not isinstance(state, NoCase)
        waits = (Appeal(beside.appeal, decision_id(1), APPEALS),)
        assert state.matter.appeals == waits
        assert state.matter.ruling(decision_id(1)).appealed  # type: ignore[union-attr]
        rulings = before.matter.rulings
        assert (
            msgspec.structs.replace(
                state, matter=msgspec.structs.replace(state.matter, appeals=(), rulings=rulings)
            )
            == before
        )


def test_an_appeal_shields_nothing() -> None:
    """Who took part in what is appealed decides what is newer, and takes it down at that."""
    history = (FLAGGED, decided(), OPENED_BY_REPORT, BELAS_REPORT, appeal_of(1, beside=True))
    both = given(CASE, *history, CLAIMED)
    given(CASE, *history).when(claim, MOD, NOW, 2).then(CLAIMED)
    assert rulings.answering(both.state, "unpublish", MOD) is None
    goes_on = Remaining("appeal", "appeals", APPEALS)
    second = decision(2)
    settled = CaseDecided(POST, second, MOD, None, (BELA,), goes_on)
    both.when(decide, second, MOD, NOW, grave=False).then(settled)
    state = given(CASE, *history, settled).state
    assert isinstance(state, Open)
    assert (state.matter.cause, state.matter.queue) == ("appeal", "appeals")
    assert (state.matter.promise, state.matter.reports) == (APPEALS, ())


def test_a_proposal_that_an_appeal_came_to_is_confirmed() -> None:
    history = (FLAGGED, decided(), OPENED_BY_REPORT, CaseProposed(decision(2), MOD))
    both = given(CASE, *history, appeal_of(1, beside=True))
    goes_on = Remaining("appeal", "appeals", APPEALS)
    both.when(confirm, decision(2), OTHER).then(
        CaseDecided(POST, decision(2), MOD, OTHER, (), goes_on)
    )


def test_an_appeal_is_answered_though_something_newer_is_open() -> None:
    history = (FLAGGED, decided(), OPENED_BY_REPORT, BELAS_REPORT, appeal_of(1, beside=True))
    both = given(CASE, *history)
    answer = rulings.answering(both.state, "no_action", THIRD, decision_id(1))
    assert answer is not None
    upheld = decision(2, verdict="no_action", on_appeal=answer)
    goes_on = Remaining("report", "reports", REVIEW)
    settled = CaseDecided(POST, upheld, THIRD, goes_on=goes_on)
    both.when(decide, upheld, THIRD, NOW, grave=False).then(settled)
    state = given(CASE, *history, settled).state
    assert isinstance(state, Open)
    assert state.matter.appeals == ()
    assert [one.reporter for one in state.matter.reports] == [BELA]
    with pytest.raises(Refused, match="same-person"):
        rulings.answering(both.state, "no_action", MOD, decision_id(1))
    for case in (both.state, given(CASE, FLAGGED).state):
        with pytest.raises(Refused, match="not-appealed"):
            rulings.answering(case, "no_action", THIRD, decision_id(7))


def test_what_comes_up_while_an_appeal_waits_is_a_matter_of_its_own() -> None:
    appealed = given(CASE, FLAGGED, decided(), APPEALED)
    by_report = CaseOpened(POST, "report", "reports", REVIEW, 4, beside=True)
    appealed.when(report, POST, BELAS_REPORT, REVIEW, 4).then(by_report, BELAS_REPORT)
    held = CaseOpened(POST, "edit_held", "screening", REVIEW, 4, beside=True)
    appealed.when(open_case, POST, "edit_held", REVIEW, 4).then(held)
    both = given(CASE, FLAGGED, decided(), APPEALED, by_report, BELAS_REPORT)
    assert isinstance(both.state, Open)
    assert both.state.matter.promise == REVIEW
    assert [one.against for one in both.state.matter.appeals] == [decision_id(1)]
    both.when(open_case, POST, "edit_held", REVIEW, 4).then_nothing()


def test_who_means_an_appeal_does_not_decide_what_came_while_they_wrote() -> None:
    claimed = CaseClaimed(THIRD, LATER, 2)
    newer = CaseOpened(POST, "report", "reports", REVIEW, 2, beside=True)
    both = given(CASE, FLAGGED, decided(), APPEALED, claimed, newer, BELAS_REPORT).state
    with pytest.raises(Refused, match="appeal-waits"):
        rulings.answering(both, "no_action", THIRD)
    answer = rulings.answering(both, "no_action", THIRD, decision_id(1))
    assert answer == OnAppeal(APPEALED.appeal, decision_id(1), "upheld")


def test_two_decisions_may_be_appealed_at_once() -> None:
    """Neither appeal takes the place of the other."""
    history = (FLAGGED, decided(), OPENED_BY_REPORT, decided(number=2), APPEALED)
    second = appeal_of(2, beside=True)
    appealing(*history, decision=decision_id(2), appeal=second.appeal).then(second)
    both = given(CASE, *history, second)
    assert not isinstance(both.state, NoCase)
    assert [one.against for one in both.state.matter.appeals] == [decision_id(1), decision_id(2)]
    answer = rulings.answering(both.state, "no_action", THIRD)
    assert answer == OnAppeal(APPEALED.appeal, decision_id(1), "upheld")
    upheld = decision(3, verdict="no_action", on_appeal=answer)
    goes_on = Remaining("appeal", "appeals", APPEALS)
    both.when(decide, upheld, THIRD, NOW, grave=False).then(
        CaseDecided(POST, upheld, THIRD, goes_on=goes_on)
    )


def test_an_appeal_that_waited_too_long_beside_something_newer_is_said_to() -> None:
    late = APPEALS.due + timedelta.resolution
    overdue = CaseOverdue("appeal", APPEALS.due, APPEALS.due)
    reviewed = CaseOverdue("review", REVIEW.due, REVIEW.due)
    history = (FLAGGED, decided(), OPENED_BY_REPORT, appeal_of(1, beside=True), reviewed)
    both = given(CASE, *history)
    answer = rulings.answering(both.state, "no_action", THIRD, decision_id(1))
    upheld = decision(2, verdict="no_action", on_appeal=answer)
    goes_on = Remaining("report", "reports", REVIEW, overdue=True)
    settled = CaseDecided(POST, upheld, THIRD, goes_on=goes_on)
    both.when(decide, upheld, THIRD, late, grave=False).then(overdue, settled)
    # Or its time is over once it is its turn; the timer, armed late, says so.
    turn = CaseDecided(POST, decision(2), MOD, goes_on=Remaining("appeal", "appeals", APPEALS))
    given(CASE, *history, turn).when(fall_overdue, APPEALS.due).then(overdue)


def test_an_appeal_that_was_overdue_stays_so_while_something_newer_is_decided() -> None:
    overdue = CaseOverdue("appeal", APPEALS.due, APPEALS.due)
    again = CaseOpened(POST, "report", "reports", REVIEW, 4, beside=True)
    both = given(CASE, FLAGGED, decided(), APPEALED, overdue, again)
    assert isinstance(both.state, Open)
    assert not both.state.matter.overdue
    goes_on = Remaining("appeal", "appeals", APPEALS, overdue=True)
    both.when(decide, decision(2), MOD, NOW, grave=False).then(
        CaseDecided(POST, decision(2), MOD, goes_on=goes_on)
    )


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [("restore", "overturned"), ("approve", "overturned"), ("no_action", "upheld")],
)
def test_an_appeal_is_upheld_or_overturned(verdict: Any, outcome: Any) -> None:
    appealed = given(CASE, FLAGGED, decided(), APPEALED).state
    answer = OnAppeal(APPEALED.appeal, decision_id(1), outcome)
    assert rulings.answering(appealed, verdict, THIRD) == answer
    final = decided(THIRD, number=2, verdict=verdict, on_appeal=answer)
    closed = given(CASE, FLAGGED, decided(), APPEALED, final)
    assert isinstance(closed.state, Closed)
    assert closed.state.matter.appeals == ()
    appealing(FLAGGED, decided(), APPEALED, final, decision=decision_id(2)).then_refused(
        "not-appealable", "/decision"
    )


@pytest.mark.parametrize("verdict", ["reject", "unpublish"])
def test_an_appeal_makes_nothing_worse(verdict: Any) -> None:
    appealed = given(CASE, FLAGGED, decided(), APPEALED).state
    with pytest.raises(Refused, match="verdict-not-possible"):
        rulings.answering(appealed, verdict, THIRD)
    answer = OnAppeal(APPEALED.appeal, decision_id(1), "upheld")
    harsh = decision(2, verdict="no_action", on_appeal=answer, penalty=Penalty(Strike(1, 180)))
    given(CASE, FLAGGED, decided(), APPEALED).when(
        decide, harsh, THIRD, NOW, grave=False
    ).then_refused("penalty-not-possible", "/penalty")


def test_only_the_last_decision_that_took_it_away_gives_it_back() -> None:
    restored = decided(number=2, verdict="restore")
    again = decided(number=3)
    state = given(CASE, FLAGGED, decided(), FLAGGED, restored, FLAGGED, again).state
    assert isinstance(state, Closed)
    assert not rulings.gives_back(state.matter, decision_id(1))
    assert rulings.gives_back(state.matter, decision_id(3))


def test_an_appeal_that_was_won_of_something_else_gives_back_nothing() -> None:
    penalty = decided(number=2, verdict="no_action", penalty=Penalty(Strike(1, 180)))
    answer = OnAppeal(APPEALED.appeal, decision_id(2), "overturned")
    won = decided(THIRD, number=3, verdict="restore", on_appeal=answer)
    against = msgspec.structs.replace(APPEALED, decision=decision_id(2))
    state = given(CASE, FLAGGED, decided(), FLAGGED, penalty, against, won).state
    assert isinstance(state, Closed)
    assert rulings.gives_back(state.matter, decision_id(1))
