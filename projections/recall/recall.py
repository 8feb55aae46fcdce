"""
Answers from memory, as exact as if they had been read.

Before it answers, each read learns how far the log is: one small statement, which all reads share
that began before it. What the log has beyond the facts is taken first, from this process's own
commits or from the log, so that the facts hold at a place at or after the read's beginning,
whichever server wrote. An answer that had to load facts asks once more at the end: then all that it
is made of holds at one place together.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

from commands.ports import LogUnavailable
from domain.event import Recorded, Refused
from domain.ids import MemberId
from projections.reading.statements import Statement
from projections.recall.facts import Facts, Missing
from projections.recall.loads import LOADS, Load
from projections.recall.shared import Shared
from projections.recall.touches import Changed, changed

logger = logging.getLogger("homezone")

P = ParamSpec("P")
T = TypeVar("T")

#: Every round finds what the one before has loaded; a home page takes twelve of them at most.
_ROUNDS_MAX: Final = 16
#: Further behind than that in a cell, and forgetting all is cheaper than catching up.
_BEHIND_MAX: Final = 2_000
#: Own events that nobody has asked about since: what is forgotten of them is read from the log.
_NOTED_MAX: Final = 10_000
#: With more cells the question how far each is would cost more than it saves.
CELLS_MAX: Final = 256

# A rebuild puts other tables in the old ones' place. Their numbers are constants of the plan, which
# PostgreSQL makes anew when one of them is gone.
_HEADS = Statement(
    "heads_and_fed",
    """
    SELECT h.cell, h.position, coalesce(p.position, 0), coalesce(k.position, 0),
           CASE WHEN h.cell = 0 THEN ARRAY[
               'models.members'::regclass::oid, 'models.friendships'::regclass::oid,
               'models.blocks'::regclass::oid, 'models.follows'::regclass::oid,
               'models.list_members'::regclass::oid, 'models.gates'::regclass::oid,
               'models.counters'::regclass::oid, 'models.posts'::regclass::oid,
               'models.likes'::regclass::oid, 'models.homes'::regclass::oid,
               'models.messages'::regclass::oid, 'models.visit_counts'::regclass::oid,
               'models.visit_days'::regclass::oid, 'models.visitors'::regclass::oid,
               'models.removed_visitors'::regclass::oid] END
      FROM log.log_heads h
      LEFT JOIN log.checkpoints p ON p.cell = h.cell AND p.subscriber = 'model/posts'
      LEFT JOIN log.checkpoints k ON k.cell = h.cell AND k.subscriber = 'model/likes'
    """,
)


class Reads(Protocol):
    """Runs reads, each on a connection of its own."""

    async def run(self, read: Callable[..., Awaitable[T]], *arguments: Any) -> T: ...


class Log(Protocol):
    """The log, as far as it is followed here."""

    async def read(
        self, cell: int, after: int, limit: int, until: int | None = None
    ) -> Sequence[Recorded]: ...


class Recall:
    """
    Answers reads of one process on one loop.

    :param probes: for the question how far the log is; never busy with anything longer.
    :param reads: for loading facts.
    """

    def __init__(self, probes: Reads, reads: Reads, log: Log, facts: Facts | None = None) -> None:
        self.facts = facts or Facts()
        self.answered = 0
        self.given_up = 0
        self.loads = 0
        self._probes = probes
        self._reads = reads
        self._log = log
        self._tables: Sequence[int] | None = None
        self._heads: Mapping[int, int] = {}
        self._noted: deque[Changed] = deque(maxlen=_NOTED_MAX)
        self._catch_up = Shared(self._follow)
        self._load = {name: Shared(partial(self._run, load)) for name, load in LOADS.items()}

    def note(self, recorded: Sequence[Recorded]) -> None:
        """What this process has committed just now; from any thread."""
        self._noted.extend(map(changed, recorded))

    async def answer(
        self,
        make: Callable[Concatenate[Facts, MemberId, P], T | None],
        viewer: MemberId,
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T | None:
        """
        What ``make`` makes of the facts, as they are at or after this call; None when it has to be
        read instead.

        :raises LogUnavailable: the database cannot be reached.
        """
        facts, loaded = self.facts, set[tuple[str, Any]]()
        await self._catch_up()
        fresh = True
        for _ in range(_ROUNDS_MAX):
            try:
                answer = make(facts, viewer, *arguments, **named)
            except Missing as missing:
                wanted = {(missing.kind.name, key) for key in missing.keys}
                # Loaded and not kept: it changes too fast, or is about to be fed.
                if not loaded.isdisjoint(wanted):
                    break
                loaded |= wanted
                fresh = False
                await self._load[missing.kind.name](missing.keys)
                continue
            except Refused:
                if fresh:
                    self.answered += 1
                    raise
            else:
                if answer is None:
                    break
                if fresh:
                    self.answered += 1
                    return answer
            # What it is made of was loaded at different moments: see whether it holds at one.
            await self._catch_up()
            fresh, loaded = True, set()
        self.given_up += 1
        return None

    async def _run(self, load: Load, keys: Sequence[Any]) -> None:
        self.loads += 1
        await self._reads.run(load, self.facts, keys)

    async def _follow(self, _: Sequence[None]) -> None:
        """Take what was committed before now."""
        rows = await self._probes.run(_HEADS)
        heads: dict[int, int] = {}
        posts: dict[int, int] = {}
        likes: dict[int, int] = {}
        tables: Sequence[int] | None = None
        for cell, head, posts_at, likes_at, numbers in rows:
            heads[cell], posts[cell], likes[cell] = head, posts_at, likes_at
            tables = numbers if numbers is not None else tables
        facts = self.facts
        # A log that is shorter than it was is another one: the database was put back.
        put_back = any(heads.get(cell, 0) < head for cell, head in self._heads.items())
        if tables != self._tables or put_back:
            facts.start_over(heads)
        self._tables, self._heads = tables, heads
        self._take_noted()
        for cell, head in heads.items():
            if head > facts.positions.get(cell, 0):
                await self._take_from_log(cell, head, heads)
        facts.fed({"posts": posts, "likes": likes})

    def _take_noted(self) -> None:
        facts, noted = self.facts, self._noted
        while noted:
            own = noted.popleft()
            # What does not follow on is somebody else's turn first, and read from the log.
            if own.position == facts.positions.get(own.cell, 0) + 1:
                facts.take(own)

    async def _take_from_log(self, cell: int, head: int, heads: Mapping[int, int]) -> None:
        facts = self.facts
        after = facts.positions.get(cell, 0)
        if head - after > _BEHIND_MAX:
            facts.start_over(heads)
            return
        try:
            events = await self._log.read(cell, after, head - after, head)
        except LogUnavailable:
            raise
        except Exception:
            # A server of a later release may have written what this one cannot read.
            logger.exception("events that cannot be read: all facts are read anew")
            facts.start_over(heads)
            return
        for recorded in events:
            facts.take(changed(recorded))
        facts.positions[cell] = head
