"""
From QQ numbers to members.

A number's stream is found by the number's keyed digest alone, so the log holds no number in plain.
A number once claimed never changes hands, so what was found stays found.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from commands.ports import EventLog, KeyVault
from domain.account import number_stream
from domain.account_events import NumberClaimed
from domain.event import Refused
from domain.ids import MemberId, StreamId


class Directory:
    """Resolves QQ numbers; remembers the last ``capacity`` of them."""

    def __init__(self, log: EventLog, vault: KeyVault, capacity: int = 100_000) -> None:
        self._log = log
        self._vault = vault
        self._capacity = capacity
        self._members: OrderedDict[int, MemberId] = OrderedDict()

    def stream(self, qq: int) -> StreamId:
        """The stream on which a number is claimed."""
        return number_stream(self._vault.blind("qq", str(qq)))

    async def find(self, qq: int) -> MemberId | None:
        """The member who has the number."""
        found = self._members.get(qq)
        if found is not None:
            return found
        for recorded in await self._log.read_stream(self.stream(qq), until=1):
            if isinstance(recorded.event, NumberClaimed):
                return self._remember(qq, recorded.event.member)
        return None

    async def member(self, qq: int, field: str | None = None) -> MemberId:
        """
        The member who has the number.

        :param field: the field that named it, when a body did.
        :raises Refused: nobody has.
        """
        found = await self.find(qq)
        if found is None:
            raise Refused("not-found" if field is None else "no-such-member", field=field)
        return found

    async def members(self, numbers: Sequence[int], at: str) -> list[MemberId]:
        """
        The members who have these numbers, looked up together.

        :param at: pointer of the field that lists them.
        :raises Refused: nobody has one of them; it names the first.
        """
        found = await asyncio.gather(*(self.find(qq) for qq in numbers))
        if None in found:
            raise Refused("no-such-member", field=f"{at}/{found.index(None)}")
        return [member for member in found if member is not None]

    def _remember(self, qq: int, member: MemberId) -> MemberId:
        self._members[qq] = member
        if len(self._members) > self._capacity:
            self._members.popitem(last=False)
        return member
