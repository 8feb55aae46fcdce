"""
Commands about the mall: list an item, and change what it costs and whether it is for sale.
"""

import msgspec

from commands.types import Coins, Days, ItemKind, ItemTitle, Level
from commands.work import Outcome, Work
from domain import mall as decisions
from domain.account import DIRECTORY_CELL
from domain.event import Refused
from domain.ids import ItemId, MemberId, cell_of
from domain.mall import ITEM, Item, ItemListed, NoItem, Terms, item_stream


class ListItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    Offer an item; with ``valid_days``, a buyer has it for so long; with ``level_min``, it takes
    Yellow Diamond of that level; with ``refund_days``, a buyer may give it back for so long.
    """

    kind: ItemKind
    title: ItemTitle
    price_coins: Coins
    members_only: bool = False
    valid_days: Days | None = None
    level_min: Level | None = None
    refund_days: Days | None = None


class ChangeItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    Change what is named; null for ``valid_days`` or ``level_min`` takes the limit away. Not
    ``listed``: it cannot be bought any longer. What kind of item it is stays.
    """

    title: ItemTitle | None = None
    price_coins: Coins | None = None
    valid_days: Days | msgspec.UnsetType | None = msgspec.UNSET
    level_min: Level | msgspec.UnsetType | None = msgspec.UNSET
    members_only: bool | None = None
    listed: bool | None = None
    refund_days: Days | None = None


async def list_item(command: ListItem, work: Work) -> Outcome:
    """Offer an item."""
    item = ItemId(work.mint(DIRECTORY_CELL))
    stream, terms = item_stream(item), Terms(**msgspec.structs.asdict(command))
    work.fresh(ITEM, stream)
    work.append(ITEM, stream, MemberId(work.context.actor), (ItemListed(terms),))
    return Outcome(item, (stream, 1), status=201)


async def change_item(which: ItemId, command: ChangeItem, work: Work) -> Outcome:
    """Change an item's terms for whoever buys it from now on."""
    work.cell = DIRECTORY_CELL
    if cell_of(which) != DIRECTORY_CELL:
        raise Refused("not-found")
    stream = item_stream(which)
    item = await work.load(ITEM, stream)
    if isinstance(item, NoItem):
        raise Refused("not-found")
    events = decisions.change(item, _terms(item, command), listed=_listed(item, command))
    work.append(ITEM, stream, MemberId(work.context.actor), events)
    version = work.version(stream) + len(events) if events else item.since
    return Outcome(which, (stream, version))


def _listed(item: Item, command: ChangeItem) -> bool:
    return item.listed if command.listed is None else command.listed


def _terms(item: Item, command: ChangeItem) -> Terms:
    named = {
        name: value
        for name in ("title", "price_coins", "members_only", "refund_days")
        if (value := getattr(command, name)) is not None
    }
    limits = {
        name: value
        for name in ("valid_days", "level_min")
        if (value := getattr(command, name)) is not msgspec.UNSET
    }
    return msgspec.structs.replace(item.terms, **named, **limits)
