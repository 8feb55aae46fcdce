"""
Commands about named lists.
"""

from typing import Annotated

import msgspec

from commands.directory import Directory
from commands.ports import KeyVault
from commands.relations import acting_member
from commands.types import QQ, ListName
from commands.work import Outcome, Work
from domain import named_list as decisions
from domain.ids import ListId, MemberId, cell_of
from domain.named_list import LIST_MEMBERS_MAX, LISTS, Lists, list_id, lists_stream
from domain.sealed import KeyClass


class SaveList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list's name and members."""

    name: ListName
    members: Annotated[list[QQ], msgspec.Meta(max_length=LIST_MEMBERS_MAX)]


def list_named(vault: KeyVault, lists: Lists, owner: MemberId, name: str) -> ListId:
    """The id of an owner's list of that name."""
    return list_id(lists, owner, cell_of(owner), vault.blind("list", f"{owner}/{name}"))


class ListHandlers:
    """The handlers, over the directory of numbers."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def save(self, command: SaveList, work: Work) -> Outcome:
        """Make a list, or replace its members."""
        owner = await acting_member(work)
        members = frozenset(await self._directory.members(command.members, "/members"))
        stream = lists_stream(owner, cell_of(owner))
        lists = await work.load(LISTS, stream)
        which = list_named(work.vault, lists, owner, command.name)
        sealed = await work.vault.seal(owner, KeyClass.CONTENT, command.name)
        work.append(LISTS, stream, owner, decisions.save(lists, owner, which, sealed, members))
        current = lists.lists.get(which)
        return Outcome(which, (stream, current.since if current else 0))

    async def delete(self, which: ListId, work: Work) -> Outcome:
        """Drop a list."""
        owner = await acting_member(work)
        stream = lists_stream(owner, cell_of(owner))
        lists = await work.load(LISTS, stream)
        work.append(LISTS, stream, owner, decisions.delete(lists, owner, which))
        return Outcome(which, (stream, lists.deleted.get(which, 0)))
