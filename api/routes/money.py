"""
Coins: top-ups, what is in a wallet, bonuses, and what moved them.
"""

from functools import partial
from typing import Any, Literal
from uuid import UUID

import msgspec

from api.answers import Written
from api.billing.answers import Coins, Posting, Wallet, posting, wallet
from api.http.answers import Answer, Page, found, nothing, written
from api.http.queries import Paging
from api.http.routes import Routes
from api.routes.members import done
from api.services import AUDITORS, MEMBERS, OPERATORS, Ask
from commands.payments import HearOfPayment, TopUp
from commands.types import Moment, RailReference
from commands.wallets import GrantBonus, grant_bonus
from domain.event import Refused
from domain.ids import LotId, MemberId, cell_of
from projections.reading import ledgers, wallets

ROUTES = Routes()
_TAG = "Money"
#: Beyond every position of a log, and every line of an event.
_LAST = ((1 << 63) - 1, (1 << 15) - 1)


class ToppedUp(Written, frozen=True, kw_only=True):
    """
    A top-up: ``credited``, or ``pending`` while its rail does not know or the coins are on their
    way. ``id`` is the lot of coins that it buys.
    """

    coins: int


class Payer(msgspec.Struct, frozen=True):
    """The code that your payments on a rail are begun with."""

    rail: str
    payer: str


class LotMove(msgspec.Struct, frozen=True):
    """
    What happened to ``coins`` of a lot, which cost ``fen``. ``about`` is an order, or the lot where
    there is none; of a gift, ``what`` says so.
    """

    position: str
    at: Moment
    what: str
    about: UUID
    coins: Coins
    fen: Coins
    member: UUID


class Notification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which payment; the ``state`` that a rail sends with it is not believed, but asked for."""

    rail_ref: RailReference
    state: Literal["paid", "pending", "failed", "refunded", "disputed", "charged_back"] | None = (
        None
    )


@ROUTES.post(
    "/v1/me/topups",
    tag=_TAG,
    summary="Turn a payment into coins",
    body=TopUp,
    answer=ToppedUp,
    later=True,
    roles=MEMBERS,
    problems=(
        "no-such-rail",
        "no-such-payment",
        "payment-failed",
        "claims-exhausted",
        "rail-ref-used",
        "minor-may-not-pay",
        "minor-limit",
        "suspended",
        "banned",
        "no-account",
        "conflict",
        "unavailable",
    ),
    example={"coins": 100, "rail": "demo", "rail_ref": "4200001889"},
)
async def top_up(call: Ask[TopUp, None]) -> Answer:
    """
    A coin is a yuan. A payment counts once, for whoever claims it first: the same claim again has
    the same answer, and is how to ask what became of one that is `pending` (202).
    """
    app, member = call.app, call.viewer.member
    answer = await app.execute(call, app.payments.top_up, call.body, carried=True)
    lot, at, state = LotId(answer.id), answer.at, "pending"
    if answer.state == "settled":
        position = await app.look(wallets.lot_position, member, lot)
        if position is not None:
            at, state = f"{cell_of(member)}-{position}", "credited"
    body = ToppedUp(id=lot, position=at, state=state, coins=call.body.coins)
    status = 201 if state == "credited" else 202
    return written(body, at, replayed=answer.replayed, status=status)


@ROUTES.get(
    "/v1/me/payers/{name}",
    tag=_TAG,
    summary="What to begin a payment with",
    answer=Payer,
    roles=MEMBERS,
    problems=("not-found", "suspended", "banned", "no-account"),
)
async def read_payer(call: Ask[None, None]) -> Answer:
    """
    Hand this code to the rail with the payment, and nobody else can claim it: a rail that keeps it
    tells us, and we take it from nobody but you. It is the same for ever.
    """
    app, rail = call.app, call.text()
    member = await app.read(call, _whoever_reads)
    return found(Payer(rail, app.payments.payer(app.vault, rail, member)))


async def _whoever_reads(_: Any, viewer: MemberId) -> MemberId:
    return viewer


@ROUTES.post(
    "/v1/rails/{name}/notifications",
    tag=_TAG,
    summary="Hear that there is news of a payment",
    body=Notification,
    answer=None,
    status=204,
    roles=None,
    write=False,
    problems=("not-found", "unavailable"),
    example={"rail_ref": "4200001889", "state": "paid"},
)
async def hear_of_payment(call: Ask[Notification, None]) -> Answer:
    """
    For rails; no token is needed, since nothing is believed: if somebody waits for that payment, or
    has had coins for it, the rail itself is asked, soon after the answer and again if it cannot be
    reached. Twice, late or out of order it changes nothing.
    """
    app, rail = call.app, call.text()
    if not app.payments.has(rail):
        raise Refused("not-found")
    app.inquiries.note(HearOfPayment(rail, call.body.rail_ref))
    return nothing()


@ROUTES.get(
    "/v1/me/wallet",
    tag=_TAG,
    summary="Your coins",
    answer=Wallet,
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
)
async def read_wallet(call: Ask[None, None]) -> Answer:
    """
    Exact at every moment. Lots are in the order in which they were acquired; bonus coins are spent
    first, the soonest to expire before all.
    """
    view = await call.app.read(call, wallets.wallet)
    return found(wallet(view, call.viewer.member, call.app.clock.now()))


@ROUTES.get(
    "/v1/me/ledger",
    tag=_TAG,
    summary="What moved your coins",
    query=Paging,
    answer=Page[Posting],
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
)
async def list_postings(call: Ask[None, Paging]) -> Answer:
    """Postings in double entry, newest first; both sides of each, the house's too."""
    before: tuple[int, int] = call.after(tuple[int, int]) or _LAST
    limit = call.query.limit
    view = await call.app.read(call, ledgers.postings, before, limit + 1)
    views, cell = view.postings, cell_of(call.viewer.member)
    shown = views[:limit]
    place = (shown[-1].position, shown[-1].line) if len(views) > limit else None
    return call.page([posting(one, view.lots, cell) for one in shown], place)


