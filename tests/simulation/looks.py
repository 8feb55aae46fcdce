"""
Looks: what members read while a history goes on, and when it rests.

While it goes on, a look must find nothing that is not for its viewer; and exactly what there is,
whenever nothing was committed while it lasted. At rest, everything can be told exactly.
"""

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.simulation import fronts, surfaces, walls
from tests.simulation.clocks import unlike
from tests.simulation.desks import Desks
from tests.simulation.glances import Glance
from tests.simulation.network import Ask, Lost, Reply, send
from tests.simulation.surfaces import Surface
from tests.simulation.tables import MODELS, Tables, changes_of
from tests.simulation.world import Difference, Person

if TYPE_CHECKING:
    from tests.simulation.history import History


class Looks:
    """The looks of one history."""

    def __init__(self, history: "History") -> None:
        self._history = history
        self._desks = Desks(history)

    def _someone(self) -> Person:
        return self._history.chance.choice(list(self._history.world.people.values()))

    async def anybody(self) -> None:
        """Somebody looks at something, whatever else is going on."""
        viewer = self._someone()
        surface = self._surface(viewer)
        fresh = self._history.chance.random() < 0.6
        await self.look(viewer, surface, fresh=fresh)

    def _surface(self, viewer: Person) -> Surface:
        history = self._history
        if history.plan.pages and history.chance.random() < history.plan.pages / 2:
            return history.chance.choice(fronts.everything(history.world))
        if history.plan.photos and history.chance.random() < history.plan.photos / 2:
            return history.chance.choice(walls.everything(history.world)[-60:])
        found = surfaces.everything(history.world, viewer.id)
        often = [surfaces.feed(), surfaces.feed(), surfaces.notifications()]
        return history.chance.choice([*often, *found[-36:]])

    async def at_subject(self, case: UUID) -> None:
        """
        Somebody, rather one who may see it, looks at what was decided of, at once, however far
        read models are.
        """
        world, chance = self._history.world, self._history.chance
        docket = world.cases.dockets.get(case)
        piece = None if docket is None else world.pieces.get(docket.subject.id)
        if piece is None:
            return
        author = world.people[piece.author]
        others = [one for one in world.people.values() if one is not author]
        seeing = [one for one in others if world.sees(one.id, piece) and one.barred is None]
        found = [
            surfaces.post(piece),
            surfaces.comments(piece),
            surfaces.space_posts(author.id, author.qq),
            surfaces.feed(),
        ]
        await self.look(chance.choice(seeing or others), chance.choice(found), fresh=False)

    async def look(self, viewer: Person, surface: Surface, *, fresh: bool) -> bool:
        """
        Read a surface, and hold it against the oracle; whether that could be done exactly.

        :param fresh: ask for all that is committed by now.
        """
        self._history.outcome.looks += 1
        at_least = dict(self._history.ground.store_heads()) if fresh else {}
        names = surface.names
        listing = None if names is None else partial(names, self._history.world, viewer.id)
        glance = self._history.glance(viewer.id, listing)
        barred = viewer.barred
        try:
            reply, items = await self._read(viewer, surface, at_least, glance)
        except Lost:
            return False
        finally:
            self._history.glances.discard(glance)
        self._history.trace(f"{surface.operation} {reply.status}".encode() + reply.body)
        if reply.status in (503, 504) or not (fresh and glance.still):
            self._history.note(
                f"{viewer.qq} {surface.operation} -> {reply.status}, still {glance.still}"
            )
            return False
        self._history.outcome.exact += 1
        if barred is not None:
            if reply.problem != barred:
                raise Difference(f"{surface.operation}: {viewer.qq} is {barred}, got {reply}")
        elif reply.status == 404 or reply.ok:
            surface.compare(self._history.world, viewer.id, items)
        else:
            raise Difference(f"{surface.operation}: {viewer.qq} got {reply}")
        return True

    async def _read(
        self, viewer: Person, surface: Surface, at_least: dict[int, int], glance: Glance
    ) -> tuple[Reply, Any]:
        limit = self._history.chance.choice([1, 2, 5, 20]) if surface.listed else None
        items: list[Any] = []
        cursor: str | None = None
        while True:
            query: dict[str, Any] = dict(surface.query)
            if limit is not None:
                query["limit"] = limit
            if cursor is not None:
                query["cursor"] = cursor
            ask = Ask(
                surface.operation,
                viewer.qq,
                path=surface.path,
                query=query,
                at_least=at_least,
            )
            before = glance if cursor is None else self._history.glance(viewer.id)
            try:
                reply = await send(self._history.chance.choice(self._history.servers), ask)
            finally:
                if before is not glance:
                    self._history.glances.discard(before)
            if not reply.ok:
                return reply, None
            before.check(reply.body, surface.operation)
            if not surface.listed and surface.raw:
                return reply, reply.body
            body = reply.json
            if not surface.listed:
                return reply, body
            items += body["items"]
            cursor = body["next"]
            if cursor is None:
                _check_walk(surface, items, glance, fresh=bool(at_least))
                return reply, items

    async def at_everything(self) -> None:
        """Everybody looks at some of all there is, when all is at rest."""
        self._check_halves()
        now = min(server.clock.now() for server in self._history.servers)
        self._history.world.honours.check_rest(now)
        await self._desks.look()
        for app in self._history.apps:
            app.check()
        await self._everybody()

    async def at_all_that_is_left(self) -> None:
        """The same once somebody is forgotten, whose words staff cannot read any more either."""
        self._check_halves()
        for app in self._history.apps:
            app.check()
        await self._everybody()

    async def _everybody(self) -> None:
        for viewer in list(self._history.world.people.values()):
            found = surfaces.everything(self._history.world, viewer.id)
            some = self._history.chance.sample(found, min(len(found), 25))
            if self._history.plan.pages:
                some += fronts.everything(self._history.world)
            if self._history.plan.photos:
                hung = walls.everything(self._history.world)
                some += self._history.chance.sample(hung, min(len(hung), 25))
            some += [surfaces.feed(), surfaces.notifications(), surfaces.unread(viewer.id)]
            for surface in some:
                if not await self.look(viewer, surface, fresh=True):
                    raise Difference(f"{surface.operation} cannot be read though all is at rest")

    def _check_halves(self) -> None:
        """Once policies have told everything, both halves of each pair agree."""
        for (one, other), half in self._history.world.halves.items():
            theirs = self._history.world.halves.get((other, one))
            meant = {"outgoing": "incoming", "incoming": "outgoing", "friends": "friends"}
            if theirs is None or theirs.bond != half.bond:
                raise Difference(f"half of {one} towards {other} stands alone: {half}")
            if theirs.standing != meant[half.standing]:
                raise Difference(f"halves disagree: {half} and {theirs}")

    def check_rebuilt(self) -> None:
        """Every model is what it becomes when it is built anew from the log."""
        ground, reader = self._history.ground, self._history.servers[0].log.reader
        rebuilt = Tables()
        for cell, head in ground.store_heads().items():
            rebuilt.write(changes_of(MODELS, reader.read(cell, 0, head, head)))
        for table in rebuilt:
            if rebuilt.every(table) != ground.books.tables.every(table):
                raise Difference(f"{table.name} is not what a rebuild makes of it")

    def check_keys(self) -> None:
        """What was destroyed cannot be read, and all else can."""
        ground, reader = self._history.ground, self._history.servers[0].log.reader
        every = [
            recorded
            for cell, head in ground.store_heads().items()
            for recorded in reader.read(cell, 0, head, head)
        ]
        if wrong := unlike(every, self._history.world.clocks.destroyed, ground.vault):
            raise Difference(f"keys are not as they should be: {wrong}")

    def check_end(self) -> None:
        """No account is promised and not opened; nothing outlives its time."""
        if set(self._history.world.claimed.values()) != set(self._history.world.people):
            raise Difference("a number was claimed and its account never opened")
        now = min(server.clock.now() for server in self._history.servers)
        self._history.world.rules.check_end(now)
        self._history.world.penalties.check_end(now)


def _check_walk(surface: Surface, items: list[Any], glance: Glance, *, fresh: bool) -> None:
    """What was there throughout a walk is in it once; nothing is in it twice."""
    if surface.names is None:
        return
    every = (surface.name(item) for item in items)
    names = [name for name in every if name not in glance.moved]
    if len(set(names)) != len(names):
        raise Difference(f"{surface.operation} says one thing twice in a walk")
    if fresh and glance.kept is not None and (lost := glance.kept - glance.moved - set(names)):
        raise Difference(f"{surface.operation} leaves out {lost}, there all the time")
