"""
A member's standing: strikes, and the ladder that they climb to a sanction.

A strike weighs for a time, unless the decision that gave it is overturned. A sanction stands on a
decision, or on the weight of strikes; when what it stands on is gone, it is undone. The account's
own events follow from that in :mod:`domain.sanctions`.
"""

from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, assert_never
from uuid import UUID

import msgspec

from domain.decision import Penalty, SanctionKind
from domain.event import Aggregate
from domain.ids import CaseId, DecisionId, MemberId, StreamId, cell_of, derive
from domain.sealed import Sealed
from domain.standing_events import (
    SanctionImposed,
    SanctionLifted,
    StandingEvent,
    StrikeExpired,
    StrikeGiven,
    StrikeReversed,
)


class Rung(msgspec.Struct, frozen=True):
    """From this weight on, that sanction. ``days`` is None for good."""

    weight: int
    kind: SanctionKind
    days: int | None


class Ladder(msgspec.Struct, frozen=True):
    """One version of the ladder, the lowest rung first."""

    version: int
    rungs: tuple[Rung, ...]

    def reached(self, weight: int) -> Rung | None:
        """The highest rung that a weight reaches."""
        return max(
            (rung for rung in self.rungs if rung.weight <= weight),
            key=lambda rung: rung.weight,
            default=None,
        )


#: A change is a new version, added here: sanctions name the one they were imposed by.
LADDERS: Final[dict[int, Ladder]] = {
    1: Ladder(1, (Rung(3, "restriction", 7), Rung(6, "suspension", 30), Rung(10, "ban", None))),
}
LADDER: Final = LADDERS[1]

_GRAVITY: Final[tuple[SanctionKind, ...]] = ("restriction", "suspension", "ban")

StrikeState: TypeAlias = Literal["active", "expired", "reversed"]


class GivenStrike(msgspec.Struct, frozen=True):
    """A strike, for ever: one that has expired may still be reversed."""

    id: DecisionId
    weight: int
    expires_at: datetime
    state: StrikeState = "active"


class Sanction(msgspec.Struct, frozen=True):
    """
    A sanction in force.

    :param stands_on: the strikes that brought it, and those given since; none for one that was
        decided directly.
    """

    id: UUID
    kind: SanctionKind
    until: datetime | None
    decision: DecisionId
    reason: Sealed[str]
    ladder: int
    stands_on: tuple[DecisionId, ...] | None

    def outlasts(self, moment: datetime) -> bool:
        """Whether it is to last beyond a moment."""
        return self.until is None or self.until > moment


class Standing(msgspec.Struct, frozen=True):
    """Strikes and the sanctions in force, in the order in which they came."""

    strikes: tuple[GivenStrike, ...] = ()
    sanctions: tuple[Sanction, ...] = ()

    def weight(self, at: datetime) -> int:
        """What counts at a moment, whether or not a timer has come round to say so."""
        return sum(strike.weight for strike in self.counting(at))

    def counting(self, at: datetime) -> tuple[GivenStrike, ...]:
        """The strikes that count at a moment."""
        return tuple(
            strike for strike in self.strikes if strike.state == "active" and strike.expires_at > at
        )

    def strike(self, id: DecisionId) -> GivenStrike | None:
        """The strike that a decision gave."""
        return next((strike for strike in self.strikes if strike.id == id), None)

    def sanction(self, id: UUID) -> Sanction | None:
        """A sanction in force."""
        return next((one for one in self.sanctions if one.id == id), None)


def evolve(standing: Standing, event: StandingEvent, version: int) -> Standing:
    """The standing after one more event."""
    match event:
        case StrikeGiven():
            given = GivenStrike(event.strike, event.weight, event.expires_at)
            since = tuple(
                one
                if one.stands_on is None
                else msgspec.structs.replace(one, stands_on=(*one.stands_on, event.strike))
                for one in standing.sanctions
            )
            return Standing((*standing.strikes, given), since)
        case StrikeExpired(strike=id):
            return Standing(_become(standing, id, "expired"), standing.sanctions)
        case StrikeReversed(strike=id):
            return Standing(_become(standing, id, "reversed"), standing.sanctions)
        case SanctionImposed():
            return Standing(standing.strikes, (*standing.sanctions, _imposed(event)))
        case SanctionLifted(sanction=lifted):
            left = tuple(one for one in standing.sanctions if one.id != lifted)
            return Standing(standing.strikes, left)
        case _:
            assert_never(event)


def _become(standing: Standing, id: DecisionId, state: StrikeState) -> tuple[GivenStrike, ...]:
    return tuple(
        msgspec.structs.replace(strike, state=state) if strike.id == id else strike
        for strike in standing.strikes
    )


