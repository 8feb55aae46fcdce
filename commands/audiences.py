"""
Whom something is for, as its owner says it and as the domain keeps it.
"""

from commands.directory import Directory
from commands.lists import list_named
from commands.types import AudienceChoice, ToFriends, ToList, ToOnlyMe, ToPublic
from commands.work import Work
from domain.audience import Audience, Friends, Listed, OnlyMe, Public
from domain.event import Refused
from domain.ids import MemberId, cell_of
from domain.named_list import LISTS, lists_stream


async def chosen_audience(
    work: Work, directory: Directory, owner: MemberId, choice: AudienceChoice, at: str
) -> Audience:
    """
    The audience that an owner chose.

    :param at: JSON pointer of the choice.
    :raises Refused: no-such-list, no-such-member, list-or-name.
    """
    match choice:
        case ToPublic():
            return Public()
        case ToFriends():
            return Friends()
        case ToOnlyMe():
            return OnlyMe()
        case ToList(members=None, name=str(name)):
            lists = await work.load(LISTS, lists_stream(owner, cell_of(owner)))
            which = list_named(work.vault, lists, owner, name)
            if which not in lists.lists:
                raise Refused("no-such-list", "You have no list of this name.", f"{at}/name")
            return Listed(named=which)
        case ToList(members=list(numbers), name=None):
            members = await directory.members(numbers, f"{at}/list")
            return Listed(members=frozenset(members) - {owner})
        case _:
            raise Refused("list-or-name", "Name the members, or one of your lists.", at)
