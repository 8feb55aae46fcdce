"""
A member's account: one QQ number, one identity, one standing.

A number must be unique in all cells, so claiming it is an event of its own on a stream that the
number alone names, in the directory cell; a policy then opens the account in the member's cell.
"""

from datetime import datetime
from typing import TypeAlias, assert_never
from uuid import UUID

import msgspec

from domain.event import Aggregate, Event, Refused
from domain.ids import MemberId, StreamId, derive
from domain.sealed import Sealed

#: The cell that holds what must be unique everywhere.
DIRECTORY_CELL = 0


class Identity(msgspec.Struct, frozen=True):
    """Who a member is, sealed whole."""

    qq: Sealed[str]
    nickname: Sealed[str]
    real_name: Sealed[str]
    birth_date: Sealed[str]


# Events


class NumberClaimed(Event, frozen=True, tag="number.claimed.v1"):
    """A QQ number belongs to a member from now on."""

    member: MemberId
    identity: Identity


class AccountOpened(Event, frozen=True, tag="account.opened.v1"):
    """The member may act."""

    member: MemberId
    identity: Identity


class NicknameChanged(Event, frozen=True, tag="account.nickname_changed.v1"):
    """The name others see."""

    member: MemberId
    nickname: Sealed[str]


class AccountSuspended(Event, frozen=True, tag="account.suspended.v1"):
    """The member may not act, nor read, until reinstated; with ``until``, a timer does that."""

    member: MemberId
    suspension: UUID
    reason: Sealed[str]
    until: datetime | None


class AccountReinstated(Event, frozen=True, tag="account.reinstated.v1"):
    """The suspension is over, from ``effective_at`` on."""

    member: MemberId
    suspension: UUID
    effective_at: datetime


NumberEvent: TypeAlias = NumberClaimed
AccountEvent: TypeAlias = AccountOpened | NicknameChanged | AccountSuspended | AccountReinstated

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


class Active(msgspec.Struct, frozen=True):
    """The member may act. ``since`` is the version that made it so."""

    member: MemberId
    since: int


class Suspended(msgspec.Struct, frozen=True):
    """The member may not act."""

    member: MemberId
    suspension: UUID
    since: int


Account: TypeAlias = NoAccount | Active | Suspended


def evolve_number(number: Number, event: NumberEvent, version: int) -> Number:
    """Claimed once, for good."""
    return Claimed(event.member, event.identity)


def evolve(account: Account, event: AccountEvent, version: int) -> Account:
    """The account after one more event."""
    match event:
        case AccountOpened(member=member):
            return Active(member, version)
        case AccountSuspended(member=member, suspension=suspension):
            return Suspended(member, suspension, version)
        case AccountReinstated(member=member):
            return Active(member, version)
        case NicknameChanged():
            return account
        case _:
            assert_never(event)


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
        case Active() | Suspended():
            return ()
        case _:
            assert_never(account)


def change_nickname(account: Account, nickname: Sealed[str]) -> tuple[AccountEvent, ...]:
    """Change the name others see."""
    return (NicknameChanged(acting(account).member, nickname),)


def suspend(
    account: Account, suspension: UUID, reason: Sealed[str], until: datetime | None
) -> tuple[AccountEvent, ...]:
    """Suspend a member; of one who is suspended already, the earlier suspension stands."""
    match account:
        case Active(member=member):
            return (AccountSuspended(member, suspension, reason, until),)
        case Suspended():
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
        case Suspended(member=member, suspension=current):
            if suspension is not None and suspension != current:
                return ()
            return (AccountReinstated(member, current, effective_at),)
        case Active():
            return ()
        case NoAccount():
            raise Refused("not-found")
        case _:
            assert_never(account)


def acting(account: Account) -> Active:
    """The account, if its member may act."""
    match account:
        case Active():
            return account
        case Suspended():
            raise Refused("suspended", "This account is suspended.")
        case NoAccount():
            raise Refused("not-found")
        case _:
            assert_never(account)
