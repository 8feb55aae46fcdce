"""
Commands about a wallet: put coins in, and end what has run out of time.
"""

from datetime import timedelta

import msgspec

from commands.types import Coins, Days, Reason
from commands.work import Outcome, Work
from domain import belonging as belongings
from domain import wallet_moves as decisions
from domain.account import ACCOUNT, Nobody, account_stream
from domain.belonging import BELONGING, Owned
from domain.event import Refused
from domain.ids import LotId, MemberId, OrderId, PaymentId, StreamId, cell_of
from domain.money import Worth
from domain.sealed import KeyClass
from domain.wallet import WALLET, lot_of, wallet_stream


class GrantBonus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Give a member coins that cost nothing and expire."""

    coins: Coins
    days: Days
    reason: Reason


class CreditWallet(msgspec.Struct, frozen=True):
    """A policy's command: put in what a settled payment bought."""

    member: MemberId
    payment: PaymentId
    rail: str
    bought: Worth


class ExpireLot(msgspec.Struct, frozen=True):
    """A timer's command: a lot of bonus coins has run out of time."""

    member: MemberId
    lot: LotId


class ExpireHold(msgspec.Struct, frozen=True):
    """A timer's command: nobody captured what was held for an order."""

    member: MemberId
    order: OrderId


class ExpireBelonging(msgspec.Struct, frozen=True):
    """A timer's command: what an order brought has run out of time."""

    belonging: StreamId


async def credit(command: CreditWallet, work: Work) -> Outcome:
    """Put in what a settled payment bought, whatever its buyer's standing: it was paid for."""
    member, stream = command.member, wallet_stream(command.member)
    wallet = await work.load(WALLET, stream)
    at = work.context.effective_at
    events = decisions.top_up(wallet, member, command.payment, command.rail, command.bought, at)
    work.append(WALLET, stream, member, events)
    return Outcome(lot_of(command.payment, member), (stream, work.version(stream) + len(events)))


async def grant_bonus(target: MemberId, command: GrantBonus, work: Work) -> Outcome:
    """Give a member bonus coins."""
    work.cell = cell_of(target)
    account = await work.load(ACCOUNT, account_stream(target))
    if isinstance(account, Nobody):
        raise Refused("not-found")
    stream, at = wallet_stream(target), work.context.effective_at
    wallet = await work.load(WALLET, stream)
    reason = await work.vault.seal(target, KeyClass.BILLING, command.reason)
    lot, until = LotId(work.mint(work.cell)), at + timedelta(days=command.days)
    events = decisions.grant(wallet, target, lot, command.coins, until, reason, at)
    work.append(WALLET, stream, target, events)
    return Outcome(lot, (stream, work.version(stream) + len(events)), status=201)


async def expire_lot(command: ExpireLot, work: Work) -> Outcome:
    """Take what is left of a lot whose time is over."""
    member, stream = command.member, wallet_stream(command.member)
    wallet = await work.load(WALLET, stream)
    events = decisions.expire(wallet, member, command.lot, work.context.effective_at)
    work.append(WALLET, stream, member, events)
    return Outcome(command.lot, (stream, work.version(stream) + len(events)))


async def expire_hold(command: ExpireHold, work: Work) -> Outcome:
    """Let go of what is still held for an order."""
    member, stream = command.member, wallet_stream(command.member)
    wallet = await work.load(WALLET, stream)
    at = work.context.effective_at
    events = decisions.void(wallet, member, command.order, at, expired=True)
    work.append(WALLET, stream, member, events)
    return Outcome(command.order, (stream, work.version(stream) + len(events)))


async def expire_belonging(command: ExpireBelonging, work: Work) -> Outcome:
    """Take away what a member had for a time."""
    stream = command.belonging
    belonging = await work.load(BELONGING, stream)
    events = belongings.expire(belonging, work.context.effective_at)
    if isinstance(belonging, Owned):
        work.append(BELONGING, stream, belonging.member, events)
    return Outcome(stream, (stream, work.version(stream) + len(events)))
