"""
Cases: who may do what to one, and when.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec
import pytest

from domain import casework
from domain.case import CASE, Case, Claimed, Closed, Open, case_of
from domain.case_events import (
    CaseClaimed,
    CaseClaimLapsed,
    CaseDecided,
    CaseDeclined,
    CaseEscalated,
    CaseEvent,
    CaseMooted,
    CaseNoted,
    CaseOpened,
    CaseOverdue,
    CaseProposed,
    CaseReleased,
    CaseReported,
    Subject,
)
from domain.casework import (
    CLAIM,
    claim,
    escalate,
    fall_overdue,
    lapse,
    moot,
    note,
    open_case,
    release,
    report,
)
from domain.decision import Penalty, Strike
from domain.event import Refused
from domain.ids import cell_of, mint
from domain.rulings import appeal, confirm, decide, decline
from tests.domain.casework import (
    APPEALED,
    APPEALS,
    BELAS_REPORT,
    CLAIMED,
    FLAGGED,
    HELD,
    LATER,
    MOD,
    NOW,
    OPENED_BY_REPORT,
    OTHER,
    POST,
    PREVIEW,
    REVIEW,
    decided,
    decision,
    decision_id,
)
from tests.domain.given import given
from tests.domain.people import ANNA, BELA, CARL, sealed

SOON = NOW + timedelta(minutes=1)
PROPOSED = CaseProposed(decision(), MOD)


# How it begins


def test_a_subject_has_one_case_in_the_cell_of_whose_it_is() -> None:
    case = case_of(POST)
    assert case == case_of(Subject("post", POST.id, ANNA))
    assert cell_of(case) == cell_of(ANNA)
    # One member's name and the member are two things under one id.
    assert case_of(Subject("nickname", ANNA, ANNA)) != case_of(Subject("member", ANNA, ANNA))


def test_what_is_open_is_not_opened_again_and_what_is_closed_is() -> None:
    given(CASE).when(open_case, POST, "flagged", REVIEW, 2).then(FLAGGED)
    given(CASE, FLAGGED).when(open_case, POST, "held", REVIEW, 3).then_nothing()
    given(CASE, FLAGGED, CLAIMED).when(open_case, POST, "held", REVIEW, 3).then_nothing()
    given(CASE, FLAGGED, PROPOSED).when(open_case, POST, "held", REVIEW, 3).then_nothing()
    closed = given(CASE, FLAGGED, decided())
    closed.when(open_case, POST, "by_hand", REVIEW, 5).then(
        CaseOpened(POST, "by_hand", "screening", REVIEW, 5)
    )


def test_a_case_that_is_opened_again_remembers_what_was_decided() -> None:
    again = given(CASE, FLAGGED, BELAS_REPORT, decided(), OPENED_BY_REPORT).state
    assert isinstance(again, Open)
    assert [ruling.id for ruling in again.matter.rulings] == [decision_id(1)]
    assert again.matter.reports == ()


def test_a_first_report_opens_the_case_and_later_ones_come_to_it() -> None:
    given(CASE).when(report, POST, BELAS_REPORT, REVIEW, 2).then(OPENED_BY_REPORT, BELAS_REPORT)
    carls = CaseReported(mint(0, 1, 51), CARL, "bullying", sealed("look"))
    given(CASE, FLAGGED, CLAIMED).when(report, POST, carls, REVIEW, 2).then(carls)
    both = given(CASE, OPENED_BY_REPORT, BELAS_REPORT, carls).state
    assert isinstance(both, Open)
    assert [one.reporter for one in both.matter.reports] == [BELA, CARL]


def test_a_reporter_counts_once_an_opening() -> None:
    again = msgspec.structs.replace(BELAS_REPORT, report=mint(0, 1, 52))
    once = given(CASE, OPENED_BY_REPORT, BELAS_REPORT)
    once.when(report, POST, again, REVIEW, 2).then_nothing()
    closed = given(CASE, OPENED_BY_REPORT, BELAS_REPORT, decided())
    closed.when(report, POST, again, REVIEW, 2).then(OPENED_BY_REPORT, again)


def test_nobody_reports_what_is_their_own() -> None:
    own = CaseReported(mint(0, 1, 53), ANNA, "spam")
    given(CASE).when(report, POST, own, REVIEW, 2).then_refused("own-subject", "/subject")


def test_a_report_makes_a_preview_due_as_soon_as_any_report() -> None:
    slow = CaseOpened(POST, "edit_held", "screening", PREVIEW, 2)
    sooner = msgspec.structs.replace(BELAS_REPORT, sooner=REVIEW)
    waiting = given(CASE, slow)
    waiting.when(report, POST, BELAS_REPORT, REVIEW, 2).then(sooner)
    reported = given(CASE, slow, sooner)
    assert isinstance(reported.state, Open)
    assert reported.state.matter.promise == REVIEW
    reported.when(fall_overdue, PREVIEW.due).then_nothing()


# Who is at it


def test_a_case_is_claimed_for_a_while_and_longer_by_claiming_again() -> None:
    given(CASE, FLAGGED).when(claim, MOD, NOW, 2).then(CLAIMED)
    claimed = given(CASE, FLAGGED, CLAIMED)
    claimed.when(claim, MOD, NOW, 2).then_nothing()
    claimed.when(claim, MOD, NOW, 3).then(CaseClaimed(MOD, LATER, 3))
    claimed.when(claim, MOD, SOON, 2).then(CaseClaimed(MOD, SOON + CLAIM, 2))
    claimed.when(claim, OTHER, SOON, 2).then_refused("case-claimed")


def test_a_claim_that_is_over_holds_nobody_up() -> None:
    """A timer that comes late changes nothing: whoever is next says it."""
    claimed, lapsed = given(CASE, FLAGGED, CLAIMED), CaseClaimLapsed(MOD, LATER)
    claimed.when(claim, OTHER, LATER, 2).then(lapsed, CaseClaimed(OTHER, LATER + CLAIM, 2))
    claimed.when(decide, decision(), OTHER, LATER, grave=False).then(lapsed, decided(OTHER))
    claimed.when(release, OTHER, LATER).then(lapsed)


def test_a_timer_ends_the_claim_that_it_was_set_for() -> None:
    given(CASE, FLAGGED, CLAIMED).when(lapse, LATER).then(CaseClaimLapsed(MOD, LATER))
    renewed = CaseClaimed(MOD, SOON + CLAIM, 2)
    given(CASE, FLAGGED, CLAIMED, renewed).when(lapse, LATER).then_nothing()
    given(CASE, FLAGGED, CLAIMED, CaseReleased(MOD)).when(lapse, LATER).then_nothing()
    given(CASE, FLAGGED, CLAIMED, decided()).when(lapse, LATER).then_nothing()


def test_who_claimed_a_case_releases_it() -> None:
    claimed = given(CASE, FLAGGED, CLAIMED)
    claimed.when(release, MOD, SOON).then(CaseReleased(MOD))
    claimed.when(release, OTHER, SOON).then_refused("case-claimed")
    given(CASE, FLAGGED).when(release, MOD, SOON).then_refused("not-claimed")


def test_what_is_hard_goes_to_a_queue_of_its_own() -> None:
    hard = CaseEscalated(MOD, "escalated", sealed("hard"))
    given(CASE, FLAGGED).when(escalate, MOD, sealed("hard"), NOW).then(hard)
    escalated = given(CASE, FLAGGED, CLAIMED, hard)
    assert isinstance(escalated.state, Open)
    assert escalated.state.matter.queue == "escalated"
    escalated.when(escalate, MOD, sealed("very"), NOW).then(
        CaseNoted(MOD, sealed("very"), "internal")
    )


def test_notes_are_taken_whatever_becomes_of_the_case() -> None:
    noted = CaseNoted(MOD, sealed("hm"), "internal")
    for history in ([FLAGGED], [FLAGGED, CLAIMED], [FLAGGED, PROPOSED], [FLAGGED, decided()]):
        given(CASE, *history).when(note, MOD, sealed("hm"), "internal").then(noted)
        before = given(CASE, *history).state
        assert given(CASE, *history, noted).state == before


# What is decided


def test_a_decision_closes_the_case_and_says_whom_to_tell() -> None:
    given(CASE, FLAGGED).when(decide, decision(), MOD, NOW, grave=False).then(decided())
    reported = given(CASE, OPENED_BY_REPORT, BELAS_REPORT, CLAIMED)
    reported.when(decide, decision(), MOD, NOW, grave=False).then(
        CaseDecided(POST, decision(), MOD, reporters=(BELA,))
    )
    given(CASE, FLAGGED, CLAIMED).when(decide, decision(), OTHER, NOW, grave=False).then_refused(
        "case-claimed"
    )


def test_a_grave_decision_waits_for_a_second_person() -> None:
    given(CASE, FLAGGED, CLAIMED).when(decide, decision(), MOD, NOW, grave=True).then(PROPOSED)
    proposed = given(CASE, FLAGGED, CLAIMED, PROPOSED)
    proposed.when(confirm, decision(), MOD).then_refused("same-person")
    proposed.when(confirm, decision(), OTHER).then(decided(MOD, OTHER))
    proposed.when(claim, OTHER, NOW, 2).then_refused("decision-proposed")
    proposed.when(release, OTHER, NOW).then_refused("decision-proposed")
    proposed.when(decide, decision(2), OTHER, NOW, grave=False).then_refused("decision-proposed")


def test_what_is_declined_waits_in_its_queue_again() -> None:
    proposed = given(CASE, FLAGGED, CLAIMED, PROPOSED)
    declined = CaseDeclined(decision_id(1), OTHER, sealed("no"))
    proposed.when(decline, OTHER, sealed("no")).then(declined)
    # Whoever proposed it may think better of it.
    proposed.when(decline, MOD, None).then(CaseDeclined(decision_id(1), MOD))
    waits = given(CASE, FLAGGED, CLAIMED, PROPOSED, declined).state
    assert waits == given(CASE, FLAGGED).state
    given(CASE, FLAGGED).when(decline, OTHER, None).then_refused("no-proposal")
    given(CASE, FLAGGED).when(confirm, decision(), OTHER).then_refused("no-proposal")


@pytest.mark.parametrize("verdict", ["approve", "restore"])
def test_where_nothing_was_wrong_there_is_no_penalty(verdict: str) -> None:
    lenient = decision(verdict=verdict, penalty=Penalty(Strike(1, 180)))
    refused = given(CASE, FLAGGED).when(decide, lenient, MOD, NOW, grave=False)
    refused.then_refused("penalty-not-possible", "/penalty")


Attempt = Callable[[Case], Sequence[CaseEvent]]

#: Every state, by a history that leads there, and what Mod and Other may do in it.
HISTORIES: dict[str, tuple[CaseEvent, ...]] = {
    "none": (),
    "open": (FLAGGED,),
    "claimed": (FLAGGED, CLAIMED),
    "proposed": (FLAGGED, PROPOSED),
    "decided": (FLAGGED, decided()),
    "mooted": (FLAGGED, CaseMooted(ANNA, "deleted")),
    "appealed": (FLAGGED, decided(), APPEALED),
}
ATTEMPTS: dict[str, Attempt] = {
    "claim": lambda case: claim(case, OTHER, SOON, 2),
    "release": lambda case: release(case, OTHER, SOON),
    "escalate": lambda case: escalate(case, OTHER, sealed("hard"), SOON),
    "decide": lambda case: decide(case, decision(2), OTHER, SOON, grave=False),
    "propose": lambda case: decide(case, decision(2), OTHER, SOON, grave=True),
    "confirm": lambda case: confirm(case, decision(), OTHER),
    "decline": lambda case: decline(case, OTHER, None),
    "note": lambda case: note(case, OTHER, sealed("hm"), "internal"),
    "appeal": lambda case: appeal(
        case, ANNA, mint(0, 1, 60), decision_id(1), sealed("no!"), APPEALS, SOON, 2
    ),
}
NO_ONE = dict.fromkeys(ATTEMPTS, "not-found")
CLOSED = dict.fromkeys(("claim", "release", "escalate", "decide", "propose"), "case-closed") | {
    "confirm": "no-proposal",
    "decline": "no-proposal",
}
REFUSALS: dict[str, dict[str, str]] = {
    "none": NO_ONE,
    "open": {
        "release": "not-claimed",
        "confirm": "no-proposal",
        "decline": "no-proposal",
        "appeal": "not-found",
    },
    "claimed": dict.fromkeys(("claim", "release", "escalate", "decide", "propose"), "case-claimed")
    | {"confirm": "no-proposal", "decline": "no-proposal", "appeal": "not-found"},
    "proposed": dict.fromkeys(
        ("claim", "release", "escalate", "decide", "propose"), "decision-proposed"
    )
    | {"appeal": "not-found"},
    "decided": CLOSED,
    "mooted": CLOSED | {"appeal": "not-found"},
    "appealed": {
        "release": "not-claimed",
        "confirm": "no-proposal",
        "decline": "no-proposal",
        "appeal": "already-appealed",
    },
}


@pytest.mark.parametrize("state", HISTORIES)
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_exactly_these_transitions_there_are(state: str, attempt: str) -> None:
    case = given(CASE, *HISTORIES[state]).state
    refusal = REFUSALS[state].get(attempt)
    if refusal is None:
        assert ATTEMPTS[attempt](case)
        return
    with pytest.raises(Refused) as refused:
        ATTEMPTS[attempt](case)
    assert refused.value.problem == refusal


# Promises


def test_a_promise_is_broken_once() -> None:
    overdue = CaseOverdue("review", REVIEW.due, REVIEW.due)
    for history in ([FLAGGED], [FLAGGED, CLAIMED], [FLAGGED, PROPOSED]):
        late = given(CASE, *history)
        late.when(fall_overdue, REVIEW.due).then(overdue)
        late.when(fall_overdue, NOW).then_nothing()
        given(CASE, *history, overdue).when(fall_overdue, REVIEW.due).then_nothing()
    given(CASE, FLAGGED, decided()).when(fall_overdue, REVIEW.due).then_nothing()
    given(CASE).when(fall_overdue, REVIEW.due).then_nothing()


def test_a_broken_promise_leaves_the_claim_as_it_is() -> None:
    overdue = CaseOverdue("review", REVIEW.due, REVIEW.due)
    state = given(CASE, FLAGGED, CLAIMED, overdue).state
    assert isinstance(state, Claimed)
    assert (state.by, state.matter.overdue) == (MOD, True)


def test_a_promise_is_broken_though_its_timer_comes_late() -> None:
    late = REVIEW.due + timedelta.resolution
    overdue = CaseOverdue("review", REVIEW.due, REVIEW.due)
    flagged = given(CASE, FLAGGED)
    flagged.when(decide, decision(), MOD, late, grave=False).then(overdue, decided())
    flagged.when(decide, decision(), MOD, REVIEW.due, grave=False).then(decided())
    flagged.when(moot, ANNA, "deleted", late).then(overdue, CaseMooted(ANNA, "deleted"))
    confirmed = decided(MOD, OTHER, decided_at=late)
    given(CASE, FLAGGED, PROPOSED).when(confirm, confirmed.decision, OTHER).then(overdue, confirmed)
    given(CASE, FLAGGED, overdue).when(decide, decision(), MOD, late, grave=False).then(decided())


# What the member takes away


def test_nothing_is_left_to_decide_of_what_the_member_took_away() -> None:
    mooted = CaseMooted(ANNA, "deleted")
    given(CASE, FLAGGED).when(moot, ANNA, "deleted", NOW).then(mooted)
    given(CASE, HELD, CLAIMED).when(moot, ANNA, "deleted", NOW).then(mooted)
    assert isinstance(given(CASE, FLAGGED, mooted).state, Closed)


@pytest.mark.parametrize(
    "history",
    [
        (),
        (OPENED_BY_REPORT, BELAS_REPORT),
        (FLAGGED, BELAS_REPORT),
        (FLAGGED, PROPOSED),
        (FLAGGED, decided()),
        (FLAGGED, decided(), APPEALED),
        (CaseOpened(POST, "by_hand", "screening", REVIEW, 2),),
    ],
)
def test_what_people_pointed_out_is_looked_at_all_the_same(
    history: tuple[CaseEvent, ...],
) -> None:
    given(CASE, *history).when(moot, ANNA, "deleted", NOW).then_nothing()


def test_only_what_waited_is_replaced() -> None:
    replaced = CaseMooted(ANNA, "replaced")
    given(CASE, HELD).when(moot, ANNA, "replaced", NOW, casework.UNSEEN).then(replaced)
    given(CASE, FLAGGED).when(moot, ANNA, "replaced", NOW, casework.UNSEEN).then_nothing()
