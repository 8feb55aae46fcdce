"""
Commands about payments: claim one to top up the wallet, and look again at one that is pending.
"""

from datetime import date

import msgspec

from commands.births import birth_date
from commands.directory import Directory
from commands.ports import KeyVault
from commands.rails import Rails, RailUnavailable, Seen
from commands.relations import acting_member
from commands.types import Coins, RailName, RailReference
from commands.work import Outcome, Work
from domain import allowance as allowances
from domain import payment as decisions
from domain.account import ACCOUNT, DIRECTORY_CELL, account_stream, acting
from domain.allowance import ALLOWANCE, AllowanceEvent, allowance_stream
from domain.event import Refused
from domain.ids import MemberId, PaymentId
from domain.misclaim import MISCLAIMS, may_claim, misclaim, misclaims_stream
from domain.payment import (
    PAYMENT,
    Failed,
    Payment,
    PaymentClaimed,
    PaymentEvent,
    PaymentFailed,
    PaymentSettled,
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

    def payer(self, vault: KeyVault, rail: str, member: MemberId) -> str:
        """
        The code that a member's payments on a rail are begun with.

        :raises Refused: there is no such rail.
        """
        if rail not in self._rails:
            raise Refused("not-found")
        return payer_code(vault, rail, member)

    def has(self, rail: str) -> bool:
        """Whether there is such a rail."""
        return rail in self._rails

    async def top_up(self, command: TopUp, work: Work) -> Outcome:
        """
        Claim a payment, in the directory cell; a policy puts the coins into the wallet, in the
        member's. One that is pending already is looked up again, and so is one that has failed.
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
            misclaims = await work.load(MISCLAIMS, misclaims_stream(member))
            may_claim(misclaims, at)
            allowance = await self._allowance(work, claimed, payment)
            seen = await self._look_up(work, claimed, command.rail_ref)
            if not decisions.borne_out(claimed, seen.state, seen.fen):
                return _misclaimed(work, claimed)
            events = decisions.claim(state, claimed, seen.state, seen.fen)
            work.append(ALLOWANCE, allowance_stream(member), member, allowance)
        else:
            events = decisions.claim(state, claimed, "unknown", 0)
        if isinstance(state, Waiting | Failed):
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
                seen = await self._look_up(work, claimed, reference)
            events = decisions.look_again(state, seen.state, seen.fen, work.context.effective_at)
            await self._adjust_allowance(work, command.payment, events)
            work.append(PAYMENT, stream, claimed.member, events)
        return Outcome(command.payment, (stream, work.version(stream) + len(events)))

    async def hear(self, command: HearOfPayment, work: Work) -> Outcome:
        """
        Ask the rail now, if anybody waits for that payment, or has given it up, or has had coins
        for it: its state is ``asked`` then. What the notification says is not believed, so it may
        be forged, doubled or late.
        """
        work.cell = DIRECTORY_CELL
        if command.rail not in self._rails:
            raise Refused("not-found")
        payment = payment_of(command.rail, work.vault.blind("payment", command.rail_ref))
        stream = payment_stream(payment)
        state = await work.load(PAYMENT, stream)
        events: tuple[PaymentEvent, ...] = ()
        if isinstance(state, Waiting | Failed):
            events = await self._hasten(work, payment, state, command.rail_ref)
            work.append(PAYMENT, stream, state.claim.member, events)
        elif isinstance(state, Settled):
            seen = await self._look_up(work, state.claim, command.rail_ref)
            lot = lot_of(payment, state.claim.member)
            events = decisions.turn(state, lot, seen.state, work.context.effective_at)
            work.append(PAYMENT, stream, state.claim.member, events)
        asked = "asked" if isinstance(state, Waiting | Failed | Settled) else None
        return Outcome(payment, (stream, work.version(stream) + len(events)), state=asked)

    async def _hasten(
        self, work: Work, payment: PaymentId, state: Waiting | Failed, reference: str
    ) -> tuple[PaymentEvent, ...]:
        """What the rail says out of turn of a payment that is pending, or has failed."""
        seen = await self._look_up(work, state.claim, reference)
        at = work.context.effective_at
        events = decisions.hasten(state, seen.state, seen.fen, at)
        await self._adjust_allowance(work, payment, events)
        return events

    async def _look_up(self, work: Work, claimed: PaymentClaimed, reference: str) -> Seen:
        """
        What the rail says of a member's claim: of what somebody else began, that it is unknown.

        :raises RailUnavailable: it cannot be asked, or is no longer set up here.
        """
        rail = self._rails.get(claimed.rail)
        if rail is None:
            raise RailUnavailable(claimed.rail)
        seen = await rail.look_up(reference, claimed.fen)
        if seen.payer not in (None, payer_code(work.vault, claimed.rail, claimed.member)):
            return Seen("unknown")
        return seen

    async def _allowance(
        self, work: Work, claimed: PaymentClaimed, payment: PaymentId
    ) -> tuple[AllowanceEvent, ...]:
        """
        What lets a minor's payment count.

        :raises Refused: it is beyond what a minor may pay.
        """
        birth = await self._birth_date(work, claimed.member)
        if not allowances.minor(birth, claimed.effective_at):
            return ()
        taken = await work.load(ALLOWANCE, allowance_stream(claimed.member))
        return allowances.take(
            taken, claimed.member, birth, payment, claimed.fen, claimed.effective_at
        )

    @staticmethod
    async def _adjust_allowance(
        work: Work, payment: PaymentId, events: tuple[PaymentEvent, ...]
    ) -> None:
        """What came to nothing counts no longer; what came after all, again."""
        for event in events:
            if isinstance(event, PaymentFailed | PaymentSettled):
                stream = allowance_stream(event.member)
                taken = await work.load(ALLOWANCE, stream)
                failed = isinstance(event, PaymentFailed)
                decide = allowances.give_back if failed else allowances.take_again
                work.append(ALLOWANCE, stream, event.member, decide(taken, event.member, payment))

    async def _birth_date(self, work: Work, member: MemberId) -> date:
        """When a member was born who may act."""
        account = acting(await work.load(ACCOUNT, account_stream(member)))
        birth = await birth_date(work, self._directory, account)
        if birth is None:
            raise Refused("no-account", "Nothing is known of this member any longer.")
        return birth


def payer_code(vault: KeyVault, rail: str, member: MemberId) -> str:
    """
    What a member's payments on a rail are begun with: it says to us, and to nobody else, whose they
    are. 32 hexadecimal digits, the same for ever.
    """
    return vault.blind("payer", f"{rail}/{member}")[:16].hex()


def _misclaimed(work: Work, claimed: PaymentClaimed) -> Outcome:
    """A wrong claim is counted, and refused."""
    member, stream = claimed.member, misclaims_stream(claimed.member)
    events = misclaim(member, claimed.rail, claimed.effective_at)
    work.append(MISCLAIMS, stream, member, events)
    because = (stream, work.version(stream) + len(events))
    return Outcome(member, because, refused=decisions.unknown())


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
