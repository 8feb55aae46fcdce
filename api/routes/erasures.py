"""
Erasure, and the legal hold that stops it: asked for by a member, or by compliance for one.
"""

from functools import partial
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from api.answers import Written
from api.disclosing import STATED, disclose
from api.http.answers import Answer, Page, found
from api.http.queries import Paging
from api.http.routes import Routes
from api.routes.members import done
from api.services import COMPLIANCE, MEMBERS, Ask, Services
from commands import erasures as commands
from commands.erasures import AskErasure, AskErasureFor, PlaceHold, state_of
from commands.types import Moment
from domain.account import ACCOUNT, NoAccount, account_stream
from domain.erasure import (
    CLASSES,
    ERASURE,
    Begun,
    Erasure,
    LegalHoldPlaced,
    Terms,
    Waiting,
    erasure_stream,
)
from domain.event import Recorded, Refused
from domain.ids import MemberId
from domain.sealed import KeyClass, Sealed
from projections.reading import erasures, people, wallets

ROUTES = Routes()
_TAG = "Erasure and legal holds"

State: TypeAlias = Literal["none", "waiting", "destroying", "done"]


class ClassState(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A class of keys: until when it is retained, once the erasure has begun; since when it is
    destroyed; ``after_days`` is for how long it is retained from when the erasure falls due.
    """

    key_class: KeyClass = msgspec.field(name="class")
    after_days: int
    due: Moment | None = None
    destroyed_at: Moment | None = None


class ErasureView(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    How far an erasure is. ``due`` is when there is no way back any more. ``coins`` are lost with
    the account, those in holds as well; the books keep what was paid, without a name to it.
    """

    state: State
    classes: list[ClassState]
    asked_by: Literal["member", "compliance"] | None = None
    due: Moment | None = None
    begun_at: Moment | None = None
    coins: int | None = None


class HeldErasureView(msgspec.Struct, frozen=True, omit_defaults=True):
    """As compliance sees it, with what a legal hold keeps."""

    member: UUID
    erasure: ErasureView
    held: list[KeyClass]
    version: int


class HoldItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A legal hold that stands. ``qq`` and ``reason`` read `{"sealed": true}` without a purpose; the
    number is null once the member is gone.
    """

    member: UUID
    qq: Any
    classes: list[KeyClass]
    placed_at: Moment
    position: str
    reason: Any


@ROUTES.post(
    "/v1/me/erasure",
    tag=_TAG,
    summary="Ask to be forgotten",
    status=202,
    body=AskErasure,
    answer=Written,
    roles=MEMBERS,
    problems=("coins-left", "no-account", "conflict"),
    example={"give_up_coins": True},
)
async def ask_erasure(call: Ask[AskErasure, None]) -> Answer:
    """
    After a waiting period (`due` in `GET`) your account is gone for everybody, and then the keys of
    what you wrote and of who you are: nobody can read it again, in no backup either. You can ask
    while suspended or banned, too. Your number is given to nobody again.
    """
    handler = call.app.erasures.ask
    return done(await call.app.execute(call, handler, call.body))


@ROUTES.delete(
    "/v1/me/erasure",
    tag=_TAG,
    summary="Take it back",
    answer=Written,
    roles=MEMBERS,
    problems=("erasure-begun", "not-yours", "conflict"),
)
async def take_back_erasure(call: Ask[None, None]) -> Answer:
    """Possible until it is due; what compliance asked for, compliance takes back."""
    handler = partial(commands.take_back, call.viewer.member)
    return done(await call.app.execute(call, handler, None))


@ROUTES.get(
    "/v1/me/erasure",
    tag=_TAG,
    summary="How far your erasure is",
    answer=ErasureView,
    roles=MEMBERS,
)
async def read_erasure(call: Ask[None, None]) -> Answer:
    """
    When it is due, what is destroyed when, and what you lose. It answers after your account is
    gone as well, as long as your token holds.
    """
    app, member = call.app, call.viewer.member
    erasure, _ = await _erasure(app, member)
    wallet = await app.attend(call, wallets.wallet, member)
    coins = sum(lot.left for lot in wallet.lots) + sum(hold.coins for hold in wallet.holds)
    return found(_view(erasure, member, app.erasures.terms, coins))


@ROUTES.put(
    "/v1/erasures/{qq}",
    tag=_TAG,
    summary="Ask for a member's erasure",
    status=202,
    body=AskErasureFor,
    answer=Written,
    roles=COMPLIANCE,
    problems=("not-found", "conflict"),
    example={"reason": "asked for by letter of 2026-11-20, identity checked"},
)
async def ask_erasure_for(call: Ask[AskErasureFor, None]) -> Answer:
    """Where a member asked elsewhere. It waits as long as if they had asked here."""
    app = call.app
    handler = partial(app.erasures.ask_for, await app.member(call.qq()))
    return done(await app.execute(call, handler, call.body))


@ROUTES.delete(
    "/v1/erasures/{qq}",
    tag=_TAG,
    summary="Take a member's erasure back",
    answer=Written,
    roles=COMPLIANCE,
    problems=("not-found", "erasure-begun", "conflict"),
)
async def take_back_erasure_for(call: Ask[None, None]) -> Answer:
    """Possible until it is due, whoever asked for it."""
    app = call.app
    handler = partial(commands.take_back, await app.member(call.qq()))
    return done(await app.execute(call, handler, None))


@ROUTES.get(
    "/v1/erasures/{qq}",
    tag=_TAG,
    summary="How far a member's erasure is",
    answer=HeldErasureView,
    roles=COMPLIANCE,
    problems=("not-found",),
)
async def read_erasure_of(call: Ask[None, None]) -> Answer:
    """Also of a number whose member is gone."""
    app = call.app
    member = await app.member(call.qq())
    erasure, version = await _erasure(app, member)
    view = _view(erasure, member, app.erasures.terms, None)
    return found(HeldErasureView(member, view, list(erasure.held), version))


@ROUTES.put(
    "/v1/legal-holds/{qq}",
    tag=_TAG,
    summary="Place a legal hold",
    body=PlaceHold,
    answer=Written,
    roles=COMPLIANCE,
    problems=("not-found", "conflict"),
    example={"reason": "case 12 of the district court", "classes": ["content", "identity"]},
)
async def place_legal_hold(call: Ask[PlaceHold, None]) -> Answer:
    """
    Nothing of the classes named is destroyed while it stands, also of a member who is gone; of all,
    if none is named. Another takes its place.
    """
    app = call.app
    handler = partial(commands.place_hold, await app.member(call.qq()))
    return done(await app.execute(call, handler, call.body))


@ROUTES.delete(
    "/v1/legal-holds/{qq}",
    tag=_TAG,
    summary="Release a legal hold",
    answer=Written,
    roles=COMPLIANCE,
    problems=("not-found", "conflict"),
)
async def release_legal_hold(call: Ask[None, None]) -> Answer:
    """What is due goes on by itself."""
    app = call.app
    handler = partial(commands.release_hold, await app.member(call.qq()))
    return done(await app.execute(call, handler, None))


@ROUTES.get(
    "/v1/legal-holds",
    tag=_TAG,
    summary="Legal holds that stand",
    query=Paging,
    answer=Page[HoldItem],
    roles=COMPLIANCE,
    headers=STATED,
    problems=("no-such-request", "request-closed"),
)
async def list_legal_holds(call: Ask[None, Paging]) -> Answer:
    """On whom and why each was placed opens with `Homezone-Purpose`, which is recorded."""
    app, place, limit = call.app, call.after(tuple[UUID]), call.query.limit
    after = UUID(int=0) if place is None else place[0]
    rows = await app.attend(call, erasures.holds, after, limit + 1)
    mark = (rows[limit - 1].member,) if len(rows) > limit else None
    rows = rows[:limit]
    placed = [await _placed(app, row) for row in rows]
    disclosure = await disclose(call, placed)
    shown = await app.look(people.members, call.viewer.member, [row.member for row in rows])
    items = []
    for row, event in zip(rows, placed, strict=True):
        assert isinstance(event.event, LegalHoldPlaced)
        profile = shown.get(row.member)
        number = None if profile is None else disclosure.opened(Sealed(profile.profile.qq))
        items.append(
            HoldItem(
                member=row.member,
                qq=int(number) if isinstance(number, str) else number,
                classes=[KeyClass(name) for name in row.classes.split()],
                placed_at=row.placed_at,
                position=f"{row.cell}-{row.position}",
                reason=disclosure.opened(event.event.reason),
            )
        )
    return call.page(items, mark)


async def _placed(app: Services, row: erasures.HoldRow) -> Recorded:
    (recorded,) = await app.events_at(row.cell, [row.position])
    return recorded


async def _erasure(app: Services, member: MemberId) -> tuple[Erasure, int]:
    """A member's erasure and its version, from the log."""
    opened = await app.log.read_stream(account_stream(member), until=1)
    if isinstance(ACCOUNT.fold((one.event for one in opened), ACCOUNT.initial), NoAccount):
        raise Refused("not-found")
    history = await app.log.read_stream(erasure_stream(member))
    return ERASURE.fold((one.event for one in history), ERASURE.initial), len(history)


def _view(erasure: Erasure, member: MemberId, terms: Terms, coins: int | None) -> ErasureView:
    state: Any = state_of(erasure)
    stage = erasure.stage
    match stage:
        case Waiting(due=due, by=by):
            asked_by: Any = "member" if by == member else "compliance"
            return ErasureView(state, _classes(terms, None), asked_by, due, None, coins)
        case Begun(effective_at=at):
            return ErasureView(state, _classes(terms, stage), None, None, at, None)
        case _:
            return ErasureView(state, _classes(terms, None), coins=coins)


def _classes(terms: Terms, begun: Begun | None) -> list[ClassState]:
    due = {} if begun is None else {one.key_class: one.due for one in begun.schedule}
    destroyed = {} if begun is None else begun.destroyed
    return [
        ClassState(one, terms.retention(one).days, due.get(one), destroyed.get(one))
        for one in CLASSES
    ]
