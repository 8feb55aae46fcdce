"""
A member's standing: strikes, and the ladder that they climb to a sanction.

A strike weighs for a time, unless the decision that gave it is overturned. A sanction stands on a
decision, or on the weight of strikes; when a decision is overturned, the ladder is climbed again
without it (:mod:`domain.ladder`). The account's own events follow in :mod:`domain.sanctions`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, assert_never
from uuid import UUID

import msgspec

from domain.decision import Penalty, SanctionKind
from domain.event import Aggregate
from domain.ids import CaseId, DecisionId, MemberId, StreamId, cell_of, derive
from domain.ladder import (
    GRAVITY,
    LADDER,
    Climb,
    GivenStrike,
    Sanction,
    StrikeState,
    climb,
    climbed,
)
from domain.sealed import Sealed
from domain.standing_events import (
    SanctionImposed,
    SanctionLifted,
    StandingEvent,
    StrikeExpired,
    StrikeGiven,
    StrikeReversed,
)

#: For how long older strikes, which do not say when they were given, are taken to have been for.
USUAL_TERM: Final = timedelta(days=180)
#: What they climb.
FIRST_LADDER: Final = 1


class Standing(msgspec.Struct, frozen=True):
    """
    Strikes and the sanctions in force, in the order in which they came.

    :param measures: what decisions imposed themselves, over or not, unless they were overturned.
    """

    strikes: tuple[GivenStrike, ...] = ()
    sanctions: tuple[Sanction, ...] = ()
    measures: tuple[Sanction, ...] = ()

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
    change = msgspec.structs.replace
    match event:
        case StrikeGiven():
            return change(standing, strikes=(*standing.strikes, _given(event)))
        case StrikeExpired(strike=id):
            return change(standing, strikes=_become(standing, id, "expired"))
        case StrikeReversed(strike=id):
            return change(standing, strikes=_become(standing, id, "reversed"))
        case SanctionImposed():
            imposed = _imposed(event, len(standing.strikes))
            measures = standing.measures if event.by_ladder else (*standing.measures, imposed)
            return change(standing, sanctions=(*standing.sanctions, imposed), measures=measures)
        case SanctionLifted(sanction=lifted, why=why):
            left = _without(standing.sanctions, lifted)
            measures = standing.measures
            if why != "expired":
                measures = _without(measures, lifted)
            return change(standing, sanctions=left, measures=measures)
        case _:
            assert_never(event)


def _without(sanctions: tuple[Sanction, ...], id: UUID) -> tuple[Sanction, ...]:
    return tuple(one for one in sanctions if one.id != id)


def _become(standing: Standing, id: DecisionId, state: StrikeState) -> tuple[GivenStrike, ...]:
    return tuple(
        msgspec.structs.replace(strike, state=state) if strike.id == id else strike
        for strike in standing.strikes
    )


def _given(event: StrikeGiven) -> GivenStrike:
    return GivenStrike(
        id=event.strike,
        weight=event.weight,
        given_at=event.given_at or event.expires_at - USUAL_TERM,
        expires_at=event.expires_at,
        ladder=event.ladder or FIRST_LADDER,
        reason=event.reason,
    )


def _imposed(event: SanctionImposed, after: int) -> Sanction:
    return Sanction(
        id=event.sanction,
        kind=event.kind,
        until=event.until,
        decision=event.decision,
        reason=event.reason,
        by_ladder=event.by_ladder,
        after=after,
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
        expires, weight = at + timedelta(days=penalty.strike.days), penalty.strike.weight
        given = StrikeGiven(member, decision, case, weight, expires, at, reason, LADDER.version)
        events.append(given)
        standing = evolve(standing, given, 0)
    measure = penalty.measure
    if measure is not None:
        imposed = SanctionImposed(
            member,
            derive(cell_of(member), "sanction", decision),
            measure.kind,
            decision,
            reason,
            by_ladder=False,
            weight=standing.weight(at),
            ladder=LADDER.version,
            until=None if measure.days is None else at + timedelta(days=measure.days),
        )
        events.append(imposed)
        standing = evolve(standing, imposed, 0)
    climbs = None if penalty.strike is None else climb(standing.strikes, standing.sanctions)
    if climbs is not None:
        which = derive(cell_of(member), "sanction of the ladder", decision)
        events.append(_of_ladder(member, which, climbs, climbs.until, reason))
    return tuple(events)


def _of_ladder(
    member: MemberId, which: UUID, climbs: Climb, until: datetime | None, reason: Sealed[str]
) -> SanctionImposed:
    return SanctionImposed(
        member,
        which,
        climbs.kind,
        climbs.by.id,
        reason,
        by_ladder=True,
        weight=climbs.weight,
        ladder=climbs.by.ladder,
        strikes=climbs.strikes,
        until=until,
    )


def overturn(
    standing: Standing, member: MemberId, decision: DecisionId, by: DecisionId, at: datetime
) -> tuple[StandingEvent, ...]:
    """
    Undo what a decision did to a member: its strike, what it imposed itself, and what the ladder
    imposed. What the strikes left over would have brought without it stands or takes its place,
    from their own time on; but nothing lasts any longer for it.
    """
    before = standing
    events: list[StandingEvent] = []
    strike = standing.strike(decision)
    if strike is not None and strike.state != "reversed":
        events.append(StrikeReversed(member, decision, by))
    # Over or not: it ought not to have been, nor to have kept a strike from climbing.
    own = [one for one in standing.measures if one.decision == decision]
    events += _lifted(own, member, by, at)
    if not events:
        return ()
    standing = STANDING.fold(events, standing)
    brought = climbed(standing.strikes, standing.measures)
    for kind in reversed(GRAVITY):
        lasting = [one for one in before.sanctions if one.outlasts(at)]
        ends = [one.until for one in lasting if one.as_grave_as(kind)]
        due = next((one for one in brought if one.kind == kind and one.outlasts(at)), None)
        if due is not None and ends:
            until = _sooner(due.until, _latest(ends))
            events += _instead(standing, member, due, until, by, at)
        else:
            events += _lifted(_on_ladder(standing, kind), member, by, at)
    return tuple(events)


def _instead(
    standing: Standing,
    member: MemberId,
    due: Climb,
    until: datetime | None,
    by: DecisionId,
    at: datetime,
) -> Iterator[StandingEvent]:
    """Let one kind of the ladder's sanctions be what the strikes left over bring."""
    found = _on_ladder(standing, due.kind)
    stays = next((one for one in found if one.until == until), None)
    yield from _lifted([one for one in found if one is not stays], member, by, at)
    # An older strike does not say what to give as the reason: it brings nothing new.
    if stays is None and due.by.reason is not None:
        which = derive(cell_of(member), "sanction of the ladder", due.by.id, by)
        yield _of_ladder(member, which, due, until, due.by.reason)


def _on_ladder(standing: Standing, kind: SanctionKind) -> list[Sanction]:
    return [one for one in standing.sanctions if one.by_ladder and one.kind == kind]


def _lifted(
    sanctions: Iterable[Sanction], member: MemberId, by: DecisionId, at: datetime
) -> list[StandingEvent]:
    return [SanctionLifted(member, one.id, "overturned", at, by) for one in sanctions]


def _sooner(one: datetime | None, other: datetime | None) -> datetime | None:
    """Of two ends, where None is never."""
    return min((end for end in (one, other) if end is not None), default=None)


def _latest(ends: Sequence[datetime | None]) -> datetime | None:
    """Of some ends, where None is never."""
    return None if None in ends else max(end for end in ends if end is not None)


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
