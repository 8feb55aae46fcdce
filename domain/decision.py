"""
Decisions: what people decide of a case, and the reasons they give for it.

The reasons are those that the EU's Digital Services Act has a platform state (article 17), and the
whole of them is kept with every decision, whatever of it the member is told.
"""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.disclosure_policy import Told
from domain.ids import DecisionId
from domain.sealed import Sealed
from domain.verdicts import Verdict

#: Why somebody has to look: what screening did, what members said, or what staff saw.
Cause: TypeAlias = Literal[
    "held", "private_view", "flagged", "edit_held", "report", "by_hand", "appeal"
]

#: What was offended against: the law, or the terms that members agreed to.
Ground: TypeAlias = Literal["illegal", "terms"]

SanctionKind: TypeAlias = Literal["restriction", "suspension", "ban"]


class Strike(msgspec.Struct, frozen=True):
    """Weighs on the member's standing for so many days."""

    weight: int
    days: int


class Measure(msgspec.Struct, frozen=True):
    """A sanction decided on directly. ``days`` is None for good, which a ban always is."""

    kind: SanctionKind
    days: int | None


class Penalty(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a decision means for the member: a strike, a sanction, or both."""

    strike: Strike | None = None
    measure: Measure | None = None


class OnAppeal(msgspec.Struct, frozen=True):
    """Which appeal a decision answers, against which decision, and how."""

    appeal: UUID
    against: DecisionId
    outcome: Literal["upheld", "overturned"]


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    One decision, with its statement of reasons. Words are sealed: they are about somebody.

    :param clause: of the law or of the terms.
    :param facts: for the statement of reasons, free of personal data by whoever wrote them.
    :param note: for staff alone.
    :param on: the version of the subject's stream that it was decided on.
    :param cause: why the case was open.
    :param automated_detection: whether rules found it, and not people.
    :param told: what the member is told, by the policy of that moment.
    """

    id: DecisionId
    verdict: Verdict
    ground: Ground
    clause: str
    explanation: Sealed[str]
    category: str
    facts: Sealed[str]
    on: int
    cause: Cause
    automated_detection: bool
    told: Told
    decided_at: datetime
    note: Sealed[str] | None = None
    penalty: Penalty | None = None
    on_appeal: OnAppeal | None = None
