"""
Gifts: what friends offer to a member, and what the member answers. They are offered by an order.
"""

from datetime import datetime
from typing import Final, Literal, cast
from uuid import UUID

import msgspec

from api.answers import Author, Presenter, Written
from api.http.answers import Answer, Page
from api.http.queries import Paging
from api.http.routes import Routes
from api.routes.members import done
from api.services import MEMBERS, Ask
from commands import gifts as commands
from commands.gifts import GiveMonths
from commands.types import Moment
from domain.ids import OrderId
from projections.reading import gifts
from projections.reading.gifts import GiftView

ROUTES = Routes()
#: What may stand in the way of whoever pays with coins, and of whoever gives.
BUYING: Final = (
    "insufficient-coins",
    "wallet-owes",
    "suspended",
    "banned",
    "no-account",
    "conflict",
)
GIVING: Final = (
    "not-yourself", "no-such-member", "not-friends", "recipient-suspended", "recipient-banned",
)  # fmt: skip
_TAG = "Mall"
#: Beyond every position of a log.
_LAST = (1 << 63) - 1


class Gift(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What a friend offers; `sender` is missing when there is no such member any longer. It can be
    answered while it is `offered`, until `expires_at`.
    """

    id: UUID
    item: UUID
    kind: str
    title: str
    quantity: int
    state: Literal["offered", "accepted", "declined", "expired", "refunded", "revoked"]
    offered_at: Moment
    expires_at: Moment
    sender: Author | None = None


@ROUTES.post(
    "/v1/gifts",
    tag="Memberships",
    summary="Give months of a membership",
    body=GiveMonths,
    answer=Written,
    roles=MEMBERS,
    problems=(*BUYING, *GIVING),
    links=("read_order",),
    example={"plan": "yellow", "months": 3, "gift_to": 10002},
)
async def give_months(call: Ask[GiveMonths, None]) -> Answer:
    """
    For a friend, who accepts or declines them like any other gift; `id` is the order's. Accepted,
    they follow what the friend has of that plan, or begin at once; they neither start a renewal nor
    end one, and no coins come back for them.
    """
    return done(await call.app.execute(call, call.app.gifts.offer_months, call.body, carried=True))


@ROUTES.get(
    "/v1/me/gifts",
    tag=_TAG,
    summary="What friends have offered you",
    query=Paging,
    answer=Page[Gift],
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
)
async def list_gifts(call: Ask[None, Paging]) -> Answer:
    """Newest first, with what became of each."""
    app, limit = call.app, call.query.limit
    views = await app.read(call, gifts.gifts, call.after(int) or _LAST, limit + 1)
    shown = views[:limit]
    place = shown[-1].position if len(views) > limit else None
    presenter, now = Presenter(app, call.viewer.id), app.clock.now()
    return call.page([_gift(view, presenter, now) for view in shown], place)


def _gift(view: GiftView, presenter: Presenter, now: datetime) -> Gift:
    # What has run out of time cannot be answered, though no timer may have come round to say so.
    waits = "offered" if view.expires_at > now else "expired"
    return Gift(
        id=view.order,
        item=view.item,
        kind=view.kind,
        title=view.title,
        quantity=view.quantity,
        state=cast(Literal["offered", "expired"], view.how or waits),
        offered_at=view.offered_at,
        expires_at=view.expires_at,
        sender=None if view.sender is None else presenter.author(view.sender),
    )


@ROUTES.put(
    "/v1/me/gifts/{id}",
    tag=_TAG,
    summary="Accept a gift",
    answer=Written,
    roles=MEMBERS,
    problems=("gift-over", "gift-unpaid", "suspended", "banned", "no-account", "conflict"),
)
async def accept_gift(call: Ask[None, None]) -> Answer:
    """
    The item is yours, and the sender has paid for it. Of accepting, declining and running out the
    first counts; accepted again, it stays accepted.
    """
    which = OrderId(call.uuid())
    return done(await call.app.execute(call, commands.accept, which, carried=True))


@ROUTES.delete(
    "/v1/me/gifts/{id}",
    tag=_TAG,
    summary="Decline a gift",
    answer=Written,
    roles=MEMBERS,
    problems=("gift-over", "gift-accepted", "suspended", "banned", "no-account", "conflict"),
)
async def decline_gift(call: Ask[None, None]) -> Answer:
    """Its coins go back to its sender; `state` is `expired` when they have gone by themselves."""
    which = OrderId(call.uuid())
    return done(await call.app.execute(call, commands.decline, which, carried=True))
