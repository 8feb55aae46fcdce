"""
What happens to a case, as it is read: by staff, by its member, and by those who reported it.
"""

from typing import Any

import msgspec
import pytest
from sqlalchemy import Table

from domain.case_events import CaseDecided, CaseNoted
from domain.ids import cell_of
from projections.cases import BREACHES, CASES
from projections.catalogue import READ_MODELS
from projections.decisions import DECISIONS, PUBLIC_NOTES
from projections.reports import REPORTS
from projections.rows import Add, Change, Drop
from projections.standings import SANCTIONS, STRIKES
from tests.projections.recorded import NOON, recorded
from tests.samples.stored import STORED, sample


def rows(name: str, table: Table) -> list[Change]:
    event = recorded(sample(name))
    return [one for model in READ_MODELS for one in model.rows(event) if one.table is table]


def values(name: str, table: Table) -> dict[str, Any]:
    (only,) = rows(name, table)
    assert not isinstance(only, Drop)
    return dict(only.values)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("case.opened.v1", "open"),
        ("case.claimed.v1", "claimed"),
        ("case.claim_lapsed.v1", "open"),
        ("case.released.v1", "open"),
        ("case.escalated.v1", "open"),
        ("case.proposed.v1", "proposed"),
        ("case.declined.v1", "open"),
        ("case.decided.v1", "closed"),
        ("case.mooted.v1", "closed"),
        ("case.appealed.v1", "open"),
    ],
)
def test_a_case_is_where_its_last_event_left_it(name: str, state: str) -> None:
    changed = values(name, CASES)
    assert changed["state"] == state
    assert (changed["claimed_by"] is not None) == (state == "claimed")
    assert (changed["claimed_until"] is not None) == (state == "claimed")


@pytest.mark.parametrize("name", ["case.noted.v1", "case.overdue.v1", "case.reported.v1"])
def test_some_events_take_a_case_from_nobody(name: str) -> None:
    assert "state" not in values(name, CASES)
    assert "claimed_by" not in values(name, CASES)


def test_an_appeal_moves_a_case_and_its_promise() -> None:
    event, changed = sample("case.appealed.v1"), values("case.appealed.v1", CASES)
    assert (changed["queue"], changed["cause"], changed["overdue"]) == ("appeals", "appeal", False)
    assert changed["due_at"] == event.promise.due  # type: ignore[attr-defined]


def test_a_report_may_hurry_a_case() -> None:
    for name in STORED:
        if name.startswith("case.reported.v1"):
            sooner = sample(name).sooner  # type: ignore[attr-defined]
            changed = values(name, CASES)
            assert changed.get("due_at") == (None if sooner is None else sooner.due)


def test_broken_promises_add_up_by_kind() -> None:
    (only,) = rows("case.overdue.v1", BREACHES)
    assert isinstance(only, Add)
    assert only.key[1] == sample("case.overdue.v1").promise  # type: ignore[attr-defined]
    assert only.values == {"count": 1}


def test_a_decision_keeps_its_reasons_sealed() -> None:
    event = sample("case.decided.v1")
    assert isinstance(event, CaseDecided)
    changed, said = values("case.decided.v1", DECISIONS), event.decision
    assert changed["explanation"] == said.explanation.envelope
    assert changed["facts"] == said.facts.envelope
    assert said.note is not None
    assert said.note.envelope not in changed.values(), "notes for staff stay in the log"
    assert event.by not in changed.values(), "who decided is for staff to know"
    assert (changed["strike_weight"], changed["measure"]) == (3, "suspension")


def test_a_sanction_is_told_with_the_decision_that_caused_it() -> None:
    for name, column in (
        ("sanction.imposed.v1", "ladder"),
        ("sanction.imposed.v1-direct", "measure"),
    ):
        changed = values(name, DECISIONS)
        assert changed.keys() == {column, f"{column}_until", "stated"}
        assert changed["stated"], "what restricts somebody is reported"


def test_the_answer_to_an_appeal_is_told_with_what_it_was_against() -> None:
    event = sample("case.decided.v1-on-appeal")
    assert isinstance(event, CaseDecided)
    assert event.decision.on_appeal is not None
    against = event.decision.on_appeal.against
    (answered,) = [one for one in rows("case.decided.v1-on-appeal", DECISIONS)
                   if one.key[1] == against]  # fmt: skip
    assert not isinstance(answered, Drop)
    assert answered.values["appeal"] == "overturned"


@pytest.mark.parametrize(
    ("verdict", "penalised", "cause", "told"),
    [
        ("no_action", False, "report", False), ("no_action", True, "report", True),
        ("unpublish", False, "report", True), ("approve", False, "report", False),
        ("approve", False, "flagged", False), ("approve", False, "by_hand", False),
        ("approve", False, "held", True), ("approve", False, "private_view", True),
        ("approve", False, "edit_held", True),
    ],
)  # fmt: skip
def test_nobody_hears_that_somebody_looked_and_found_nothing(
    verdict: Any, penalised: bool, cause: Any, told: bool
) -> None:
    event = sample("case.decided.v1")
    assert isinstance(event, CaseDecided)
    penalty = event.decision.penalty if penalised else None
    decision = msgspec.structs.replace(
        event.decision, verdict=verdict, penalty=penalty, cause=cause
    )
    made = recorded(msgspec.structs.replace(event, decision=decision))
    (row,) = [one for model in READ_MODELS for one in model.rows(made) if one.table is DECISIONS]
    assert not isinstance(row, Drop)
    assert row.values["concerns_owner"] is told


def test_every_reporter_hears_whether_anything_was_done_and_no_more() -> None:
    event = sample("case.decided.v1")
    assert isinstance(event, CaseDecided)
    told = rows("case.decided.v1", REPORTS)
    assert {one.key[1] for one in told} == set(event.reporters)
    for one in told:
        assert one.key[0] == cell_of(one.key[1]), "in the reporter's cell"
        assert not isinstance(one, Drop)
        assert one.values == {"outcome": "acted", "decided_at": event.decision.decided_at}


def test_only_notes_for_the_member_are_read_by_the_member() -> None:
    event = sample("case.noted.v1")
    assert isinstance(event, CaseNoted)
    for visibility, count in (("public", 1), ("internal", 0)):
        made = recorded(msgspec.structs.replace(event, visibility=visibility))
        notes = [one for model in READ_MODELS for one in model.rows(made)
                 if one.table is PUBLIC_NOTES]  # fmt: skip
        assert len(notes) == count


def test_strikes_and_sanctions_end_for_a_reason() -> None:
    assert values("strike.given.v1", STRIKES)["state"] == "active"
    assert values("strike.given.v1", STRIKES)["given_at"] == NOON
    assert values("strike.expired.v1", STRIKES) == {"state": "expired"}
    assert values("strike.reversed.v1", STRIKES) == {"state": "reversed"}
    lifted = values("sanction.lifted.v1-expired", SANCTIONS)
    assert lifted["state"] == "expired"
    assert values("sanction.imposed.v1", SANCTIONS)["state"] == "in_force"
