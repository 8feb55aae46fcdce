"""
What a member's standing makes of the account: the gravest sanction in force is what shows there.

Several may be in force at once. Whatever ends, the rest goes on: so an account is settled after
each change, rather than told once. An operator's suspension stands beside them, and is no business
of theirs.
"""

from collections.abc import Sequence
from datetime import datetime

from domain import account as accounts
from domain import suspensions
from domain.account import ACCOUNT, Account
from domain.account_events import AccountEvent
from domain.event import Refused
from domain.ladder import Sanction
from domain.standing import STANDING, Standing
from domain.standing_events import SanctionLifted, StandingEvent


def settle(
    account: Account, standing: Standing, events: Sequence[StandingEvent], at: datetime
) -> tuple[AccountEvent, ...]:
    """
    What an account goes through when a standing goes through ``events``.

    :param standing: before them.
    """
    settled: list[AccountEvent] = []
    for event in events:
        if isinstance(event, SanctionLifted):
            settled += _lifted(ACCOUNT.fold(settled, account), event)
    return (*settled, *enforce(ACCOUNT.fold(settled, account), STANDING.fold(events, standing), at))


def _lifted(account: Account, event: SanctionLifted) -> tuple[AccountEvent, ...]:
    lifted, at = event.sanction, event.effective_at
    if isinstance(account, accounts.Erased):
        return ()
    if isinstance(account, accounts.Banned) and account.ban == lifted and event.by is not None:
        return suspensions.lift_ban(account, lifted, event.by, at)
    return (
        *suspensions.reinstate(account, at, lifted),
        *suspensions.end_restriction(account, lifted, at),
    )


def enforce(account: Account, standing: Standing, at: datetime) -> tuple[AccountEvent, ...]:
    """Let an account show the sanctions in force, where it does not yet."""
    if isinstance(account, accounts.NoAccount):
        raise Refused("not-found")
    if isinstance(account, accounts.Erased):
        # Sanctions are left to run out; there is nobody to show them on.
        return ()
    events: list[AccountEvent] = []
    ban = _longest(standing, "ban", at)
    if ban is not None:
        events += suspensions.ban(account, ban.id, ban.decision)
    suspension = _longest(standing, "suspension", at)
    if ban is None and suspension is not None:
        events += suspensions.suspend(
            account, suspension.id, suspension.reason, suspension.until, suspension.decision
        )
    restriction = _longest(standing, "restriction", at)
    if restriction is not None and account.restriction != restriction.id:
        until = restriction.until
        assert until is not None, "a restriction ends"
        events += suspensions.restrict(account, restriction.id, until, restriction.decision)
    return tuple(events)


def _longest(standing: Standing, kind: str, at: datetime) -> Sanction | None:
    """Of the sanctions in force of a kind, the one that ends last; the first of several."""
    found: Sanction | None = None
    for one in standing.sanctions:
        if one.kind != kind or not one.outlasts(at):
            continue
        if found is None or (found.until is not None and one.outlasts(found.until)):
            found = one
    return found
