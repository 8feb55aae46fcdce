"""
A gift: an order whose item is for a friend. Its coins stand in escrow until the friend answers.

It is an order's stream, in the sender's cell, so the answer and the coins move in one append there:
whichever of accepting, declining and running out comes first is the only one. The recipient's cell
follows (:mod:`domain.received_gift`).
"""

from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

import msgspec

from domain.event import Event
from domain.ids import ItemId, MemberId
from domain.lots import Part
from domain.mall import Terms
from domain.plans import Months, Plan

#: How long a recipient has to answer.
ANSWER_TERM: Final = timedelta(days=7)

Refusal: TypeAlias = Literal["declined", "expired"]


class GivenMonths(msgspec.Struct, frozen=True):
    """Months of a membership, and the points of growth for each of their days."""

    plan: Plan
    months: Months
    daily: int


class GiftOffered(Event, frozen=True, tag="gift.offered.v1"):
    """
    Ordered for a friend, on these terms; the coins stay in escrow until ``expires_at``.

    :param months: where it is these, and nothing of the mall.
    """

    member: MemberId
    recipient: MemberId
    item: ItemId
    terms: Terms
    quantity: int
    coins: int
    expires_at: datetime
    effective_at: datetime
    months: GivenMonths | None = None


class GiftAccepted(Event, frozen=True, tag="gift.accepted.v1"):
    """The recipient takes it: these coins are paid for it."""

    member: MemberId
    recipient: MemberId
    parts: tuple[Part, ...]
    effective_at: datetime


class GiftReturned(Event, frozen=True, tag="gift.returned.v1"):
    """The recipient would not have it, or did not answer: the coins are the sender's again."""

    member: MemberId
    recipient: MemberId
    why: Refusal
    effective_at: datetime


GiftEvent: TypeAlias = GiftOffered | GiftAccepted | GiftReturned


class Offered(msgspec.Struct, frozen=True):
    """It waits for its recipient's answer. ``since`` is the version that says so."""

    offer: GiftOffered
    since: int


class SentBack(msgspec.Struct, frozen=True):
    """It is over, and nobody has it. ``since`` is the version that says so."""

    offer: GiftOffered
    why: Refusal
    since: int


class Given(msgspec.Struct, frozen=True):
    """That an order was a gift, which its recipient took in version ``since``."""

    offer: GiftOffered
    accepted_at: datetime
    since: int
