"""
The policy that makes it so that a member is forgotten: it destroys the keys that the log says are
destroyed, and deletes whatever the member made.

Event first, key second: what a kill may come between is done when the server is back, since a
policy answers every event at least once, and all that this one does can be done again.
"""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Final
from uuid import UUID

from api.services import Services
from commands import forgetting
from commands.forgetting import ITEM_KINDS, DeleteItems, DropLists, EndTies, Item
from commands.policies import Policy, Reaction
from domain.erasure import ErasureBegun, ErasureClassDestroyed
from domain.event import Event, Recorded
from domain.ids import MemberId, cell_of
from domain.sealed import KeyClass
from projections.reading.erasures import MadeRow, made

FORGET_MEMBERS: Final = "forget-members"
_PATIENCE_SECONDS: Final = 5.0
#: Rows that are looked at, and items that one command deletes: a few events each.
_LOOKED_AT: Final = 500
_AT_ONCE: Final = 50


class ForgetMembers(Policy):
    """Destroys keys and deletes items; done again, it finds nothing."""

    def __init__(self, services: Services) -> None:
        types: frozenset[type[Event]] = frozenset({ErasureBegun, ErasureClassDestroyed})
        super().__init__(FORGET_MEMBERS, types, _nothing, services.executor)
        self._services = services

    async def react(self, recorded: Recorded) -> None:
        """
        Do what an event of an erasure says.

        :raises VaultFault: the vault cannot be written.
        :raises TimeoutError: not all that the member made is known yet.
        """
        match recorded.event:
            case ErasureBegun(member=member):
                await self._end_ties(recorded, member)
            case ErasureClassDestroyed(member=member, key_class=key_class):
                await asyncio.to_thread(self._services.vault.destroy, member, key_class)
                if key_class is KeyClass.CONTENT:
                    await self._delete_all(recorded, member)
            case _:
                return

    async def _end_ties(self, recorded: Recorded, member: MemberId) -> None:
        cell = cell_of(member)
        for turn in count():
            context = self.context(recorded, cell, f"ties/{turn}")
            answer = await self._services.executor.execute(
                forgetting.end_ties, EndTies(member), context
            )
            if answer.state != "more":
                return

    async def _delete_all(self, recorded: Recorded, member: MemberId) -> None:
        services, cell = self._services, cell_of(member)
        at = {recorded.cell: recorded.position}
        await services.freshness.wait_for(at, _PATIENCE_SECONDS, ("timeline",))
        await self._issue(recorded, (DropLists(member), forgetting.drop_lists, cell), "lists")
        found: dict[str, list[Item]] = {kind: [] for kind in ITEM_KINDS}
        after, rows = UUID(int=0), list[MadeRow]()
        while rows or after.int == 0:
            rows = await services.look(made, member, after, _LOOKED_AT)
            for row in rows:
                if row.kind in found:
                    found[row.kind].append(Item(row.kind, row.stream, row.about))  # type: ignore[arg-type]
            if not rows:
                break
            after = rows[-1].stream
        # Photos before the albums that they are in; an album by itself, since they count in it.
        for kind in ITEM_KINDS:
            step = 1 if kind == "album" else _AT_ONCE
            for start in range(0, len(found[kind]), step):
                items = tuple(found[kind][start : start + step])
                command = DeleteItems(member, items)
                which = f"items/{items[0].id}"
                await self._issue(recorded, (command, forgetting.delete_items, cell), which)


def _nothing(_: Recorded) -> Sequence[Reaction]:
    return ()
