"""
What happens to a member's standing: strikes, and the sanctions that they and decisions bring.

Each event names the decision that is its cause, and so the reasons that were given for it.
"""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from domain.decision import SanctionKind
from domain.event import Event
from domain.ids import CaseId, DecisionId, MemberId
from domain.sealed import Sealed


class StrikeGiven(Event, frozen=True, tag="strike.given.v1"):
    """
    A decision weighs on the member until then. The strike is known by its decision.

    :param given_at: from when on; older strikes do not say, nor for what ``reason``.
    :param reason: the decision's explanation, for what the strike brings once another is reversed.
    :param ladder: the version of the ladder that it climbs; older strikes, the first.
    """

    member: MemberId
    strike: DecisionId
    case: CaseId
    weight: int
    expires_at: datetime
    given_at: datetime | None = None
    reason: Sealed[str] | None = None
    ladder: int | None = None


class StrikeExpired(Event, frozen=True, tag="strike.expired.v1"):
    """It weighs nothing from ``effective_at`` on."""

    member: MemberId
    strike: DecisionId
    effective_at: datetime


class StrikeReversed(Event, frozen=True, tag="strike.reversed.v1"):
    """It ought not to have been: decision ``by`` overturned its own."""

    member: MemberId
    strike: DecisionId
    by: DecisionId


class SanctionImposed(Event, frozen=True, tag="sanction.imposed.v1"):
    """
    The member is restricted, suspended or banned; the account's event bears the sanction's id.

    :param decision: its cause; one of the ladder may be imposed later, once another is overturned.
    :param reason: the decision's explanation.
    :param by_ladder: the weight of ``strikes`` brought it, rather than the decision itself.
    :param weight: of the strikes that counted when the decision was taken.
    :param ladder: the version of the ladder.
    :param until: None for good.
    """

    member: MemberId
    sanction: UUID
    kind: SanctionKind
    decision: DecisionId
    reason: Sealed[str]
    by_ladder: bool
    weight: int
    ladder: int
    strikes: tuple[DecisionId, ...] = ()
    until: datetime | None = None


class SanctionLifted(Event, frozen=True, tag="sanction.lifted.v1"):
    """
    It is over, from ``effective_at`` on: its time was, or a decision ``by`` overturned what it
    stood on. (``reinstated`` is of older histories, where an operator ended what decisions had
    imposed.)
    """

    member: MemberId
    sanction: UUID
    why: Literal["expired", "overturned", "reinstated"]
    effective_at: datetime
    by: DecisionId | None = None


StandingEvent: TypeAlias = (
    StrikeGiven | StrikeExpired | StrikeReversed | SanctionImposed | SanctionLifted
)
