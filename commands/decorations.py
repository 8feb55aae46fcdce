"""
Commands about the look of a space: change what is named, restore the default.

A choice is checked against what its owner is entitled to at the commit; later it is asked again
whenever somebody looks (:mod:`domain.looks`).
"""

from typing import Annotated, Any, TypeAlias
from uuid import UUID

import msgspec

from commands.memberships import levels
from commands.relations import acting_member, check_id
from commands.work import Outcome, Work
from domain import decoration as decisions
from domain.belonging import BELONGING, Owned, belonging_stream
from domain.decoration import DECORATION, decoration_stream
from domain.event import Refused
from domain.ids import MemberId, OrderId
from domain.looks import (
    LAYOUTS,
    SLOTS,
    LayoutName,
    Module,
    OfHouse,
    OfOrder,
    Rights,
    Transparency,
)


class HouseLook(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="from", tag="house"
):
    """One of the house's looks."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=40, examples=["bamboo"])]


class OrderedLook(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="from", tag="order"
):
    """What an order of yours brought."""

    order: UUID


_Unset: TypeAlias = msgspec.UnsetType
LookChoice: TypeAlias = HouseLook | OrderedLook | msgspec.UnsetType | None


class ChangeDecoration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Change what is named; null restores a slot; ``layout`` comes before all else."""

    layout: LayoutName | _Unset = msgspec.UNSET
    background: LookChoice = msgspec.UNSET
    theme: LookChoice = msgspec.UNSET
    title_bar: LookChoice = msgspec.UNSET
    clothing: LookChoice = msgspec.UNSET
    music: LookChoice = msgspec.UNSET
    wide: bool | _Unset = msgspec.UNSET
    transparency: Transparency | _Unset = msgspec.UNSET
    modules: Annotated[list[Module], msgspec.Meta(max_length=9)] | _Unset = msgspec.UNSET


async def change(command: ChangeDecoration, work: Work) -> Outcome:
    """Change how the space looks."""
    member, at = await acting_member(work), work.context.effective_at
    changes = _changes(command)
    rights = await _rights(work, member, changes)
    stream = decoration_stream(member)
    decoration = await work.load(DECORATION, stream)
    events = decisions.change(decoration, member, changes, rights, at)
    work.append(DECORATION, stream, member, events)
    version = work.version(stream) + 1 if events else decoration.since
    return Outcome(member, (stream, version))


async def restore(work: Work) -> Outcome:
    """Let the space look like everybody's."""
    member, at = await acting_member(work), work.context.effective_at
    stream = decoration_stream(member)
    decoration = await work.load(DECORATION, stream)
    events = decisions.restore(decoration, member, at)
    work.append(DECORATION, stream, member, events)
    version = work.version(stream) + 1 if events else decoration.since
    return Outcome(member, (stream, version))


def _changes(command: ChangeDecoration) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if command.layout is not msgspec.UNSET:
        changes |= LAYOUTS[command.layout]
    for slot in SLOTS:
        choice = getattr(command, slot)
        if choice is not msgspec.UNSET:
            changes[slot] = _choice(choice)
    if command.wide is not msgspec.UNSET:
        changes["wide"] = command.wide
    if command.transparency is not msgspec.UNSET:
        changes["transparency"] = command.transparency
    if command.modules is not msgspec.UNSET:
        if len(set(command.modules)) < len(command.modules):
            raise Refused("module-twice", "A page has each module once.", "/modules")
        changes["modules"] = tuple(command.modules)
    return changes


def _choice(choice: HouseLook | OrderedLook | None) -> OfHouse | OfOrder | None:
    match choice:
        case HouseLook(name=name):
            return OfHouse(name)
        case OrderedLook(order=order):
            return OfOrder(OrderId(order))
        case None:
            return None


async def _rights(work: Work, member: MemberId, changes: dict[str, Any]) -> Rights:
    """What the member may use now, as far as the changes ask for it."""
    owned: dict[OrderId, str] = {}
    for slot in SLOTS:
        choice = changes.get(slot)
        if isinstance(choice, OfOrder):
            check_id(work, choice.order, "not-entitled", f"/{slot}")
            # What a friend gave came by the friend's order, and is here.
            belonging = await work.load(BELONGING, belonging_stream(choice.order, member))
            if isinstance(belonging, Owned) and belonging.usable(member, work.context.effective_at):
                owned[choice.order] = belonging.kind
    return Rights(await levels(work, member), owned)
