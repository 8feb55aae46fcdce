"""
What tests of cases have in common: people of the staff, subjects, decisions.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from domain.case_events import (
    CaseAppealed,
    CaseClaimed,
    CaseDecided,
    CaseOpened,
    CaseReported,
    Subject,
)
from domain.decision import Decision
from domain.disclosure_policy import Told
from domain.ids import DecisionId, mint
from domain.promise import Promise
from tests.domain.people import ANNA, BELA, BY_ANNA, sealed

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)

MOD = mint(0, 4, 1)
OTHER = mint(0, 4, 2)
THIRD = mint(0, 4, 3)

POST = Subject("post", BY_ANNA, ANNA)
REVIEW = Promise("review", NOW + timedelta(days=1), "calendar/1")
PREVIEW = Promise("preview", NOW + timedelta(days=3), "calendar/1")
APPEALS = Promise("appeal", NOW + timedelta(days=7), "calendar/1")

FLAGGED = CaseOpened(POST, "flagged", "screening", REVIEW, 2)
HELD = CaseOpened(POST, "held", "screening", REVIEW, 1)
OPENED_BY_REPORT = CaseOpened(POST, "report", "reports", REVIEW, 2)
BELAS_REPORT = CaseReported(mint(0, 1, 50), BELA, "spam")
CLAIMED = CaseClaimed(MOD, LATER, 2)


def decision_id(number: int) -> DecisionId:
    """The id of a decision."""
    return DecisionId(mint(1_790_000_400_000 + number, 1, number))


def appeal_of(number: int, **fields: Any) -> CaseAppealed:
    """Anna appeals a decision."""
    appeal, against = mint(0, 1, 59 + number), decision_id(number)
    appealed = CaseAppealed(appeal, against, ANNA, sealed("no!"), APPEALS, version=2)
    return msgspec.structs.replace(appealed, **fields)


def decision(number: int = 1, **fields: Any) -> Decision:
    """A decision: an unpublication, unless said otherwise."""
    base = Decision(
        id=decision_id(number),
        verdict="unpublish",
        ground="terms",
        clause="4.2",
        explanation=sealed("why"),
        category="spam",
        facts=sealed("facts"),
        on=2,
        cause="flagged",
        automated_detection=True,
        told=Told(),
        decided_at=NOW,
    )
    return msgspec.structs.replace(base, **fields)


APPEALED = appeal_of(1)


def decided(by: UUID = MOD, confirmed_by: UUID | None = None, **fields: Any) -> CaseDecided:
    """A decision that was made of Anna's post."""
    return CaseDecided(POST, decision(**fields), by, confirmed_by)
