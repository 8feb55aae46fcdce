"""
A member's account: one QQ number, one identity, one standing.

A number must be unique in all cells, so claiming it is an event of its own on a stream that the
number alone names, in the directory cell; a policy then opens the account in the member's cell.
"""

from typing import TypeAlias, assert_never
from uuid import UUID

import msgspec

from domain.account_events import (
    AccountBanned,
    AccountErased,
    AccountEvent,
    AccountOpened,
    AccountReinstated,
    AccountRestricted,
    AccountStatus,
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
from domain.ids import MemberId, StreamId, derive
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
    The member may act; with a ``restriction``, not publish. ``since`` is the version by which an
    operator's suspension stands or, as here, none does.
    """

    member: MemberId
    since: int
    names: Names
    restriction: UUID | None = None


class Suspended(msgspec.Struct, frozen=True):
    """
    The member may not act: an operator suspended them, or a decision did, or both. Each ends by
    itself, and the other goes on.
    """

    member: MemberId
    since: int
    names: Names
    restriction: UUID | None = None
    by_operator: AccountSuspended | None = None
    by_decision: AccountSuspended | None = None


class Banned(msgspec.Struct, frozen=True):
    """
    The member may not act ever again. An operator's suspension goes on beneath; what decisions
    imposed is in the member's standing.
    """

    member: MemberId
    ban: UUID
    since: int
    names: Names
    restriction: UUID | None = None
    by_operator: AccountSuspended | None = None


class Erased(msgspec.Struct, frozen=True):
    """There was an account; whoever asks is told what is told of one that never was."""

    member: MemberId


Opened: TypeAlias = Active | Suspended | Banned
#: Nobody is there.
Nobody: TypeAlias = NoAccount | Erased
Account: TypeAlias = Nobody | Opened


def by_operator(account: Account) -> AccountSuspended | None:
    """The operator's suspension in force."""
    return account.by_operator if isinstance(account, Suspended | Banned) else None


def by_decision(account: Account) -> AccountSuspended | None:
    """The decision's suspension that shows."""
    return account.by_decision if isinstance(account, Suspended) else None


def status_of(account: Opened) -> AccountStatus:
    """What an account is, in a word."""
    match account:
        case Active():
            return "active"
        case Suspended():
            return "suspended"
        case Banned():
            return "banned"
        case _:
            assert_never(account)


def evolve_number(number: Number, event: NumberEvent, version: int) -> Number:
    """Claimed once, for good."""
    return Claimed(event.member, event.identity)


def evolve(account: Account, event: AccountEvent, version: int) -> Account:
    """The account after one more event."""
    if isinstance(account, Nobody) or isinstance(event, AccountErased):
        return _come_or_gone(account, event, version)
    change = msgspec.structs.replace
    operators, decided = by_operator(account), by_decision(account)
    match event:
        case AccountSuspended(decision=None):
            return _suspended(account, event, decided, version)
        case AccountSuspended():
            return _suspended(account, operators, event, account.since)
        case AccountReinstated(suspension=ended) if operators and operators.suspension == ended:
            return _suspended(account, None, decided, version)
        case AccountReinstated(suspension=ended) if decided and decided.suspension == ended:
            return _suspended(account, operators, None, account.since)
        case AccountBanned(ban=ban):
            names, restriction = account.names, account.restriction
            return Banned(account.member, ban, account.since, names, restriction, operators)
        case BanLifted(status="suspended"):
            return _unbanned(account, operators, account.since)
        case BanLifted():
            # What goes on was said again, before there was a status to say so.
            return _unbanned(account, None, account.since if operators is None else version)
        case AccountRestricted(restriction=imposed):
            return change(account, restriction=imposed)
        case RestrictionEnded(restriction=ended):
            ends = ended == account.restriction
            return change(account, restriction=None) if ends else account
        case _:
            return change(account, names=_named(account.names, event, version))


def _come_or_gone(account: Account, event: AccountEvent, version: int) -> Account:
    """A member who was not there yet, or is no longer."""
    match account, event:
        case NoAccount(), AccountOpened(member=member, identity=identity):
            return Active(member, version, Names(identity.qq, identity.nickname))
        case _, AccountErased(member=member):
            return Erased(member)
        case _:
            return account


def _suspended(
    account: Opened,
    operators: AccountSuspended | None,
    decided: AccountSuspended | None,
    since: int,
) -> Opened:
    """The account with these suspensions and no others."""
    if isinstance(account, Banned):
        return msgspec.structs.replace(account, by_operator=operators, since=since)
    member, names, restriction = account.member, account.names, account.restriction
    if operators is None and decided is None:
        return Active(member, since, names, restriction)
    return Suspended(member, since, names, restriction, operators, decided)


def _unbanned(account: Opened, operators: AccountSuspended | None, since: int) -> Opened:
    unbanned = Active(account.member, since, account.names, account.restriction)
    return _suspended(unbanned, operators, None, since)


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
    check_unclaimed(number)
    return (NumberClaimed(member, identity),)


def check_unclaimed(number: Number) -> None:
    """
    That nobody has, or ever had, a number.

    :raises Refused: qq-taken.
    """
    if isinstance(number, Claimed):
        raise Refused("qq-taken", "This QQ number has an account already.", "/qq")


def open_account(
    account: Account, member: MemberId, identity: Identity
) -> tuple[AccountEvent, ...]:
    """Open the account that a claimed number promises."""
    match account:
        case NoAccount():
            return (AccountOpened(member, identity),)
        case Active() | Suspended() | Banned() | Erased():
            return ()
        case _:
            assert_never(account)


def erase(account: Account) -> tuple[AccountEvent, ...]:
    """Nobody is there any longer, whatever they were."""
    return () if isinstance(account, Nobody) else (AccountErased(account.member),)


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
        case Erased():
            raise Refused("no-account", "There is no account for this QQ number.")
        case _:
            assert_never(account)


def stopping(account: Account) -> Active | Suspended:
    """The account, if its member may stop what goes on in their name: also while suspended."""
    return account if isinstance(account, Suspended) else acting(account)


def publishing(account: Account) -> Active:
    """The account, if its member may publish."""
    active = acting(account)
    if active.restriction is not None:
        raise Refused("restricted", "This account may not publish for now.")
    return active
