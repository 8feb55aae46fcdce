"""
One history: a seed's members on a seed's servers, in a seed's weather.

Members do things at once, each through whichever server; servers are killed, stopped and started;
clocks jump, wake-ups are lost. Whoever looks meanwhile must find nothing that is not for them, and
exactly what there is whenever nothing changed under their eyes. Now and then everybody rests: then
all followers come to the log's end, and every surface of every member is what the oracle says.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from commands.accounts import RegisterAccount
from commands.erasures import AskErasure
from domain.catalogue import EVENTS
from domain.event import Recorded, type_of
from domain.ids import cell_of
from projections.counters import COUNTERS, WAITING
from projections.polls import TALLIES, TURNOUTS
from tests.simulation.apps import App
from tests.simulation.banks import Banks
from tests.simulation.callers import Callers
from tests.simulation.carrying import Carrier
from tests.simulation.givers import Givers
from tests.simulation.glances import Glance
from tests.simulation.listeners import Listeners
from tests.simulation.looks import Looks
from tests.simulation.loop import Process, SimulatedLoop, StuckError, context_of
from tests.simulation.moves import OPERATOR, Move
from tests.simulation.network import Ask, Lost, Reply, send
from tests.simulation.oracle import Oracle
from tests.simulation.photographers import Photographers
from tests.simulation.rests import come_to_rest
from tests.simulation.returners import Returners
from tests.simulation.server import Ground, LoopClock, Server, Temper
from tests.simulation.shoppers import Shoppers
from tests.simulation.staff import Staff
from tests.simulation.tables import Tables
from tests.simulation.tills import Tills
from tests.simulation.weather import weather
from tests.simulation.world import Difference, Person, Piece

if TYPE_CHECKING:
    from tests.simulation.run import Journal

_TRIES_MAX = 40
_BORN, _BORN_MINOR = date(2001, 2, 3), date(2018, 2, 3)
#: Over claims and days off, over promises and suspensions, over strikes and the time to appeal.
LEAPS = (timedelta(minutes=31), timedelta(days=3), timedelta(days=8), timedelta(days=31),
         timedelta(days=181))  # fmt: skip


class Plan(msgspec.Struct, frozen=True):
    """
    How much happens, and how wildly.

    :param clients: how many act at once; one is one thing after another.
    :param patient: whether everybody rests after each move.
    :param kills: how often a second a server is killed, stopped, or its clock moved.
    :param moderation: how many of the moves are staff's, or about what staff decided; without any,
        no rules are in force.
    :param pages: how many of the rest are about home pages, their visitors and boards.
    :param photos: how many of the others are about albums, photos, and posts that show some.
    :param notices: how many of the rest are about what members want to be told, and have read.
    :param forgets: whether a member is forgotten in the end.
    :param money: how many of the others are about money, and how often somebody looks at some;
        without either, no time is leapt over.
    :param gifts: how many of the moves of money are friends' for each other, or give
        something back.
    :param reversals: how many of the others are of banks that take payments back.
    """

    members: int = 5
    clients: int = 4
    rounds: int = 3
    moves: int = 12
    cells: int = 4
    kills: float = 0.0
    moderation: float = 0.0
    money: float = 0.0
    gifts: float = 0.0
    reversals: float = 0.0
    pages: float = 0.0
    photos: float = 0.0
    notices: float = 0.0
    forgets: bool = False
    idle_seconds: float = 0.5
    patient: bool = False
    apps: int = 1
    temper: Temper = Temper()


class Outcome(msgspec.Struct):
    """What a history came to. ``trace`` is a digest of all that was committed and answered."""

    trace: str = ""
    events: int = 0
    moves: int = 0
    looks: int = 0
    exact: int = 0
    kills: int = 0
    retries: int = 0
    conflicts: int = 0
    items: int = 0
    decided: int = 0
    steps: int = 0
    seconds: float = 0.0

    def add(self, other: "Outcome") -> None:
        """Sum up; a sum has no trace."""
        for name in self.__struct_fields__:
            if name != "trace":
                setattr(self, name, getattr(self, name) + getattr(other, name))


class History:
    """The history of a seed."""

    def __init__(self, seed: int, plan: Plan, loop: SimulatedLoop) -> None:
        self.loop = loop
        self.plan = plan
        self.outcome = Outcome()
        self.ground = Ground(loop, seed, plan.temper, plan.cells)
        self.chance = random.Random(f"{seed}/moves")
        self.fate = random.Random(f"{seed}/fate")
        self.chance_of_apps = random.Random(f"{seed}/apps")
        self.world = Oracle(self.ground.vault)
        self.glances: set[Glance] = set()
        self._looks = Looks(self)
        self.past: list[str] = []
        self.ground.committed = self._committed
        self._trace = blake2b(digest_size=16)
        self._clocks = [LoopClock(loop), LoopClock(loop)]
        clock, wary = self._clocks[0], 0.4 if plan.moderation else 0.0
        self._mover = Carrier(self.world, self.chance, clock, wary)
        self.world.now = clock.now
        self._staff = Staff(self.world, self.chance, clock)
        chance_of_money = random.Random(f"{seed}/money")
        self._shoppers = Shoppers(self.world, chance_of_money, clock)
        self._chance_of_gifts = random.Random(f"{seed}/gifts")
        self._givers = Givers(self.world, self._chance_of_gifts, clock, self._shoppers)
        self._returners = Returners(self.world, self._chance_of_gifts, clock, self._shoppers)
        self._chance_of_banks = random.Random(f"{seed}/banks")
        self._banks = Banks(self.world, self._chance_of_banks)
        self._tills = Tills(self, chance_of_money)
        self._chance_of_pages = random.Random(f"{seed}/pages")
        self._callers = Callers(self.world, self._chance_of_pages, wary)
        self._chance_of_photos = random.Random(f"{seed}/photos")
        self._photographers = Photographers(
            self.world, self._chance_of_photos, self.ground.darkroom, clock, wary
        )
        self._chance_of_notices = random.Random(f"{seed}/notices")
        self._listeners = Listeners(self.world, self._chance_of_notices, clock, wary)
        self._chance_of_money = chance_of_money
        self.world.treasury.rail = self.ground.rail
        self.world.galleries.darkroom = self.ground.darkroom
        self.servers: list[Server] = []
        self._keys = 0
        self.apps: list[App] = []
        self._journal: Journal | None = None

    async def live(self) -> Outcome:
        """
        Live it.

        :raises Difference: a surface shows what it should not, or not what it should.
        :raises Illegal: something was committed that must not be.
        """
        self.servers = [self.start(at) for at in range(len(self._clocks))]
        for number in range(self.plan.members):
            # The last one is a minor, who may not pay what others may.
            minor = self.plan.money > 0 and number == self.plan.members - 1
            await self._join(10_001 + number, _BORN_MINOR if minor else _BORN)
        await self.rest()
        people = list(self.world.people.values())
        if self.plan.money:
            self.world.treasury.minors |= {
                one.id for one in people if one.qq == 10_000 + len(people)
            }
        self.apps = [App(self, one) for one in people[: self.plan.apps]]
        for app in self.apps:
            self.loop.spawn(None, app.run())
        if self.plan.moderation:
            await self._do(self._staff.publish("house"))
        for _ in range(self.plan.rounds):
            await self._round()
            await self.rest()
            await self._hear_of_payments()
            await self._looks.at_everything()
            if self.plan.money:
                await self._tills.look()
                self._looks.check_rebuilt()
            if self.plan.moderation or self.plan.money:
                self._leap(self.fate.choice(LEAPS))
                await self._wake()
        await self.rest()
        self._banks.end()
        await self._hear_of_payments()
        if self.plan.money:
            await self._tills.look()
        self._looks.check_end()
        self._looks.check_rebuilt()
        self._looks.check_keys()
        if self.plan.forgets:
            await self._forget(people[-1])
        outcome = self.outcome
        outcome.decided = self.world.cases.decided
        outcome.conflicts += sum(server.log.conflicts for server in self.servers)
        outcome.trace = self._trace.hexdigest()
        outcome.steps, outcome.seconds = self.loop.steps, self.loop.time()
        return outcome

    async def _forget(self, person: Person) -> None:
        """Somebody asks to be forgotten; then nobody finds anything of theirs."""
        body = AskErasure(give_up_coins=True)
        await self._do(Move("ask_erasure", person.id, person.qq, True, body=body))
        await self.rest()
        if not person.erased:
            raise Difference(f"{person.qq} asked to be forgotten, and is there")
        if left := self.world.left_of(person.id):
            raise Difference(f"{person.qq} is forgotten, and {left} are left")
        await self._looks.at_all_that_is_left()
        self._looks.check_rebuilt()

    def keep(self, journal: "Journal") -> None:
        """Keep a journal from now on."""
        self._journal = journal
        journal.tables = self.ground.books.tables
        self.ground.asked = lambda statement, asked: journal.asked.append((statement, asked))

    def note(self, said: str) -> None:
        """Something that helps to understand a failure."""
        self.past.append(f"{self.loop.time():9.4f} {said}")

    def heard(self, viewer: Person, kind: str, cursor: str, data: bytes) -> None:
        """An app was told something."""
        self.outcome.items += kind != "heartbeat"
        self._trace.update(f"{kind} {cursor}".encode() + data)
        if kind != "heartbeat":
            self.note(f"~ {viewer.qq} {kind} {cursor}")

    def trace(self, said: bytes) -> None:
        """Something that is the same whenever the seed is lived again."""
        self._trace.update(said)

    def glance(self, viewer: UUID, listing: Any = None) -> Glance:
        """A look from now on, until it is given back."""
        glance = Glance(self.world, viewer, listing)
        self.glances.add(glance)
        return glance

    # The world

    def start(self, at: int) -> Server:
        """Start a server, or start it again."""
        if self.servers[at:]:
            self.outcome.conflicts += self.servers[at].log.conflicts
        clock = self._clocks[at]
        skew = self.plan.temper.skew_seconds
        clock.skew = timedelta(seconds=self.fate.uniform(-skew, skew))
        process = Process(f"server {at}")

        def begin() -> Server:
            server = Server(self.ground, process.name, clock, process)
            server.start()
            return server

        return context_of(process).run(begin)

    def _committed(self, events: Sequence[Recorded]) -> None:
        """Every commit, in the step in which it happens."""
        try:
            self.world.take(events, self._moved)
            self._check_counts(events)
            self.world.boards.check_counts(events, self.ground.books.tables)
            self._tills.check_commit(events)
        except Exception as error:  # noqa: BLE001 - the log must not take it for its own
            self.loop.fail(error)
        if self._journal is not None:
            self._journal.events += events
        for one in events:
            self.outcome.events += 1
            self.note(f"+ {one.at} {type(one.event).__name__} of {self._name(one.actor)}")
            said = f"{one.at} {one.stream} {one.version} {one.recorded_at} {type_of(one.event)}"
            self._trace.update(said.encode() + EVENTS.encode(one.event))

    def _moved(self) -> None:
        """Who looks takes in what holds now."""
        for glance in self.glances:
            glance.again()
        for app in self.apps:
            app.see()

    def _check_counts(self, events: Sequence[Recorded]) -> None:
        """Counts are exact at the commit."""
        for recorded in events:
            share = self.world.pieces.get(recorded.stream)
            original = None if share is None or share.original is None else share.original.id
            post = getattr(recorded.event, "post", original)
            if post is None:
                continue
            piece = self.world.pieces[post]
            tables, cell = self.ground.books.tables, cell_of(piece.id)
            published = sum(remark.published for remark in piece.remarks.values())
            none = {"likes": 0, "comments": 0, "shares": 0}
            counts = tables.get(COUNTERS, cell, post) or none
            shares = self.world.shares(piece)
            wanted = {"likes": len(piece.likes), "comments": published, "shares": shares}
            if counts != wanted:
                raise Difference(f"counters of {post} are {counts}, not {wanted}")
            if piece.poll is not None:
                check_votes(tables, piece)
            for who in self.world.people:
                waiting = tables.get(WAITING, cell, post, who) or {"comments": 0}
                own = sum(
                    one.live and one.author == who and not one.published
                    for one in piece.remarks.values()
                )
                if waiting["comments"] != own:
                    raise Difference(f"{waiting} of {who} wait under {post}, not {own}")

    def _name(self, actor: UUID) -> str:
        person = self.world.people.get(actor)
        return "the house" if person is None else str(person.qq)

    # Rounds

    async def _join(self, qq: int, born: date) -> None:
        body = RegisterAccount(qq, f"n{qq}", "r", born)
        move = Move("register_account", None, OPERATOR, True, {}, body)
        reply = await self._insist(move, self._ask(move))
        assert reply is not None
        assert reply.ok, reply

    async def _round(self) -> None:
        self.ground.calm = False
        fate = self.loop.spawn(None, weather(self))
        share = max(1, self.plan.moves // self.plan.clients)
        await asyncio.gather(
            *(self.loop.spawn(None, self._day(share)) for _ in range(self.plan.clients))
        )
        self.ground.calm = True
        fate.cancel()
        await asyncio.wait([fate])

    async def _day(self, moves: int) -> None:
        for _ in range(moves):
            await self._idle()
            actor = self.chance.choice(list(self.world.people.values()))
            move = self._next(actor)
            await self._do(move)
            if move.operation in ("decide_case", "confirm_decision"):
                await self._looks.at_subject(move.path["id"])
            if self.plan.patient:
                await self.rest()
            for _ in range(self.chance.choice([0, 1, 1, 2])):
                await self._looks.anybody()
            if self.plan.money and self._chance_of_money.random() < self.plan.money:
                await self._tills.anybody()

    def _next(self, actor: Person) -> Move:
        if self.plan.moderation and self.chance.random() < self.plan.moderation:
            move = self._staff.next(actor)
            if move is not None:
                return move
        if self.plan.money and self._chance_of_money.random() < self.plan.money:
            move = self._of_money(actor)
            if move is not None:
                return move
        if self.plan.pages and self._chance_of_pages.random() < self.plan.pages:
            move = self._callers.next(actor)
            if move is not None:
                return move
        if self.plan.photos and self._chance_of_photos.random() < self.plan.photos:
            move = self._photographers.next(actor)
            if move is not None:
                return move
        if self.plan.notices and self._chance_of_notices.random() < self.plan.notices:
            return self._listeners.next(actor)
        return self._mover.next(actor)

    def _of_money(self, actor: Person) -> Move | None:
        if self.plan.gifts and self._chance_of_gifts.random() < self.plan.gifts:
            who = self._givers if self._chance_of_gifts.random() < 0.7 else self._returners
            move = who.next(actor)
            if move is not None:
                return move
        if self.plan.reversals and self._chance_of_banks.random() < self.plan.reversals:
            move = self._banks.next()
            if move is not None:
                return move
        return self._shoppers.next(actor)

    async def _hear_of_payments(self) -> None:
        """Whatever turned, its rail tells of it until somebody asked; then all rest again."""
        for _ in range(_TRIES_MAX):
            news = self._banks.news()
            if not news:
                return
            for move in news:
                await self._do(move)
            await asyncio.sleep(2)
            await self.rest()
        raise StuckError("nobody asks after payments that turned")

    async def _wake(self) -> None:
        """After a leap: whatever became due meanwhile is done first, or is later than others."""
        if self.plan.moderation or self.fate.random() < 0.5:
            await self.rest()
        elif (move := self._shoppers.close()) is not None:
            await self._do(move)

    def _leap(self, over: timedelta) -> None:
        """Nothing happens for so long; whatever becomes due meanwhile is late."""
        self.note(f"! {over} later")
        for clock in (*self._clocks, self.ground.rail_clock):
            clock.leapt += over

    async def _idle(self) -> None:
        await asyncio.sleep(self.chance.random() ** 3 * self.plan.idle_seconds)

    # Moves

    async def _do(self, move: Move) -> None:
        self.outcome.moves += 1
        before, heads = self.world.commits, self.ground.store_heads()
        ask = self._ask(move)
        reply = await self._insist(move, ask)
        if reply is None:
            return
        said = f"{move.qq} {move.operation} {move.path} -> {reply.status} {reply.problem}"
        self.note(said)
        if self._journal is not None:
            answer = (move.operation, move.qq, reply.status, reply.problem, reply.positions)
            self._journal.answers.append(answer)
        own = any(
            at > heads[cell] and self._made(move, cell, at) for cell, at in reply.positions.items()
        )
        if self.world.commits == before + own:
            self._check_granted(move, reply, before)
        if reply.ok:
            self._check_acknowledged(move, reply)
        elif reply.status >= 500 and reply.problem not in ("unavailable", "timeout"):
            raise Difference(f"{move}: got {reply}")
        if move.of_money:
            self._tills.acknowledge(move, reply)
            if self._chance_of_money.random() < 0.1:
                again = await self._insist(move, ask)
                assert again is not None
                self._tills.check_again(move, reply, again)

    def _made(self, move: Move, cell: int, position: int) -> bool:
        """Not when what is answered is what somebody else had just done."""
        rows = self.ground.store.rows[cell]
        return position > len(rows) or move.actor in (None, rows[position - 1].actor)

    def _check_granted(self, move: Move, reply: Reply, before: int) -> None:
        """Nobody else did anything meanwhile: the answer is the one that the oracle gives."""
        late = reply.problem in ("in-the-past", "conflict", "unavailable", "timeout")
        if move.granted is not None and reply.ok is not move.granted and not late:
            raise Difference(f"{move}: expected {move.granted} at {before}, got {reply}")

    def _check_acknowledged(self, move: Move, reply: Reply) -> None:
        """What is acknowledged is in the log: at that place, and once."""
        for cell, position in reply.positions.items():
            rows = self.ground.store.rows[cell]
            if position > len(rows):
                raise Difference(f"{move}: acknowledged at {cell}-{position}, which is not there")
        if move.text is not None and self.world.said.get(move.text) is None:
            raise Difference(f"{move}: acknowledged, and never said")

    def _ask(self, move: Move) -> Ask:
        """A move, worded as a request; staff and whoever moves money name a key."""
        self._keys += 1
        keyed = move.of_money or move.actor is None or self.chance.random() < 0.9
        return Ask(
            move.operation,
            move.qq,
            move.role,
            move.path,
            move.body,
            key=f"key {self._keys}" if keyed else None,
        )

    async def _insist(self, move: Move, ask: Ask) -> Reply | None:
        """Ask until there is an answer; None when it is given up without one."""
        for _ in range(_TRIES_MAX):
            try:
                reply = await send(self.chance.choice(self.servers), ask)
            except Lost:
                self.outcome.retries += 1
                if ask.key is None:
                    return None
            else:
                self._trace.update(f"{ask.operation} {reply.status} {reply.headers}".encode())
                if reply.problem not in ("unavailable", "timeout", "conflict") or ask.key is None:
                    return reply
            await self._idle()
        raise StuckError(f"{move} is not answered")

    # Rest

    async def rest(self) -> None:
        """Let everybody come to the end of the log."""
        for at, server in enumerate(self.servers):
            if not server.process.alive:
                self.servers[at] = self.start(at)
        await come_to_rest(self)


def check_votes(tables: Tables, piece: Piece) -> None:
    """
    Votes are counted exactly at the commit.

    :raises Difference: they are not.
    """
    assert piece.poll is not None
    at = (cell_of(piece.id), piece.id)
    turnout = tables.get(TURNOUTS, *at) or {"voters": 0}
    tallies = {key[2]: row["votes"] for key, row in tables.under(TALLIES, *at).items()}
    wanted = Counter(option for chosen in piece.poll.votes.values() for option in chosen)
    if turnout["voters"] != len(piece.poll.votes) or +Counter(tallies) != wanted:
        raise Difference(f"votes on {piece.id} are {tallies} of {turnout}, not {wanted}")
