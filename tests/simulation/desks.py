"""
What staff find in their queues, and members in their statements of reasons, when all is at rest.

Members read these while they are suspended or banned, too.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from domain.ids import cell_of
from projections.cases import CASES
from tests.simulation.network import Ask, Lost, send
from tests.simulation.staff import MODERATORS
from tests.simulation.world import Difference, Person

if TYPE_CHECKING:
    from tests.simulation.history import History


class Desks:
    """The desks of one history."""

    def __init__(self, history: "History") -> None:
        self._history = history

    async def look(self) -> None:
        """
        Everything about moderation is told as it is.

        :raises Difference: it is not.
        """
        self._check_cells()
        await self._look_at_queues()
        for person in list(self._history.world.people.values()):
            await self._look_at_standing(person)
            await self._look_at_decisions(person)

    def _check_cells(self) -> None:
        """Every cell screens under the rules in force; every case is told as it stands."""
        world, tables = self._history.world, self._history.ground.books.tables
        for cell in range(self._history.plan.cells):
            if world.rules.epoch_of(cell) != world.rules.epoch:
                raise Difference(f"cell {cell} still screens under old rules")
        for docket in world.cases.dockets.values():
            row = tables.get(CASES, cell_of(docket.id), docket.id)
            if row is None or row["state"] != docket.stage:
                raise Difference(f"case {docket.id} is {docket.stage}, and told as {row}")

    async def _look_at_queues(self) -> None:
        """All that is open is in a queue, once, and nothing else."""
        shown = await self._walk("list_cases", MODERATORS[0], "moderator")
        cases = self._history.world.cases.dockets.values()
        wanted = {str(one.id): one.overdue for one in cases if one.stage != "closed"}
        if len(shown) != len(wanted) or {one["id"]: one["overdue"] for one in shown} != wanted:
            raise Difference(f"the queues hold {shown}, not {wanted}")

    async def _look_at_standing(self, person: Person) -> None:
        penalties = self._history.world.penalties
        body = await self._read("read_standing", person.qq, "member", {})
        strikes = {one["decision"]: one["state"] for one in body["strikes"]}
        wanted = {
            str(strike): one.state
            for strike, one in penalties.strikes.items()
            if one.member == person.id
        }
        if strikes != wanted:
            raise Difference(f"{person.qq} reads of strikes {strikes}, not {wanted}")
        shown = {one["id"] for one in body["sanctions"] if one["state"] == "in_force"}
        imposed = {
            str(which) for which, one in penalties.sanctions.items() if one.member == person.id
        }
        if shown != imposed:
            raise Difference(f"{person.qq} reads of sanctions {shown}, not {imposed}")

    async def _look_at_decisions(self, person: Person) -> None:
        """Whatever takes something from a member is told to that member, and to nobody else."""
        shown = {one["id"] for one in await self._walk("list_decisions", person.qq, "member")}
        mine = [
            ruling
            for docket in self._history.world.cases.dockets.values()
            for ruling in docket.rulings.values()
            if docket.subject.owner == person.id
        ]
        adverse = {str(one.id) for one in mine if one.adverse}
        if not adverse <= shown <= {str(one.id) for one in mine}:
            raise Difference(f"{person.qq} reads of decisions {shown}, adverse are {adverse}")

    async def _walk(self, operation: str, qq: int, role: str) -> list[Any]:
        items: list[Any] = []
        query: dict[str, Any] = {"limit": self._history.chance.choice([2, 20])}
        while True:
            body = await self._read(operation, qq, role, query)
            items += body["items"]
            if body["next"] is None:
                return items
            query["cursor"] = body["next"]

    async def _read(self, operation: str, qq: int, role: str, query: Mapping[str, Any]) -> Any:
        heads = dict(self._history.ground.store_heads())
        ask = Ask(operation, qq, role, query=query, at_least=heads)
        try:
            reply = await send(self._history.chance.choice(self._history.servers), ask)
        except Lost:
            raise Difference(f"{operation} cannot be read though all is at rest") from None
        if not reply.ok:
            raise Difference(f"{operation}: {qq} got {reply}")
        return reply.json
