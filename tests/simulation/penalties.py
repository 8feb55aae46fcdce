"""
Strikes and sanctions, as events make them, and what an account has to show of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, get_args
from uuid import UUID

from commands.timers import TIMER_ACTOR
from domain.account_events import (
    AccountBanned,
    AccountReinstated,
    AccountRestricted,
    AccountSuspended,
    BanLifted,
    RestrictionEnded,
)
from domain.event import Recorded
from domain.standing_events import (
    SanctionImposed,
    SanctionLifted,
    StandingEvent,
    StrikeExpired,
    StrikeGiven,
    StrikeReversed,
)
from tests.simulation.legal import must
from tests.simulation.world import World

OF_STANDING = frozenset(get_args(StandingEvent))
OF_SANCTIONS = frozenset({
    AccountSuspended, AccountReinstated, AccountBanned, BanLifted, AccountRestricted,
    RestrictionEnded,
})  # fmt: skip
_KINDS = ("restriction", "suspension", "ban")
#: From which weight on the ladder brings at least which sanction.
_LADDER = ((3, 0), (6, 1), (10, 2))
#: Clocks of servers are apart by less.
_SLACK = timedelta(seconds=10)


@dataclass(eq=False)
class Struck:
    """A strike that was given."""

    member: UUID
    weight: int
    expires_at: datetime
    state: str = "active"


class Penalties:
    """What weighs on whom."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.strikes: dict[UUID, Struck] = {}
        self.sanctions: dict[UUID, SanctionImposed] = {}
        self._by_operators: set[UUID] = set()
        self._ended_by_timers: set[UUID] = set()

    # Accounts

    def take_account(self, recorded: Recorded, event: Any) -> None:
        """An account is as this says."""
        person = self._world.people[event.member]
        match event:
            case AccountSuspended(suspension=suspension, until=until):
                once = person.suspended is None or person.suspended[0] != suspension
                must(once and person.banned is None, recorded, "suspended once")
                if event.decision is None:
                    self._by_operators.add(suspension)
                person.suspended = suspension, until
            case AccountReinstated(suspension=suspension):
                known = person.suspended
                stood = known is not None and known[0] == suspension
                must(stood, recorded, "this suspension stood")
                assert known is not None
                if recorded.actor == TIMER_ACTOR:
                    self._check_timer(recorded, event, known[1])
                person.suspended = None
            case AccountBanned(ban=ban):
                must(person.banned is None, recorded, "banned once")
                person.banned, person.suspended = ban, None
            case BanLifted(ban=ban):
                must(person.banned == ban, recorded, "this ban stood")
                person.banned = None
            case AccountRestricted(restriction=restriction):
                person.restricted = restriction
            case RestrictionEnded(restriction=restriction):
                must(person.restricted == restriction, recorded, "this restriction stood")
                person.restricted = None
            case _:
                raise AssertionError(event)

    def _check_timer(
        self, recorded: Recorded, event: AccountReinstated, until: datetime | None
    ) -> None:
        must(event.effective_at == until, recorded, "a timer decides for when it was due")
        if event.suspension in self._by_operators:
            fresh = event.suspension not in self._ended_by_timers
            must(fresh, recorded, "a timer fires once")
            self._ended_by_timers.add(event.suspension)

    # Standings

    def take(self, recorded: Recorded, event: Any) -> None:
        """A standing is as this says."""
        match event:
            case StrikeGiven(member=member, strike=strike, weight=weight, expires_at=expires_at):
                must(strike not in self.strikes, recorded, "a decision strikes once")
                self.strikes[strike] = Struck(member, weight, expires_at)
            case StrikeExpired(strike=strike, effective_at=effective_at):
                known = self.strikes[strike]
                due = known.state == "active" and known.expires_at == effective_at
                must(due, recorded, "its time was over")
                known.state = "expired"
            case StrikeReversed(strike=strike):
                must(self.strikes[strike].state != "reversed", recorded, "reversed once")
                self.strikes[strike].state = "reversed"
            case SanctionImposed(sanction=sanction):
                must(sanction not in self.sanctions, recorded, "imposed once")
                self.sanctions[sanction] = event
            case SanctionLifted(sanction=sanction, why=why, effective_at=effective_at):
                imposed = self.sanctions.pop(sanction, None)
                must(imposed is not None, recorded, "it was in force")
                assert imposed is not None
                in_time = why != "expired" or imposed.until == effective_at
                must(in_time, recorded, "its time was over")
            case _:
                raise AssertionError(event)

    def settle(self, command: Sequence[Recorded]) -> None:
        """
        Hold accounts against standings once a command is done.

        :raises Illegal: a sanction in force does not show, or one shows that is not.
        """
        for recorded in command:
            event: Any = recorded.event
            if type(event) in OF_STANDING or type(event) in OF_SANCTIONS:
                self._check_shown(recorded, event.member)
            if isinstance(event, StrikeGiven):
                self._check_ladder(recorded, event.member)

    def _in_force(self, member: UUID, kind: str, at: datetime) -> list[SanctionImposed]:
        return [
            one
            for one in self.sanctions.values()
            if one.member == member
            and one.kind == kind
            and (one.until is None or one.until > at + _SLACK)
        ]

    def _check_shown(self, recorded: Recorded, member: UUID) -> None:
        person, at = self._world.people[member], recorded.recorded_at
        if person.banned is not None:
            must(person.banned in self.sanctions, recorded, "a ban stands on a sanction")
        if person.restricted is not None:
            must(person.restricted in self.sanctions, recorded, "so does a restriction")
        if person.suspended is not None:
            caused = {*self.sanctions, *self._by_operators}
            must(person.suspended[0] in caused, recorded, "and a suspension, or on an operator")
        if self._in_force(member, "ban", at):
            must(person.barred == "banned", recorded, "who is banned is banned")
        if self._in_force(member, "suspension", at):
            must(person.barred is not None, recorded, "who is suspended is suspended")
        if self._in_force(member, "restriction", at):
            must(person.restricted is not None, recorded, "who is restricted is restricted")

    def _check_ladder(self, recorded: Recorded, member: UUID) -> None:
        """Strikes that weigh enough bring a sanction as grave as the rung they reach."""
        at = recorded.recorded_at + _SLACK
        weight = sum(
            one.weight
            for one in self.strikes.values()
            if one.member == member and one.state == "active" and one.expires_at > at
        )
        reached = [kind for least, kind in _LADDER if weight >= least]
        if not reached:
            return
        grave = [kind for kind in _KINDS[reached[-1] :] if self._in_force(member, kind, at)]
        must(bool(grave), recorded, f"a weight of {weight} has its sanction")

    def check_end(self, now: datetime) -> None:
        """No strike, sanction or suspension outlives its time."""
        for struck in self.strikes.values():
            assert struck.state != "active" or struck.expires_at > now, "a strike counts for ever"
        for imposed in self.sanctions.values():
            assert imposed.until is None or imposed.until > now, "a sanction lasts for ever"
        for person in self._world.people.values():
            until = None if person.suspended is None else person.suspended[1]
            assert until is None or until > now, "a suspension lasts for ever"
