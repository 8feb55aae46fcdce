"""
Commands about a member's erasure and the legal hold that stops it: of members, of compliance, and
of the timers that they set. What follows from them is in :mod:`commands.forgetting`.
"""

from typing import Annotated

import msgspec

from commands.types import Reason
from commands.work import Outcome, Work
from domain import account as accounts
from domain import circle as circles
from domain import erasure as decisions
from domain.account import ACCOUNT, Account, Nobody, account_stream
from domain.circle import CIRCLE, circle_stream
from domain.erasure import (
    CLASSES,
    ERASURE,
    Begun,
    Erasure,
    ErasureBegun,
    ErasureEvent,
    Terms,
    Waiting,
    erasure_stream,
)
from domain.event import Refused
from domain.ids import MemberId, cell_of
from domain.sealed import KeyClass
from domain.space import SPACE, space_stream, withdraw_certification
from domain.wallet import WALLET, wallet_stream


class AskErasure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    To be forgotten. Whoever has coins says that they give them up: nobody can have them back who
    is not there any longer.
    """

    give_up_coins: bool = False


class AskErasureFor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a member is to be forgotten who did not ask here: it was asked for on paper, say."""

    reason: Reason


class PlaceHold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why nothing of a member's may be destroyed, or nothing of the classes that are named."""

    reason: Reason
    classes: Annotated[
        tuple[KeyClass, ...], msgspec.Meta(min_length=1, max_length=len(CLASSES))
    ] = CLASSES


class BeginErasure(msgspec.Struct, frozen=True):
    """A timer's command: the waiting period is over."""

    member: MemberId


class DestroyClass(msgspec.Struct, frozen=True):
    """A timer's command: a class of keys is retained no longer."""

    member: MemberId
    key_class: KeyClass


class BeginErasureAgain(msgspec.Struct, frozen=True):
    """A restore's command: of this member's keys, those of some classes are destroyed already."""

    member: MemberId
    gone: tuple[KeyClass, ...]


class ErasureHandlers:
    """The handlers, over the terms on which members are forgotten."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    async def ask(self, command: AskErasure, work: Work) -> Outcome:
        """Ask for one's own; also while suspended or banned: it is about what is theirs."""
        member = work.context.member
        await _there(work, member, "no-account")
        erasure = await work.load(ERASURE, erasure_stream(member))
        at = work.context.effective_at
        wallet = await work.load(WALLET, wallet_stream(member))
        held = sum(part.coins for hold in wallet.holds for part in hold.parts)
        left = wallet.balance(at) + held
        if left and not command.give_up_coins:
            raise Refused("coins-left", f"There are {left} coins. Say if they are given up.")
        events = decisions.ask(erasure, member, member, at + self.terms.wait)
        return _done(work, erasure, member, events, status=202)

    async def ask_for(self, target: MemberId, command: AskErasureFor, work: Work) -> Outcome:
        """Compliance asks for a member's."""
        work.cell = cell_of(target)
        await _there(work, target, "not-found")
        erasure = await work.load(ERASURE, erasure_stream(target))
        reason = await work.vault.seal(target, KeyClass.MODERATION, command.reason)
        by, due = work.context.actor, work.context.effective_at + self.terms.wait
        events = decisions.ask(erasure, target, by, due, reason)
        return _done(work, erasure, target, events, status=202)

    async def begin(self, command: BeginErasure, work: Work) -> Outcome:
        """The waiting period is over: the member is gone, for everybody, at this commit."""
        member = command.member
        erasure = await work.load(ERASURE, erasure_stream(member))
        events = decisions.begin(erasure, member, work.context.effective_at, self.terms)
        if events:
            await _leave(work, member)
        return _done(work, erasure, member, events)

    async def begin_again(self, command: BeginErasureAgain, work: Work) -> Outcome:
        """Say what a restored log does not say of a member whose keys are gone."""
        member, at = command.member, work.context.effective_at
        await _there(work, member, "not-found", erased=True)
        erasure = await work.load(ERASURE, erasure_stream(member))
        events = decisions.begin_again(erasure, member, command.gone, at, self.terms)
        if any(isinstance(event, ErasureBegun) for event in events):
            await _leave(work, member)
        return _done(work, erasure, member, events)


