"""
Commands about payments: claim one to top up the wallet, and look again at one that is pending.
"""

from datetime import date

import msgspec

from commands.directory import Directory
from commands.rails import Rails, RailUnavailable, Seen
from commands.relations import acting_member
from commands.types import Coins, RailName, RailReference
from commands.work import Outcome, Work
from domain import allowance as allowances
from domain import payment as decisions
from domain.account import ACCOUNT, DIRECTORY_CELL, NUMBER, Claimed, account_stream, acting
from domain.allowance import ALLOWANCE, allowance_stream
from domain.event import Refused
from domain.ids import MemberId, PaymentId
from domain.payment import (
    PAYMENT,
    Failed,
    Payment,
    PaymentClaimed,
    PaymentEvent,
    PaymentFailed,
    Settled,
    Unclaimed,
    Waiting,
    payment_of,
    payment_stream,
    price_of,
)
from domain.sealed import KeyClass
from domain.wallet import lot_of


class TopUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Claim a payment that was made on a rail, for the coins that it is over."""

    coins: Coins
    rail: RailName
    rail_ref: RailReference


class HearOfPayment(msgspec.Struct, frozen=True):
    """A rail's word that there is news of a payment: a hint to ask it, and nothing more."""

    rail: str
    rail_ref: str


class LookAgain(msgspec.Struct, frozen=True):
    """A timer's command: ask the rail of a pending payment again."""

    payment: PaymentId


