"""
The mall: items that members buy, on the terms that operators set.

Items stand in the directory cell; an order carries the terms on which it was placed, so a new price
changes nothing that was sold.
"""

from typing import TypeAlias

import msgspec

from domain.event import Aggregate, Event, Refused
from domain.ids import ItemId, StreamId
from domain.money import COINS_MAX


class Terms(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What an item is and costs. ``title`` is the house's own words.

    :param members_only: for members with benefits of any plan.
    :param valid_days: how long a buyer has it; None for ever.
    :param level_min: the level of Yellow Diamond that it takes, if any.
    :param refund_days: for how long a buyer may give it back; None: not at all.
    """

    kind: str
    title: str
    price_coins: int
    members_only: bool = False
    valid_days: int | None = None
    level_min: int | None = None
    refund_days: int | None = None


class ItemListed(Event, frozen=True, tag="item.listed.v1"):
    """An item can be bought."""

    terms: Terms


class ItemChanged(Event, frozen=True, tag="item.changed.v1"):
    """Other terms for whoever buys it from now on."""

    terms: Terms


class ItemDelisted(Event, frozen=True, tag="item.delisted.v1"):
    """It can be bought no longer; who has it keeps it."""


class ItemRelisted(Event, frozen=True, tag="item.relisted.v1"):
    """It can be bought again."""


ItemEvent: TypeAlias = ItemListed | ItemChanged | ItemDelisted | ItemRelisted


class NoItem(msgspec.Struct, frozen=True):
    """No such item."""


class Item(msgspec.Struct, frozen=True):
    """An item. ``since`` is the version of its last change."""

    terms: Terms
    since: int
    listed: bool = True


AnyItem: TypeAlias = NoItem | Item


def evolve(item: AnyItem, event: ItemEvent, version: int) -> AnyItem:
    """The item after one more event."""
    if isinstance(event, ItemListed):
        return Item(event.terms, version)
    if isinstance(item, NoItem):
        return item
    match event:
        case ItemChanged(terms=terms):
            return Item(terms, version, item.listed)
        case ItemDelisted():
            return Item(item.terms, version, listed=False)
        case ItemRelisted():
            return Item(item.terms, version, listed=True)


ITEM: Aggregate[AnyItem] = Aggregate("item", NoItem(), evolve)


def item_stream(item: ItemId) -> StreamId:
    """An item's stream bears its own id."""
    return StreamId(item)


# Decisions


def change(item: AnyItem, terms: Terms, *, listed: bool) -> tuple[ItemEvent, ...]:
    """Set an item's terms and whether it is for sale, as far as they differ."""
    if isinstance(item, NoItem):
        raise Refused("not-found")
    events: list[ItemEvent] = []
    if terms != item.terms:
        events.append(ItemChanged(terms))
    if listed != item.listed:
        events.append(ItemRelisted() if listed else ItemDelisted())
    return tuple(events)


def on_sale(item: AnyItem) -> Terms:
    """
    The terms on which an item can be bought.

    :raises Refused: there is no such item, or it is not for sale.
    """
    if isinstance(item, NoItem):
        raise Refused("no-such-item", "There is no such item.", "/item")
    if not item.listed:
        raise Refused("item-delisted", "This item is not for sale any longer.", "/item")
    return item.terms


def total(terms: Terms, quantity: int) -> int:
    """
    What so many of an item cost, in coins.

    :raises Refused: more than one order moves.
    """
    coins = terms.price_coins * quantity
    if coins > COINS_MAX:
        raise Refused("order-too-large", f"One order is at most {COINS_MAX} coins.", "/quantity")
    return coins


def check_buyer(terms: Terms, *, benefits: bool, yellow_level: int | None) -> None:
    """
    Whether an item is for this buyer.

    :param benefits: those of some plan hold.
    :param yellow_level: while the benefits of yellow hold.
    :raises Refused: it is not.
    """
    if terms.members_only and not benefits:
        raise Refused("members-only", "This item is for members with a membership.", "/item")
    if terms.level_min is not None and (yellow_level or 0) < terms.level_min:
        raise Refused("level-too-low", f"This takes Yellow Diamond {terms.level_min}.", "/item")
