"""
A member's account: one QQ number, one identity, one standing.

A number must be unique in all cells, so claiming it is an event of its own on a stream that the
number alone names, in the directory cell; a policy then opens the account in the member's cell.
"""

from datetime import datetime
from typing import TypeAlias, assert_never
from uuid import UUID

import msgspec

from domain.account_events import (
    AccountBanned,
    AccountEvent,
    AccountOpened,
    AccountReinstated,
    AccountRestricted,
    AccountSuspended,
    BanLifted,
    Identity,
    NicknameApproved,
    NicknameChanged,
    NicknameFlagged,
    NicknameHeld,
    NicknameRefused,
    NicknameRejected,
    NicknameRestored,
    NicknameWithdrawn,
    NumberClaimed,
    NumberEvent,
    RestrictionEnded,
)
from domain.event import Aggregate, Refused
from domain.ids import DecisionId, MemberId, StreamId, derive
from domain.screening import Found
from domain.sealed import Sealed

#: The cell that holds what must be unique everywhere.
DIRECTORY_CELL = 0


# States


class Unclaimed(msgspec.Struct, frozen=True):
    """Nobody has the number."""


class Claimed(msgspec.Struct, frozen=True):
    """A member has it."""

    member: MemberId
    identity: Identity


Number: TypeAlias = Unclaimed | Claimed


class NoAccount(msgspec.Struct, frozen=True):
    """No such member."""


class Names(msgspec.Struct, frozen=True):
    """
    What a member is called: ``shown`` to others, ``pending`` while it waits, ``withdrawn`` if
    people decided that nobody is to see it; ``qq`` is shown in its place. ``said`` is the version
    in which the member last gave a name, be it shown or waiting.
    """

    qq: Sealed[str]
    shown: Sealed[str]
    pending: Sealed[str] | None = None
    withdrawn: Sealed[str] | None = None
    said: int = 0


class Active(msgspec.Struct, frozen=True):
    """
    The member may act; with a ``restriction``, not publish. ``since`` is the version that made it
    so.
    """

    member: MemberId
    since: int
    names: Names
    restriction: UUID | None = None


class Suspended(msgspec.Struct, frozen=True):
    """The member may not act; ``imposed`` is how that began."""

    member: MemberId
    imposed: AccountSuspended
    since: int
    names: Names
    restriction: UUID | None = None

    @property
    def suspension(self) -> UUID:
        """The suspension in force."""
        return self.imposed.suspension


class Banned(msgspec.Struct, frozen=True):
    """
    The member may not act ever again. ``beneath`` is an operator's suspension, which goes on should
    the ban be lifted; what decisions imposed is in the member's standing.
    """

    member: MemberId
    ban: UUID
    since: int
    names: Names
    restriction: UUID | None = None
    beneath: AccountSuspended | None = None


Account: TypeAlias = NoAccount | Active | Suspended | Banned


def evolve_number(number: Number, event: NumberEvent, version: int) -> Number:
    """Claimed once, for good."""
    return Claimed(event.member, event.identity)


def evolve(account: Account, event: AccountEvent, version: int) -> Account:
    """The account after one more event."""
    if isinstance(account, NoAccount):
        if isinstance(event, AccountOpened):
            identity = event.identity
            return Active(event.member, version, Names(identity.qq, identity.nickname))
        return account
    member, names, restriction = account.member, account.names, account.restriction
    change = msgspec.structs.replace
    match event:
        case AccountSuspended():
            return Suspended(member, event, version, names, restriction)
        case AccountBanned(ban=ban):
            return Banned(member, ban, version, names, restriction, _beneath(account))
        case AccountReinstated() | BanLifted():
            return Active(member, version, names, restriction)
        case AccountRestricted(restriction=imposed):
            return change(account, restriction=imposed)
        case RestrictionEnded(restriction=ended):
            return change(account, restriction=None) if ended == restriction else account
        case _:
            return change(account, names=_named(names, event, version))


def _beneath(account: Active | Suspended | Banned) -> AccountSuspended | None:
    if isinstance(account, Suspended) and account.imposed.decision is None:
        return account.imposed
    return None


def _named(names: Names, event: AccountEvent, version: int) -> Names:
    change = msgspec.structs.replace
    match event:
        case NicknameChanged(nickname=nickname):
            return change(names, shown=nickname, pending=None, withdrawn=None, said=version)
        case NicknameApproved(nickname=nickname) | NicknameRestored(nickname=nickname):
            return change(names, shown=nickname, pending=None, withdrawn=None)
        case NicknameHeld(nickname=nickname):
            return change(names, pending=nickname, said=version)
        case NicknameRejected():
            return change(names, pending=None)
        case NicknameWithdrawn(nickname=instead):
            return change(names, shown=instead, withdrawn=names.shown)
        case _:
            return names


NUMBER: Aggregate[Number] = Aggregate("number", Unclaimed(), evolve_number)
ACCOUNT: Aggregate[Account] = Aggregate("account", NoAccount(), evolve)