class PaymentHandlers:
    """The handlers, over the directory of numbers and the rails that there are."""

    def __init__(self, directory: Directory, rails: Rails) -> None:
        self._directory = directory
        self._rails = rails

    def has(self, rail: str) -> bool:
        """Whether there is such a rail."""
        return rail in self._rails

    async def top_up(self, command: TopUp, work: Work) -> Outcome:
        """
        Claim a payment, in the directory cell; a policy puts the coins into the wallet, in the
        member's. One that is pending already is looked up again.
        """
        work.cell = DIRECTORY_CELL
        member, at = await acting_member(work), work.context.effective_at
        if command.rail not in self._rails:
            raise Refused("no-such-rail", "There is no such rail.", "/rail")
        payment = payment_of(command.rail, work.vault.blind("payment", command.rail_ref))
        stream = payment_stream(payment)
        state = await work.load(PAYMENT, stream)
        claimed = PaymentClaimed(
            member=member,
            rail=command.rail,
            reference=await work.vault.seal(member, KeyClass.BILLING, command.rail_ref),
            coins=command.coins,
            fen=price_of(command.coins),
            effective_at=at,
        )
        if isinstance(state, Unclaimed):
            await self._take_allowance(work, claimed, payment)
            seen = await self._look_up(claimed, command.rail_ref)
            events = decisions.claim(state, claimed, seen.state, seen.fen)
        else:
            events = decisions.claim(state, claimed, "unknown", 0)
        if isinstance(state, Waiting):
            events = await self._hasten(work, payment, state, command.rail_ref)
        work.append(PAYMENT, stream, member, events)
        after = PAYMENT.fold(events, state, work.version(stream))
        version = work.version(stream) + len(events)
        return _outcome(after, Outcome(lot_of(payment, member), (stream, version)))

    async def look_again(self, command: LookAgain, work: Work) -> Outcome:
        """Ask the rail of a pending payment again."""
        work.cell = DIRECTORY_CELL
        stream = payment_stream(command.payment)
        state = await work.load(PAYMENT, stream)
        events: tuple[PaymentEvent, ...] = ()
        if isinstance(state, Waiting):
            claimed = state.claim
            reference = work.vault.open(claimed.reference)
            # Whose key is gone has no wallet to fill either.
            seen = Seen("unknown")
            if reference is not None:
                seen = await self._look_up(claimed, reference)
            events = decisions.look_again(state, seen.state, seen.fen, work.context.effective_at)
            await self._return_allowance(work, command.payment, events)
            work.append(PAYMENT, stream, claimed.member, events)
        return Outcome(command.payment, (stream, work.version(stream) + len(events)))

    async def hear(self, command: HearOfPayment, work: Work) -> Outcome:
        """
        Ask the rail now, if anybody waits for that payment, or has had coins for it: its state is
        ``asked`` then. What the notification says is not believed, so it may be forged, doubled or
        late.
        """
        work.cell = DIRECTORY_CELL
        if command.rail not in self._rails:
            raise Refused("not-found")
        payment = payment_of(command.rail, work.vault.blind("payment", command.rail_ref))
        stream = payment_stream(payment)
        state = await work.load(PAYMENT, stream)
        events: tuple[PaymentEvent, ...] = ()
        if isinstance(state, Waiting):
            events = await self._hasten(work, payment, state, command.rail_ref)
            work.append(PAYMENT, stream, state.claim.member, events)
        elif isinstance(state, Settled):
            seen = await self._look_up(state.claim, command.rail_ref)
            lot = lot_of(payment, state.claim.member)
            events = decisions.turn(state, lot, seen.state, work.context.effective_at)
            work.append(PAYMENT, stream, state.claim.member, events)
        asked = "asked" if isinstance(state, Waiting | Settled) else None
        return Outcome(payment, (stream, work.version(stream) + len(events)), state=asked)

    async def _hasten(
        self, work: Work, payment: PaymentId, state: Waiting, reference: str
    ) -> tuple[PaymentEvent, ...]:
        """What the rail says of a pending payment out of turn."""
        seen = await self._look_up(state.claim, reference)
        at = work.context.effective_at
        events = decisions.hasten(state, seen.state, seen.fen, at)
        await self._return_allowance(work, payment, events)
        return events

    async def _look_up(self, claimed: PaymentClaimed, reference: str) -> Seen:
        """
        :raises RailUnavailable: it cannot be asked, or is no longer set up here.
        """
        rail = self._rails.get(claimed.rail)
        if rail is None:
            raise RailUnavailable(claimed.rail)
        return await rail.look_up(reference, claimed.fen)

    async def _take_allowance(
        self, work: Work, claimed: PaymentClaimed, payment: PaymentId
    ) -> None:
        """
        Let a minor's payment count.

        :raises Refused: it is beyond what a minor may pay.
        """
        birth = await self._birth_date(work, claimed.member)
        if not allowances.minor(birth, claimed.effective_at):
            return
        stream = allowance_stream(claimed.member)
        taken = await work.load(ALLOWANCE, stream)
        events = allowances.take(
            taken, claimed.member, birth, payment, claimed.fen, claimed.effective_at
        )
        work.append(ALLOWANCE, stream, claimed.member, events)

    @staticmethod
    async def _return_allowance(
        work: Work, payment: PaymentId, events: tuple[PaymentEvent, ...]
    ) -> None:
        for event in events:
            if isinstance(event, PaymentFailed):
                stream = allowance_stream(event.member)
                taken = await work.load(ALLOWANCE, stream)
                returned = allowances.give_back(taken, event.member, payment)
                work.append(ALLOWANCE, stream, event.member, returned)

    async def _birth_date(self, work: Work, member: MemberId) -> date:
        """A member's birth date, which stands with the claim of the number, sealed."""
        account = acting(await work.load(ACCOUNT, account_stream(member)))
        qq = work.vault.open(account.names.qq)
        if qq is not None:
            number = await work.load(NUMBER, self._directory.stream(int(qq)))
            if isinstance(number, Claimed):
                birth = work.vault.open(number.identity.birth_date)
                if birth is not None:
                    return date.fromisoformat(birth)
        raise Refused("no-account", "Nothing is known of this member any longer.")


def _outcome(payment: Payment, outcome: Outcome) -> Outcome:
    """What its claimant hears, be it that it came to nothing just now."""
    change = msgspec.structs.replace
    match payment:
        case Failed():
            return change(outcome, refused=decisions.failed())
        case Waiting():
            return change(outcome, state="pending", status=202)
        case _:
            return change(outcome, state="settled", status=201)