@ROUTES.get(
    "/v1/audit/lots/{id}",
    tag="Audit",
    summary="The way of the coins of a lot",
    query=Paging,
    answer=Page[LotMove],
    roles=AUDITORS,
)
async def trace_lot(call: Ask[None, Paging]) -> Answer:
    """
    From the payment or grant that made it through orders and gifts to refunds, and to what became
    of it when its payment was taken back; in order, each with its position in the log.
    """
    lot, limit = LotId(call.uuid()), call.query.limit
    if not 0 <= cell_of(lot) < call.app.log.cells:
        raise Refused("not-found")
    after = call.after(int)
    views = await call.app.attend(call, ledgers.moves, lot, after or 0, limit + 1)
    if after is None and not views:
        raise Refused("not-found")
    shown, cell = views[:limit], cell_of(lot)
    items = [
        LotMove(
            position=f"{cell}-{one.position}",
            at=one.at,
            what=one.what,
            about=one.about,
            coins=one.coins,
            fen=one.fen,
            member=one.member,
        )
        for one in shown
    ]
    return call.page(items, shown[-1].position if len(views) > limit else None)


@ROUTES.post(
    "/v1/accounts/{qq}/bonuses",
    tag=_TAG,
    summary="Give a member bonus coins",
    body=GrantBonus,
    answer=Written,
    roles=OPERATORS,
    problems=("conflict",),
    example={"coins": 5, "days": 30, "reason": "spring festival"},
)
async def grant_bonus_coins(call: Ask[GrantBonus, None]) -> Answer:
    """They cost nothing and expire after so many days."""
    target = await call.app.member(call.qq())
    return done(await call.app.execute(call, partial(grant_bonus, target), call.body))
