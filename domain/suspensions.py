"""
What keeps a member from acting or from publishing, and what lets them again.

An operator's suspension is the account's alone. What decisions impose is a fact of the member's
standing, which the account follows (:mod:`domain.sanctions`). All of it stands beside each other.
"""

from datetime import datetime
from typing import assert_never
from uuid import UUID

from domain.account import (
    Account,
    Active,
    Banned,
    Erased,
    NoAccount,
    Nobody,
    Suspended,
    by_decision,
    by_operator,
)
from domain.account_events import (
    AccountBanned,
    AccountEvent,
    AccountReinstated,
    AccountRestricted,
    AccountStatus,
    AccountSuspended,
    BanLifted,
    RestrictionEnded,
)
from domain.event import Refused
from domain.ids import DecisionId
from domain.sealed import Sealed


def suspend(
    account: Account,
    suspension: UUID,
    reason: Sealed[str],
    until: datetime | None,
    decision: DecisionId | None = None,
) -> tuple[AccountEvent, ...]:
    """
    Suspend a member, beside whatever else keeps them from acting. An operator's earlier suspension
    stands; a decision's gives way to the one that is to show. Beneath a ban none shows.

    :param decision: its cause, unless an operator does it.
    """
    if isinstance(account, Nobody):
        raise Refused("not-found")
    banned, shown = isinstance(account, Banned), by_decision(account)
    if decision is None:
        so_already = by_operator(account) is not None
    else:
        so_already = banned or (shown is not None and shown.suspension == suspension)
    if so_already:
        return ()
    status: AccountStatus = "banned" if banned else "suspended"
    return (AccountSuspended(account.member, suspension, reason, until, decision, status),)


def reinstate(
    account: Account, effective_at: datetime, suspension: UUID | None = None
) -> tuple[AccountEvent, ...]:
    """
    End a suspension; whatever else stands goes on.

    :param suspension: the one meant; without, it is the operator's. It does nothing to others.
    """
    if isinstance(account, Nobody):
        raise Refused("not-found")
    operators, decided = by_operator(account), by_decision(account)
    meant = operators if suspension is None else _of(suspension, operators, decided)
    if meant is None:
        return ()
    status: AccountStatus = "active"
    if isinstance(account, Banned):
        status = "banned"
    elif operators is not None and decided is not None:
        status = "suspended"
    return (AccountReinstated(account.member, meant.suspension, effective_at, status),)


def _of(suspension: UUID, *standing: AccountSuspended | None) -> AccountSuspended | None:
    return next((one for one in standing if one and one.suspension == suspension), None)


def restrict(
    account: Account, restriction: UUID, until: datetime, decision: DecisionId
) -> tuple[AccountEvent, ...]:
    """Keep a member from publishing; a later restriction takes the place of an earlier one."""
    if isinstance(account, Nobody):
        raise Refused("not-found")
    return (AccountRestricted(account.member, restriction, until, decision),)


def end_restriction(
    account: Account, restriction: UUID, effective_at: datetime
) -> tuple[AccountEvent, ...]:
    """End a restriction, if it is still the one in force."""
    if isinstance(account, Nobody) or account.restriction != restriction:
        return ()
    return (RestrictionEnded(account.member, restriction, effective_at),)


def ban(account: Account, ban: UUID, decision: DecisionId) -> tuple[AccountEvent, ...]:
    """Ban a member; of one who is banned already, the earlier ban stands."""
    match account:
        case Active(member=member) | Suspended(member=member):
            return (AccountBanned(member, ban, decision),)
        case Banned():
            return ()
        case NoAccount() | Erased():
            raise Refused("not-found")
        case _:
            assert_never(account)


def lift_ban(
    account: Account, ban: UUID, decision: DecisionId, effective_at: datetime
) -> tuple[AccountEvent, ...]:
    """Undo a ban, if it is the one in force; an operator's suspension goes on."""
    if not isinstance(account, Banned) or account.ban != ban:
        return ()
    beneath = account.by_operator
    over = beneath is None or (beneath.until is not None and beneath.until <= effective_at)
    return (BanLifted(account.member, ban, decision, "active" if over else "suspended"),)