def number_stream(blinded: bytes) -> StreamId:
    """The stream of a QQ number, given the number's keyed digest."""
    return StreamId(derive(DIRECTORY_CELL, "number", blinded))


def account_stream(member: MemberId) -> StreamId:
    """A member's account stream bears the member's own id."""
    return StreamId(member)


# Decisions


def claim(number: Number, member: MemberId, identity: Identity) -> tuple[NumberEvent, ...]:
    """Take a number that nobody has."""
    if isinstance(number, Claimed):
        raise Refused("qq-taken", "This QQ number has an account already.", "/qq")
    return (NumberClaimed(member, identity),)


def open_account(
    account: Account, member: MemberId, identity: Identity
) -> tuple[AccountEvent, ...]:
    """Open the account that a claimed number promises."""
    match account:
        case NoAccount():
            return (AccountOpened(member, identity),)
        case Active() | Suspended() | Banned():
            return ()
        case _:
            assert_never(account)


def change_nickname(
    account: Account, nickname: Sealed[str], found: Found | None = None
) -> tuple[AccountEvent, ...]:
    """
    Change the name others see, or what becomes of that instead.

    :param found: what the rules found in it; None when they found nothing.
    """
    member = acting(account).member
    if found is None:
        return (NicknameChanged(member, nickname),)
    screening, promise = found.screening, found.promise
    match found.outcome:
        case "refused":
            return (NicknameRefused(member, nickname, screening),)
        case ("held" | "private_view") as how:
            return (NicknameHeld(member, nickname, how, screening, promise),)
        case "flagged":
            changed = NicknameChanged(member, nickname)
            return (changed, NicknameFlagged(member, screening))
        case "published":
            return (NicknameChanged(member, nickname),)
        case _ as never:
            assert_never(never)


def suspend(
    account: Account,
    suspension: UUID,
    reason: Sealed[str],
    until: datetime | None,
    decision: DecisionId | None = None,
) -> tuple[AccountEvent, ...]:
    """Suspend a member; of one who is suspended already, the earlier suspension stands."""
    match account:
        case Active(member=member):
            return (AccountSuspended(member, suspension, reason, until, decision),)
        case Suspended() | Banned():
            return ()
        case NoAccount():
            raise Refused("not-found")
        case _:
            assert_never(account)


def reinstate(
    account: Account, effective_at: datetime, suspension: UUID | None = None
) -> tuple[AccountEvent, ...]:
    """
    End a suspension.

    :param suspension: the one meant, when a timer asks; it does nothing to a later one.
    """
    match account:
        case Suspended(member=member):
            if suspension is not None and suspension != account.suspension:
                return ()
            return (AccountReinstated(member, account.suspension, effective_at),)
        case Active() | Banned():
            return ()
        case NoAccount():
            raise Refused("not-found")
        case _:
            assert_never(account)


def restrict(
    account: Account, restriction: UUID, until: datetime, decision: DecisionId
) -> tuple[AccountEvent, ...]:
    """Keep a member from publishing; a later restriction takes the place of an earlier one."""
    if isinstance(account, NoAccount):
        raise Refused("not-found")
    return (AccountRestricted(account.member, restriction, until, decision),)


def end_restriction(
    account: Account, restriction: UUID, effective_at: datetime
) -> tuple[AccountEvent, ...]:
    """End a restriction, if it is still the one in force."""
    if isinstance(account, NoAccount) or account.restriction != restriction:
        return ()
    return (RestrictionEnded(account.member, restriction, effective_at),)


def ban(account: Account, ban: UUID, decision: DecisionId) -> tuple[AccountEvent, ...]:
    """Ban a member; of one who is banned already, the earlier ban stands."""
    match account:
        case Active(member=member) | Suspended(member=member):
            return (AccountBanned(member, ban, decision),)
        case Banned():
            return ()
        case NoAccount():
            raise Refused("not-found")
        case _:
            assert_never(account)


def lift_ban(
    account: Account, ban: UUID, decision: DecisionId, effective_at: datetime
) -> tuple[AccountEvent, ...]:
    """Undo a ban, if it is the one in force; an operator's suspension goes on."""
    if not isinstance(account, Banned) or account.ban != ban:
        return ()
    lifted, beneath = BanLifted(account.member, ban, decision), account.beneath
    if beneath is None or (beneath.until is not None and beneath.until <= effective_at):
        return (lifted,)
    return (lifted, beneath)


def acting(account: Account) -> Active:
    """The account, if its member may act."""
    match account:
        case Active():
            return account
        case Suspended():
            raise Refused("suspended", "This account is suspended.")
        case Banned():
            raise Refused("banned", "This account is closed for good.")
        case NoAccount():
            raise Refused("not-found")
        case _:
            assert_never(account)


def publishing(account: Account) -> Active:
    """The account, if its member may publish."""
    active = acting(account)
    if active.restriction is not None:
        raise Refused("restricted", "This account may not publish for now.")
    return active
