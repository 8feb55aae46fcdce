"""
How a look is shown to clients.
"""

from uuid import UUID

import msgspec

from domain.looks import SLOTS, Choice, Look, Module, OfHouse, Slot, Transparency


class HouseLook(msgspec.Struct, frozen=True, tag_field="from", tag="house"):
    """One of the house's looks."""

    name: str


class OrderedLook(msgspec.Struct, frozen=True, tag_field="from", tag="order"):
    """What an order brought."""

    order: UUID


class ShownLook(msgspec.Struct, frozen=True):
    """How a space looks; null is as everybody's."""

    background: HouseLook | OrderedLook | None
    theme: HouseLook | OrderedLook | None
    title_bar: HouseLook | OrderedLook | None
    clothing: HouseLook | OrderedLook | None
    music: HouseLook | OrderedLook | None
    wide: bool
    transparency: Transparency
    modules: list[Module]


def shown_look(look: Look) -> ShownLook:
    """A look, for clients."""
    return ShownLook(
        background=_choice(look.background),
        theme=_choice(look.theme),
        title_bar=_choice(look.title_bar),
        clothing=_choice(look.clothing),
        music=_choice(look.music),
        wide=look.wide,
        transparency=look.transparency,
        modules=list(look.modules),
    )


def lapsed_slots(chosen: Look, shown: Look) -> list[Slot]:
    """What was chosen and does not show."""
    return [slot for slot in SLOTS if getattr(chosen, slot) != getattr(shown, slot)]


def _choice(choice: Choice | None) -> HouseLook | OrderedLook | None:
    if choice is None:
        return None
    return HouseLook(choice.name) if isinstance(choice, OfHouse) else OrderedLook(choice.order)
