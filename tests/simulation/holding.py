"""
Coins that are set aside, and captured or let go: the product has the moves, and no route of its own
for them; so a history has these, by which an operator moves a member's coins.
"""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from api.answers import Written
from api.http.answers import Answer
from api.http.routes import Routes
from api.routes.members import done
from api.services import OPERATORS, Ask
from commands.work import Outcome, Work
from domain import wallet_moves
from domain.ids import MemberId, OrderId, cell_of
from domain.wallet import WALLET, wallet_stream
from domain.wallet_events import WalletEvent

ROUTES = Routes()
#: The statuses of what the product has no route to refuse on.
REFUSALS = {"nothing-held": 409, "held-less": 409}
_DECLARED: Any = {"tag": "Holds", "summary": "", "answer": Written, "roles": OPERATORS}


class HoldCoins(msgspec.Struct, frozen=True):
    """Set coins aside for so long."""

    coins: int
    seconds: float


class CaptureCoins(msgspec.Struct, frozen=True):
    """Spend some of what is held; ``keep`` the others, or let them go."""

    order: UUID
    coins: int
    keep: bool


class VoidHold(msgspec.Struct, frozen=True):
    """Let go of what is held."""

    order: UUID


async def _hold(target: MemberId, command: HoldCoins, work: Work) -> Outcome:
    work.cell = cell_of(target)
    wallet, at = await work.load(WALLET, wallet_stream(target)), work.context.effective_at
    order, until = OrderId(work.mint(work.cell)), at + timedelta(seconds=command.seconds)
    events = wallet_moves.hold(wallet, target, order, command.coins, until, at)
    return _moved(target, order, events, work)


async def _capture(target: MemberId, command: CaptureCoins, work: Work) -> Outcome:
    work.cell = cell_of(target)
    wallet, order = await work.load(WALLET, wallet_stream(target)), OrderId(command.order)
    at = work.context.effective_at
    events = wallet_moves.capture(wallet, target, order, command.coins, at, keep=command.keep)
    return _moved(target, order, events, work)


async def _void(target: MemberId, command: VoidHold, work: Work) -> Outcome:
    work.cell = cell_of(target)
    wallet, order = await work.load(WALLET, wallet_stream(target)), OrderId(command.order)
    events = wallet_moves.void(wallet, target, order, work.context.effective_at)
    return _moved(target, order, events, work)


def _moved(
    target: MemberId, order: OrderId, events: tuple[WalletEvent, ...], work: Work
) -> Outcome:
    stream = wallet_stream(target)
    work.append(WALLET, stream, target, events)
    return Outcome(order, (stream, work.version(stream) + len(events)), status=201)


@ROUTES.post("/holds/{qq}", body=HoldCoins, **_DECLARED)
async def hold_coins(call: Ask[HoldCoins, None]) -> Answer:
    """Set a member's coins aside."""
    target = await call.app.member(call.qq())
    return done(await call.app.execute(call, partial(_hold, target), call.body))


@ROUTES.post("/captures/{qq}", body=CaptureCoins, **_DECLARED)
async def capture_coins(call: Ask[CaptureCoins, None]) -> Answer:
    """Spend what is held."""
    target = await call.app.member(call.qq())
    return done(await call.app.execute(call, partial(_capture, target), call.body))


@ROUTES.post("/voids/{qq}", body=VoidHold, **_DECLARED)
async def void_hold(call: Ask[VoidHold, None]) -> Answer:
    """Let go of it."""
    target = await call.app.member(call.qq())
    return done(await call.app.execute(call, partial(_void, target), call.body))
