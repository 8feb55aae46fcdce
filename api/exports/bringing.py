"""
What bringing things in from a copy has in common: in whose name, for whom, and what became of it.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from api.exports.items import MadeAudience
from commands.directory import Directory
from commands.executor import Executor, Handler
from commands.types import AudienceChoice, ToFriends, ToList, ToOnlyMe, ToPublic
from commands.work import Context
from domain.audience import LISTED_MAX
from domain.event import Refused
from domain.ids import MemberId, cell_of

BROUGHT: Final = "brought in"
HERE: Final = "here already"
TAKEN_DOWN: Final = "taken down there"
UNREADABLE: Final = "cannot be read"


class Bringing:
    """
    Whatever is brought into a member's space goes by here.

    :param counts: how many of each kind were brought in, were here, or why they were not.
    """

    def __init__(self, executor: Executor, member: MemberId) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.executor = executor
        self.member = member
        self.directory = Directory(executor.log, executor.vault)
        #: What the lists of the copy are called, by their ids there.
        self.lists: dict[UUID, str] = {}

    async def attempt(self, handler: Handler[Any], command: Any) -> str:
        """Run a command in the member's name; what became of it."""
        cell = cell_of(self.member)
        which = self.executor.new_id(cell)
        context = Context(self.member, cell, which, which, self.executor.clock.now())
        try:
            await self.executor.execute(handler, command, context)
        except Refused as no:
            return HERE if no.problem == "already-published" else no.problem
        return BROUGHT

    async def audience(self, audience: MadeAudience) -> AudienceChoice:
        """The same people, as far as they are here."""
        match audience.to:
            case "public":
                return ToPublic()
            case "friends":
                return ToFriends()
            case "only_me":
                return ToOnlyMe()
            case "list":
                name = None if audience.list is None else self.lists.get(audience.list)
                if name is not None:
                    return ToList(name=name)
                return ToList(await self.known(audience.members))

    async def known(self, numbers: Sequence[int]) -> list[int]:
        """Those of the QQ numbers that have an account here."""
        return [qq for qq in numbers[:LISTED_MAX] if await self.directory.find(qq) is not None]
