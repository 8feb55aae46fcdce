"""
Decisions that weigh on Anna, and what comes of them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from domain.account import ACCOUNT, Account, Nobody
from domain.account_events import (
    AccountOpened,
)
from domain.decision import Measure, Penalty, SanctionKind, Strike
from domain.ids import CaseId, cell_of, derive, mint
from domain.ladder import LADDER
from domain.sanctions import settle
from domain.standing import (
    STANDING,
    Standing,
    end_sanction,
    expire_strike,
    overturn,
    penalise,
)
from domain.standing_events import (
    SanctionImposed,
    SanctionLifted,
    StandingEvent,
    StrikeGiven,
)
from tests.domain.casework import NOW, decision_id
from tests.domain.given import given
from tests.domain.people import ANNA, identity, sealed

CASE = CaseId(mint(0, 1, 70))
WHY = sealed("why")
HALF_A_YEAR = NOW + timedelta(days=180)
FOR_GOOD = datetime.max.replace(tzinfo=UTC)


def struck(
    number: int, weight: int = 1, expires_at: datetime = HALF_A_YEAR, given_at: datetime = NOW
) -> StrikeGiven:
    """A strike that a decision gave."""
    return StrikeGiven(ANNA, decision_id(number), CASE, weight, expires_at, given_at, WHY, 1)


def sanction(number: int, *, by_ladder: bool = True) -> Any:
    """The id of a decision's sanction."""
    name = "sanction of the ladder" if by_ladder else "sanction"
    return derive(cell_of(ANNA), name, decision_id(number))


def climbed(
    number: int, kind: SanctionKind, weight: int, days: int | None, *strikes: int
) -> SanctionImposed:
    """A sanction of the ladder, on the strikes of these decisions."""
    return SanctionImposed(
        ANNA, sanction(number), kind, decision_id(number), WHY, True, weight, LADDER.version,
        tuple(map(decision_id, strikes)), None if days is None else NOW + timedelta(days=days),
    )  # fmt: skip


def imposed(number: int, kind: SanctionKind, days: int | None) -> SanctionImposed:
    """A sanction that a decision imposed itself."""
    until = None if days is None else NOW + timedelta(days=days)
    return SanctionImposed(
        ANNA, sanction(number, by_ladder=False), kind, decision_id(number), WHY, False, 0,
        LADDER.version, (), until,
    )  # fmt: skip


def penalty_of(number: int, penalty: Penalty, at: datetime = NOW) -> tuple[Any, ...]:
    """The arguments of a penalty."""
    return (ANNA, CASE, decision_id(number), penalty, WHY, at)


def undone(number: int, *, by_ladder: bool = True) -> SanctionLifted:
    """By that later decision."""
    which = sanction(number, by_ladder=by_ladder)
    return SanctionLifted(ANNA, which, "overturned", NOW, decision_id(99))


OPENED = AccountOpened(ANNA, identity("anna"))


PENALTIES = st.one_of(
    st.builds(lambda weight, days: Penalty(Strike(weight, days)), st.integers(1, 10),
              st.integers(1, 200)),
    st.builds(lambda days: Penalty(measure=Measure("restriction", days)), st.integers(1, 60)),
    st.builds(
        lambda weight, days: Penalty(Strike(weight, 180), Measure("suspension", days)),
        st.integers(1, 10),
        st.integers(1, 60),
    ),
    st.just(Penalty(measure=Measure("ban", None))),
)  # fmt: skip


class Member:
    """A member to whom decisions happen; every change settles the account."""

    def __init__(self) -> None:
        self.standing = Standing()
        self.account: Account = given(ACCOUNT, OPENED).state

    def do(self, events: Sequence[StandingEvent], at: datetime) -> None:
        """A standing's events, and what the account makes of them."""
        self.account = ACCOUNT.fold(settle(self.account, self.standing, events, at), self.account)
        self.standing = STANDING.fold(events, self.standing)

    def shows(self) -> tuple[str, UUID | None]:
        """Whether the member may act, and what keeps them from publishing."""
        assert not isinstance(self.account, Nobody)
        return type(self.account).__name__, self.account.restriction

    def penalise(self, number: int, penalty: Penalty, at: datetime = NOW) -> None:
        """A decision weighs on the member."""
        self.do(penalise(self.standing, *penalty_of(number, penalty, at)), at)

    def overturn(self, number: int, at: datetime = NOW) -> tuple[StandingEvent, ...]:
        """A decision is overturned by a later one."""
        by = decision_id(1_000 + number)
        events = overturn(self.standing, ANNA, decision_id(number), by, at)
        self.do(events, at)
        return events

    def live_until(self, now: datetime) -> None:
        """Timers fire in due order, each for the moment it was due."""
        due = [(one.until, one.id) for one in self.standing.sanctions if one.until is not None]
        for at, which in sorted(due):
            if at <= now:
                self.do(end_sanction(self.standing, ANNA, which, at), at)
        for strike in self.standing.strikes:
            if strike.expires_at <= now:
                over = expire_strike(self.standing, ANNA, strike.id, strike.expires_at)
                self.do(over, strike.expires_at)

    def end(self, kind: SanctionKind, now: datetime, *, by_ladder: bool = False) -> datetime | None:
        """When all as grave as this is over, None if it is; or what the ladder brought of it."""
        found = [
            one.until or FOR_GOOD
            for one in self.standing.sanctions
            if (one.kind == kind and one.by_ladder if by_ladder else one.as_grave_as(kind))
        ]
        return max((one for one in found if one > now), default=None)
