"""
The ladder: what strikes bring once they weigh enough together, each from the moment it was given.

It is climbed twice over: by each strike as it is given, beside what is in force then; and by all
that are left, from the first on, when one of them turns out to have been wrong. The second says
what would be so if that one had never been given.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.decision import SanctionKind
from domain.ids import DecisionId
from domain.sealed import Sealed

#: From the mildest to the gravest.
GRAVITY: Final[tuple[SanctionKind, ...]] = ("restriction", "suspension", "ban")


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


#: A change is a new version, added here: strikes and sanctions name the one they climb.
LADDERS: Final[dict[int, Ladder]] = {
    1: Ladder(1, (Rung(3, "restriction", 7), Rung(6, "suspension", 30), Rung(10, "ban", None))),
}
LADDER: Final = LADDERS[1]

StrikeState: TypeAlias = Literal["active", "expired", "reversed"]


class GivenStrike(msgspec.Struct, frozen=True):
    """A strike, for ever: one that has expired may still be reversed."""

    id: DecisionId
    weight: int
    given_at: datetime
    expires_at: datetime
    ladder: int
    reason: Sealed[str] | None
    state: StrikeState = "active"


class Lasting(msgspec.Struct, frozen=True):
    """Something that keeps a member from something until then; None for good."""

    kind: SanctionKind
    until: datetime | None

    def outlasts(self, moment: datetime) -> bool:
        """Whether it is to last beyond a moment."""
        return self.until is None or self.until > moment

    def as_grave_as(self, kind: SanctionKind) -> bool:
        """Whether it is of this kind or a graver one."""
        return GRAVITY.index(self.kind) >= GRAVITY.index(kind)


class Sanction(Lasting, frozen=True):
    """
    A sanction that was imposed, by its ``decision``.

    :param after: how many strikes had been given when it was.
    """

    id: UUID
    decision: DecisionId
    reason: Sealed[str]
    by_ladder: bool
    after: int


class Climb(Lasting, frozen=True):
    """What a strike brings, on the weight of those that count when it is given."""

    by: GivenStrike
    weight: int
    strikes: tuple[DecisionId, ...]


def climb(strikes: Sequence[GivenStrike], beside: Iterable[Lasting]) -> Climb | None:
    """What the last of some strikes brings, unless something as grave is in force beside it."""
    last = strikes[-1]
    at = last.given_at
    counting = [one for one in strikes if one.state != "reversed" and one.expires_at > at]
    weight = sum(one.weight for one in counting)
    rung = LADDERS[last.ladder].reached(weight)
    if rung is None or any(one.as_grave_as(rung.kind) and one.outlasts(at) for one in beside):
        return None
    until = None if rung.days is None else at + timedelta(days=rung.days)
    return Climb(rung.kind, until, last, weight, tuple(one.id for one in counting))


def climbed(strikes: Sequence[GivenStrike], measures: Sequence[Sanction]) -> list[Climb]:
    """
    All that strikes bring, each when it was given, as if those reversed had never been.

    :param measures: what decisions imposed themselves.
    """
    brought: list[Climb] = []
    for number, strike in enumerate(strikes, 1):
        if strike.state == "reversed":
            continue
        earlier = [
            one
            for one in measures
            if one.after < number or (one.after == number and one.decision == strike.id)
        ]
        climbs = climb(strikes[:number], [*earlier, *brought])
        if climbs is not None:
            brought.append(climbs)
    return brought
