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
from tests.simulation.world import Person, World

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
        self._expired: set[UUID] = set()
        self._ended_by_timers: set[UUID] = set()

    # Accounts

    def take_account(self, recorded: Recorded, event: Any) -> None:
        """An account is as this says."""
        person = self._world.people[event.member]
        match event:
            case AccountSuspended(decision=None, suspension=suspension, until=until):
                must(person.stopped is None, recorded, "an operator stops somebody once")
                person.stopped = suspension, until
            case AccountSuspended(suspension=suspension, until=until):
                once = person.suspended is None or person.suspended[0] != suspension
                must(once and person.banned is None, recorded, "suspended once")
                person.suspended = suspension, until
            case AccountReinstated():
                self._reinstate(recorded, event, person)
            case AccountBanned(ban=ban):
                must(person.banned is None, recorded, "banned once")
                person.banned, person.suspended = ban, None
            case BanLifted(ban=ban, status=status):
                must(person.banned == ban, recorded, "this ban stood")
                person.banned = None
                if status == "active" and person.stopped is not None:
                    until = person.stopped[1]
                    over = until is not None and until <= recorded.recorded_at + _SLACK
                    must(over, recorded, "an operator's suspension goes on")
                    person.stopped = None
            case AccountRestricted(restriction=restriction):
                person.restricted = restriction
            case RestrictionEnded(restriction=restriction):
                must(person.restricted == restriction, recorded, "this restriction stood")
                person.restricted = None
            case _:
                raise AssertionError(event)
        if (came_of := getattr(event, "status", None)) is not None:
            must(came_of == (person.barred or "active"), recorded, "this is what comes of it")

    def _reinstate(self, recorded: Recorded, event: AccountReinstated, person: Person) -> None:
        """One suspension ends, and the other goes on."""
        operators = person.stopped is not None and person.stopped[0] == event.suspension
        known = person.stopped if operators else person.suspended
        stood = known is not None and known[0] == event.suspension
        must(stood, recorded, "this suspension stood")
        assert known is not None
        if recorded.actor == TIMER_ACTOR:
            self._check_timer(recorded, event, known[1], operators=operators)
        if operators:
            person.stopped = None
        else:
            person.suspended = None

    def _check_timer(
        self,
        recorded: Recorded,
        event: AccountReinstated,
        until: datetime | None,
        *,
        operators: bool,
    ) -> None:
        must(event.effective_at == until, recorded, "a timer decides for when it was due")
        if operators:
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
            case SanctionLifted(sanction=sanction, why="overturned"):
                # What ought not to have been is undone, be it over already.
                known_of = sanction in self.sanctions or sanction in self._expired
                must(known_of, recorded, "it was imposed, and is undone once")
                self.sanctions.pop(sanction, None)
                self._expired.discard(sanction)
            case SanctionLifted(sanction=sanction, why=why, effective_at=effective_at):
                imposed = self.sanctions.pop(sanction, None)
                must(imposed is not None, recorded, "it was in force")
                assert imposed is not None
                in_time = why != "expired" or imposed.until == effective_at
                must(in_time, recorded, "its time was over")
                self._expired.add(sanction)
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
            must(person.suspended[0] in self.sanctions, recorded, "and a suspension")
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
            for suspension in filter(None, (person.suspended, person.stopped)):
                until = suspension[1]
                assert until is None or until > now, "a suspension lasts for ever"