async def take_back(target: MemberId, _: None, work: Work) -> Outcome:
    """Take it back, while it waits."""
    work.cell = cell_of(target)
    erasure = await work.load(ERASURE, erasure_stream(target))
    events = decisions.take_back(erasure, target, work.context.actor)
    return _done(work, erasure, target, events)


async def destroy_class(command: DestroyClass, work: Work) -> Outcome:
    """Destroy a class of keys, unless a hold is on it; a policy does it because of the event."""
    member, at = command.member, work.context.effective_at
    erasure = await work.load(ERASURE, erasure_stream(member))
    events = decisions.destroy(erasure, member, command.key_class, at)
    return _done(work, erasure, member, events)


async def place_hold(target: MemberId, command: PlaceHold, work: Work) -> Outcome:
    """Place a legal hold, also on what is left of a member who is gone."""
    work.cell = cell_of(target)
    await _there(work, target, "not-found", erased=True)
    stream = erasure_stream(target)
    erasure = await work.load(ERASURE, stream)
    # Under a key of its own: it must be told for as long as the hold stands, whatever is destroyed.
    reason = await work.vault.seal(stream, KeyClass.MODERATION, command.reason)
    by, at = work.context.actor, work.context.effective_at
    events = decisions.place_hold(erasure, target, command.classes, reason, by, at)
    work.append(ERASURE, stream, target, events)
    since = work.version(stream) + 1 if erasure.hold is None or events else erasure.hold.since
    return Outcome(target, (stream, since), state="held")


async def release_hold(target: MemberId, _: None, work: Work) -> Outcome:
    """Release it: what is due goes on by itself."""
    work.cell = cell_of(target)
    await _there(work, target, "not-found", erased=True)
    stream = erasure_stream(target)
    erasure = await work.load(ERASURE, stream)
    by, at = work.context.actor, work.context.effective_at
    events = decisions.release_hold(erasure, target, by, at)
    work.append(ERASURE, stream, target, events)
    since = work.version(stream) + 1 if events else erasure.released
    return Outcome(target, (stream, since), state="released")


async def _there(work: Work, member: MemberId, problem: str, *, erased: bool = False) -> None:
    account: Account = await work.load(ACCOUNT, account_stream(member))
    gone = isinstance(account, accounts.NoAccount) if erased else isinstance(account, Nobody)
    if gone:
        raise Refused(problem)


async def _leave(work: Work, member: MemberId) -> None:
    """What shuts all surfaces and commands against a member at once, whatever is done later."""
    account = await work.load(ACCOUNT, account_stream(member))
    circle = await work.load(CIRCLE, circle_stream(member))
    space = await work.load(SPACE, space_stream(member))
    work.append(ACCOUNT, account_stream(member), member, accounts.erase(account))
    work.append(CIRCLE, circle_stream(member), member, circles.close(circle, member))
    work.append(SPACE, space_stream(member), member, withdraw_certification(space, member))


def _done(
    work: Work,
    erasure: Erasure,
    member: MemberId,
    events: tuple[ErasureEvent, ...],
    status: int = 200,
) -> Outcome:
    """Append, and say how far the erasure is then, and which event made it so."""
    stream = erasure_stream(member)
    work.append(ERASURE, stream, member, events)
    after = ERASURE.fold(events, erasure, work.version(stream))
    return Outcome(member, (stream, after.stage.since), state=state_of(after), status=status)


def state_of(erasure: Erasure) -> str:
    """How far an erasure is, in a word."""
    match erasure.stage:
        case Waiting():
            return "waiting"
        case Begun() as begun:
            return "destroying" if begun.left else "done"
        case _:
            return "none"