def _imposed(event: SanctionImposed) -> Sanction:
    return Sanction(
        id=event.sanction,
        kind=event.kind,
        until=event.until,
        decision=event.decision,
        reason=event.reason,
        ladder=event.ladder,
        stands_on=event.strikes if event.by_ladder else None,
    )


STANDING: Aggregate[Standing] = Aggregate("standing", Standing(), evolve)


def standing_stream(member: MemberId) -> StreamId:
    """The stream of a member's standing."""
    return StreamId(derive(cell_of(member), "standing", member))


# Decisions


def penalise(
    standing: Standing,
    member: MemberId,
    case: CaseId,
    decision: DecisionId,
    penalty: Penalty,
    reason: Sealed[str],
    at: datetime,
) -> tuple[StandingEvent, ...]:
    """
    What a decision's penalty comes to: its strike, its own sanction, and the sanction of the rung
    on which the strike leaves the member, unless one as grave is in force.
    """
    events: list[StandingEvent] = []
    if penalty.strike is not None:
        expires = at + timedelta(days=penalty.strike.days)
        events.append(StrikeGiven(member, decision, case, penalty.strike.weight, expires))
        standing = STANDING.fold(events, standing)
    counting = standing.counting(at)
    weight = sum(strike.weight for strike in counting)
    measure = penalty.measure
    if measure is not None:
        imposed = SanctionImposed(
            member,
            derive(cell_of(member), "sanction", decision),
            measure.kind,
            decision,
            reason,
            by_ladder=False,
            weight=weight,
            ladder=LADDER.version,
            until=_until(at, measure.days),
        )
        events.append(imposed)
        standing = evolve(standing, imposed, 0)
    rung = LADDER.reached(weight)
    if penalty.strike is None or rung is None or _as_grave(standing, rung.kind, at):
        return tuple(events)
    climbed = SanctionImposed(
        member,
        derive(cell_of(member), "sanction of the ladder", decision),
        rung.kind,
        decision,
        reason,
        by_ladder=True,
        weight=weight,
        ladder=LADDER.version,
        strikes=tuple(strike.id for strike in counting),
        until=_until(at, rung.days),
    )
    return (*events, climbed)


def _until(at: datetime, days: int | None) -> datetime | None:
    return None if days is None else at + timedelta(days=days)


def _as_grave(standing: Standing, kind: SanctionKind, at: datetime) -> bool:
    gravity = _GRAVITY.index(kind)
    return any(
        _GRAVITY.index(one.kind) >= gravity and one.outlasts(at) for one in standing.sanctions
    )


def overturn(
    standing: Standing, member: MemberId, decision: DecisionId, by: DecisionId, at: datetime
) -> tuple[StandingEvent, ...]:
    """
    Undo what a decision did to a member: its strike, what it imposed itself, and whatever the
    ladder imposed that the strikes left over would not have reached.
    """
    events: list[StandingEvent] = []
    strike = standing.strike(decision)
    if strike is not None and strike.state != "reversed":
        events.append(StrikeReversed(member, decision, by))
        standing = STANDING.fold(events, standing)
    events += [
        SanctionLifted(member, one.id, "overturned", at, by)
        for one in standing.sanctions
        if not _stands(standing, one, decision)
    ]
    return tuple(events)


def _stands(standing: Standing, sanction: Sanction, overturned: DecisionId) -> bool:
    """Whether a sanction outlives that a decision was overturned."""
    if sanction.stands_on is None:
        return sanction.decision != overturned
    weight = sum(
        strike.weight
        for strike in standing.strikes
        if strike.id in sanction.stands_on and strike.state != "reversed"
    )
    rungs = LADDERS[sanction.ladder].rungs
    return any(rung.kind == sanction.kind and weight >= rung.weight for rung in rungs)


def expire_strike(
    standing: Standing, member: MemberId, strike: DecisionId, due: datetime
) -> tuple[StandingEvent, ...]:
    """End a strike whose time is over, if it still counts."""
    found = standing.strike(strike)
    if found is None or found.state != "active" or found.expires_at != due:
        return ()
    return (StrikeExpired(member, strike, due),)


def end_sanction(
    standing: Standing, member: MemberId, sanction: UUID, due: datetime
) -> tuple[StandingEvent, ...]:
    """End a sanction whose time is over, if it is still in force."""
    found = standing.sanction(sanction)
    if found is None or found.until != due:
        return ()
    return (SanctionLifted(member, sanction, "expired", due),)
