"""
Badges: who is awarded one, in answer to what they did, after they did it.

Nobody's post waits for it. The policy looks at a member's counts once the read model has the event
that it answers, and then not again before the next badge can be due.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

from commands.executor import Executor
from commands.policies import Policy, Reaction
from commands.work import Outcome, Work
from domain import badge as decisions
from domain.badge import AWARD, DEEDS, Deed, badge_stream
from domain.event import Event, Recorded
from domain.ids import MemberId, cell_of

#: Members of whom it is remembered how much there is to go.
_REMEMBERED_MAX: Final = 50_000


class AwardBadge(msgspec.Struct, frozen=True):
    """A member has earned a badge."""

    member: MemberId
    badge: str


async def award(command: AwardBadge, work: Work) -> Outcome:
    """Award it, unless that was done."""
    member, badge = command.member, command.badge
    work.cell = cell_of(member)
    stream = badge_stream(member, badge)
    state = await work.load(AWARD, stream)
    work.append(AWARD, stream, member, decisions.award(state, member, badge))
    return Outcome(member, (stream, state.since or 1))


class Deeds(Protocol):
    """The counts of the read model."""

    async def done(self, recorded: Recorded, member: MemberId) -> Mapping[str, int]:
        """
        How often a member did what counts, an event at least that is given.

        :raises TimeoutError: the read model is not there yet.
        """


class AwardBadges(Policy):
    """
    Answers deeds by the badges that they earned.

    :param counted: which events are which deed.
    :param doer: whose deed an event is.
    """

    #: Badges can wait: nobody has to be woken for each deed, and for each batch of them.
    patient = True

    def __init__(
        self,
        counted: Mapping[type[Event], Deed],
        doer: "Doer",
        deeds: Deeds,
        executor: Executor,
    ) -> None:
        super().__init__("award-badges", frozenset(counted), _nothing, executor)
        self._counted = counted
        self._doer = doer
        self._deeds = deeds
        #: How many more deeds it takes at least for the next badge, and none for the last.
        self._to_go: dict[tuple[MemberId, Deed], int | None] = {}

    async def react(self, recorded: Recorded) -> None:
        """Award what an event, and all before it, have earned."""
        member, deed = self._doer(recorded.event), self._counted[type(recorded.event)]
        at = (member, deed)
        # Counted down for one event twice, it only comes to be looked at too early.
        to_go = self._to_go.get(at, 0)
        if to_go is None:
            return
        if to_go > 1:
            self._to_go[at] = to_go - 1
            return
        done = (await self._deeds.done(recorded, member))[deed]
        rules = {badge: rule.count for badge, rule in DEEDS.items() if rule.deed == deed}
        for badge in sorted(badge for badge, count in rules.items() if count <= done):
            await self._award(recorded, AwardBadge(member, badge))
        left = [count - done for count in rules.values() if count > done]
        if len(self._to_go) >= _REMEMBERED_MAX:
            self._to_go.clear()
        self._to_go[at] = min(left) if left else None

    def forget(self) -> None:
        """Somebody else may have answered events meanwhile."""
        self._to_go.clear()

    async def _award(self, recorded: Recorded, command: AwardBadge) -> None:
        await self._issue(recorded, (command, award, cell_of(command.member)), command.badge)


class Doer(Protocol):
    """Whose deed an event tells of."""

    def __call__(self, event: Event, /) -> MemberId: ...


def _nothing(_: Recorded) -> Sequence[Reaction]:
    return ()
