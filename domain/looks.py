"""
How a space may look: the house's own looks, and what each takes.

A look that was chosen stays chosen. Whether it shows is asked of what its owner is entitled to at
that moment, so one that lapses falls back to the free look and comes back by itself.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from domain.ids import OrderId
from domain.plans import Plan

#: What can be dressed. An item of the mall of such a kind goes into the slot of that name.
Slot: TypeAlias = Literal["background", "theme", "title_bar", "clothing", "music"]
SLOTS: Final[tuple[Slot, ...]] = ("background", "theme", "title_bar", "clothing", "music")
#: How much shows through: not at all, half, or nearly all.
Transparency: TypeAlias = Literal[0, 1, 2]
#: What a page is made of.
Module: TypeAlias = Literal[
    "profile",
    "posts",
    "albums",
    "visitors",
    "messages",
    "gifts",
    "music",
    "friends",
    "badges",
]
#: Which there are, and in which order, until its owner arranges them.
MODULES: Final[tuple[Module, ...]] = ("profile", "posts", "albums", "visitors", "messages")
LayoutName: TypeAlias = Literal["classic", "simple", "wide"]


class OfHouse(msgspec.Struct, frozen=True, tag_field="from", tag="house"):
    """One of the house's looks, by its name."""

    name: str


class OfOrder(msgspec.Struct, frozen=True, tag_field="from", tag="order"):
    """What an order of the mall brought."""

    order: OrderId


Choice: TypeAlias = OfHouse | OfOrder


class Offer(msgspec.Struct, frozen=True):
    """What a look of the house takes: nothing, or a plan's benefits at a level."""

    plan: Plan | None = None
    level: int = 1


#: Version 1; a name that was ever offered stays, with what it takes.
HOUSE: Final[Mapping[Slot, Mapping[str, Offer]]] = {
    "background": {
        "paper": Offer(),
        "sky": Offer(),
        "aurora": Offer("yellow"),
        "galaxy": Offer("yellow", 4),
    },
    "theme": {"bamboo": Offer(), "ink": Offer(), "palace": Offer("yellow", 2)},
    "title_bar": {"slim": Offer(), "large": Offer("yellow")},
    "clothing": {"plain": Offer(), "silk": Offer("yellow", 3)},
    "music": {"brook": Offer(), "studio": Offer("green"), "concert": Offer("green", 3)},
}


class Look(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a space is to look; what is not chosen is as everybody's."""

    background: Choice | None = None
    theme: Choice | None = None
    title_bar: Choice | None = None
    clothing: Choice | None = None
    music: Choice | None = None
    wide: bool = False
    transparency: Transparency = 0
    modules: tuple[Module, ...] = MODULES


PLAIN: Final = Look()

#: What one key changes.
LAYOUTS: Final[Mapping[LayoutName, Mapping[str, object]]] = {
    "classic": {"wide": False, "transparency": 0, "modules": MODULES},
    "simple": {"wide": False, "transparency": 0, "modules": ("profile", "posts")},
    "wide": {"wide": True, "transparency": 1, "modules": MODULES},
}


class Rights(msgspec.Struct, frozen=True):
    """
    What a member may use at a moment.

    :param levels: of the plans whose benefits hold.
    :param owned: kinds of what is owned, by the order that brought it.
    """

    levels: Mapping[Plan, int]
    owned: Mapping[OrderId, str]


def entitled(slot: Slot, choice: Choice, rights: Rights) -> bool:
    """Whether a choice may be used."""
    if isinstance(choice, OfOrder):
        return rights.owned.get(choice.order) == slot
    offer = HOUSE[slot].get(choice.name)
    if offer is None:
        return False
    return offer.plan is None or rights.levels.get(offer.plan, 0) >= offer.level


def chosen(look: Look) -> dict[Slot, Choice]:
    """What was chosen, by slot."""
    return {slot: choice for slot in SLOTS if (choice := getattr(look, slot)) is not None}


def shown(look: Look, rights: Rights) -> Look:
    """What a look comes to: each choice that may not be used falls back to the free look."""
    lapsed = {
        slot: None for slot, choice in chosen(look).items() if not entitled(slot, choice, rights)
    }
    return msgspec.structs.replace(look, **lapsed) if lapsed else look
