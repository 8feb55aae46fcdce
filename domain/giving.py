"""
What may be done about a gift: offer it to a friend, accept it, decline it, let it run out.

Only what stood when it was offered counts. Whoever unfriends or blocks the other later, or is
suspended or banned, changes nothing about the offer: it waits for its recipient, who must be able
to act in order to answer, and goes back by itself.
"""

from datetime import datetime
from typing import assert_never

from domain.account import Account, Active, Banned, Nobody, Suspended
from domain.circle import Tie, friends
from domain.event import Refused
from domain.gift import GiftAccepted, GiftEvent, GiftOffered, GiftReturned, Offered, SentBack
from domain.ids import MemberId
from domain.lots import Part
from domain.order import NoOrder, Order, Placed

_FIELD = "/gift_to"


def may_give(
    sender: MemberId, recipient: MemberId, half: Tie, other_half: Tie, account: Account
) -> None:
    """
    Whether somebody may be given anything.

    :param half: the sender's tie to the recipient; ``other_half``, the recipient's to the sender.
    :param account: the recipient's.
    :raises Refused: it is the sender, or no friend, or a friend who cannot act.
    """
    if sender == recipient:
        raise Refused("not-yourself", "A gift is for somebody else.", _FIELD)
    if isinstance(account, Nobody):
        raise Refused("no-such-member", field=_FIELD)
    if not friends(half, other_half):
        raise Refused("not-friends", "Gifts are for friends.", _FIELD)
    match account:
        case Active():
            return
        case Suspended():
            raise Refused("recipient-suspended", "This friend is suspended for now.", _FIELD)
        case Banned():
            raise Refused("recipient-banned", "This friend's account is closed.", _FIELD)
        case _:
            assert_never(account)


def offer_of(order: Order, recipient: MemberId) -> GiftOffered:
    """
    The offer that an order is, to whom it was made.

    :raises Refused: it is no gift, or for somebody else: the two look alike.
    """
    offer = _offer(order)
    if offer is None or offer.recipient != recipient:
        raise Refused("not-found")
    return offer


def _offer(order: Order) -> GiftOffered | None:
    match order:
        case Offered(offer=offer) | SentBack(offer=offer):
            return offer
        case Placed(gift=gift):
            return None if gift is None else gift.offer
        case NoOrder():
            return None


def open_to_answer(order: Order, at: datetime) -> bool:
    """Whether an answer still counts, be it that no timer has come round to say no."""
    return isinstance(order, Offered) and order.offer.expires_at > at


def accept(
    order: Order, recipient: MemberId, parts: tuple[Part, ...], at: datetime
) -> tuple[GiftEvent, ...]:
    """
    Take a gift.

    :param parts: what is in escrow for it.
    :returns: nothing when it was accepted before.
    :raises Refused: there is none for the recipient, or it has gone back.
    """
    offer = offer_of(order, recipient)
    if isinstance(order, Placed):
        return ()
    if not open_to_answer(order, at):
        raise Refused("gift-over", "This gift has gone back.")
    return (GiftAccepted(offer.member, recipient, parts, at),)


def decline(order: Order, recipient: MemberId, at: datetime) -> tuple[GiftEvent, ...]:
    """
    Send a gift back.

    :returns: nothing when it has gone back before, for whichever reason.
    :raises Refused: there is none for the recipient, or it was accepted, or has run out.
    """
    offer = offer_of(order, recipient)
    if isinstance(order, SentBack):
        return ()
    if isinstance(order, Placed):
        raise Refused("gift-accepted", "This gift was accepted.")
    if not open_to_answer(order, at):
        raise Refused("gift-over", "This gift goes back by itself.")
    return (GiftReturned(offer.member, recipient, "declined", at),)


def expire(order: Order, at: datetime) -> tuple[GiftEvent, ...]:
    """The time to answer is over."""
    if not isinstance(order, Offered) or open_to_answer(order, at):
        return ()
    return (GiftReturned(order.offer.member, order.offer.recipient, "expired", at),)
