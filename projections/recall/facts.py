"""
Facts: rows of read models in memory, each as it stands at one place in the log.

A fact is dropped the moment an event is taken that changes it, so whatever is here holds at the
place up to which events were taken (:meth:`Facts.take`). All facts that an answer is made of hold
at that one place together.

A fact that is being loaded may be overtaken. So whoever loads remembers when it asked
(:meth:`Facts.asked`), and what was touched since is not kept. Rows of fed models follow later: an
event changes them when their model has taken it (:meth:`Facts.fed`), and only then.

Everything is bounded; what makes room is read again, and nothing else comes of it.
"""

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from projections.recall.shapes import (
    Member,
    Own,
    Page,
    Pair,
    Said,
    Shelf,
    Standing,
    Visited,
    Weighed,
)
from projections.recall.touches import Changed

V = TypeVar("V")

Vector: TypeAlias = Mapping[int, int]

_TOUCHED_MAX: Final = 20_000
_LATE_MAX: Final = 50_000
_ABSENT: Final = object()


class Asked(NamedTuple):
    """When a load began: after how many changes, and how far the fed models were then."""

    tick: int
    fed: Mapping[str, Vector]


class Missing(Exception):
    """An answer needs facts that are not here."""

    def __init__(self, kind: "Kind[Any, Any]", keys: Iterable[Any]) -> None:
        super().__init__(kind.name)
        self.kind = kind
        self.keys = list(keys)


K = TypeVar("K", bound=Hashable)


class Kind(Generic[K, V]):
    """
    One kind of fact, by key. ``weight`` is how many places of ``capacity`` are taken.

    :param fed: the fed model that its rows come from; None when they are inline models' alone.
    """

    def __init__(self, name: str, capacity: int, fed: str | None = None) -> None:
        self.name = name
        self.fed = fed
        self.capacity = capacity
        self.weight = 0
        self._held: dict[K, V] = {}
        self.get = self._held.get

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, key: K) -> bool:
        return key in self._held

    def one(self, key: K) -> V:
        """
        The fact of that key.

        :raises Missing: it is not here.
        """
        fact = self.get(key, _ABSENT)
        if fact is _ABSENT:
            raise Missing(self, (key,))
        return fact  # type: ignore[return-value]

    def many(self, keys: Iterable[K]) -> list[V]:
        """
        The facts of those keys, in their order.

        :raises Missing: some are not here.
        """
        wanted = list(keys)
        found = [self.get(key, _ABSENT) for key in wanted]
        if _ABSENT in found:
            pairs = zip(wanted, found, strict=True)
            raise Missing(self, (key for key, fact in pairs if fact is _ABSENT))
        return found  # type: ignore[return-value]

    def hold(self, key: K, fact: V) -> None:
        """Keep a fact; the oldest make room."""
        self.drop(key)
        self._held[key] = fact
        self.weight += _weight(fact)
        while self.weight > self.capacity:
            self.drop(next(iter(self._held)))

    def drop(self, key: K) -> None:
        """Forget a fact, if it is here."""
        fact = self._held.pop(key, _ABSENT)
        if fact is not _ABSENT:
            self.weight -= _weight(fact)

    def clear(self) -> None:
        """Forget all."""
        self._held.clear()
        self.weight = 0


def _weight(fact: Any) -> int:
    return fact.weight if isinstance(fact, Weighed) else 1


class Facts:
    """
    All facts of a process, and the place in the log at which they hold.

    :param scale: of the bounds; 1 is about 80 MiB when all is full.
    """

    def __init__(self, scale: float = 1.0) -> None:
        def places(number: int) -> int:
            return max(1, round(number * scale))

        self.members: Kind[UUID, Member | None] = Kind("members", places(20_000))
        self.standings: Kind[UUID, Standing] = Kind("standings", places(60_000))
        self.shelves: Kind[UUID, Shelf] = Kind("shelves", places(50_000), fed="posts")
        self.posts: Kind[UUID, Said] = Kind("posts", places(10_000), fed="posts")
        self.own: Kind[tuple[UUID, UUID], Own] = Kind("own", places(30_000), fed="likes")
        self.listed: Kind[tuple[UUID, UUID], bool] = Kind("listed", places(10_000))
        self.pairs: Kind[tuple[UUID, UUID], Pair] = Kind("pairs", places(20_000))
        self.pages: Kind[UUID, Page] = Kind("pages", places(20_000))
        self.visited: Kind[UUID, Visited] = Kind("visited", places(20_000))
        self._kinds: dict[str, Kind[Any, Any]] = {
            kind.name: kind for kind in vars(self).values() if isinstance(kind, Kind)
        }
        #: Authors of whose posts a few are not enough.
        self.prolific: set[UUID] = set()
        self._prolific_max = places(10_000)
        #: Up to where events were taken, by cell.
        self.positions: dict[int, int] = {}
        self._fed: Mapping[str, Vector] = {"posts": {}, "likes": {}}
        self._tick = 0
        self._forget_touches()
        self._forget_late()

    def start_over(self, heads: Vector) -> None:
        """Forget everything, at a place; how it came there need not be known."""
        for kind in self._kinds.values():
            kind.clear()
        self.positions.update(heads)
        self._forget_touches()
        self._forget_late()

    def take(self, changed: Changed) -> None:
        """Take the next event of its cell: what it changes is known no longer."""
        cell, position = changed.cell, changed.position
        self._tick += 1
        self.positions[cell] = position
        for touch in changed.touches:
            kind = self._kinds[touch.kind]
            if touch.inline:
                self._touch(kind, touch.key)
            if kind.fed is not None and touch.fed:
                awaited = self._late.setdefault((kind.fed, cell), deque())
                awaited.append((position, kind, touch.key))
                self._late_count += 1
        if len(self._touched) > _TOUCHED_MAX:
            self._forget_touches()
        if self._late_count > _LATE_MAX:
            self.start_over(self.positions)

    def fed(self, positions: Mapping[str, Vector]) -> None:
        """
        Fed models are at least so far: what they have taken shows from now on.

        :param positions: by model and cell, committed before any load to come.
        """
        self._tick += 1
        self._fed = positions
        for (model, cell), awaited in self._late.items():
            reached = positions[model].get(cell, 0)
            while awaited and awaited[0][0] <= reached:
                _, kind, key = awaited.popleft()
                self._late_count -= 1
                self._touch(kind, key)

    def asked(self) -> Asked:
        """To be taken down before something is loaded."""
        return Asked(self._tick, self._fed)

    def keep(self, kind: Kind[K, V], cell: int, key: K, fact: V, asked: Asked) -> None:
        """
        Hold what was loaded, unless it may have changed since it was asked for.

        :param cell: whose events a fed model makes it of.
        """
        if self._touched.get((kind.name, key), self._touched_before) > asked.tick:
            return
        # Of events before that place nobody will say when the model has taken them.
        if kind.fed is not None and asked.fed[kind.fed].get(cell, 0) < self._unknown.get(cell, 0):
            return
        kind.hold(key, fact)

    def sizes(self) -> dict[str, int]:
        """How many facts there are, by kind."""
        return {name: len(kind) for name, kind in self._kinds.items()}

    def dig(self, author: UUID) -> None:
        """An author's few newest posts are not enough: load more of them next time."""
        if len(self.prolific) >= self._prolific_max:
            self.prolific.clear()
        self.prolific.add(author)
        self.shelves.drop(author)

    def _touch(self, kind: Kind[Any, Any], key: Hashable) -> None:
        kind.drop(key)
        self._touched[kind.name, key] = self._tick

    def _forget_touches(self) -> None:
        """Whatever is not known any longer counts as touched just now."""
        self._tick += 1
        self._touched: dict[tuple[str, Hashable], int] = {}
        self._touched_before = self._tick

    def _forget_late(self) -> None:
        self._late: dict[tuple[str, int], deque[tuple[int, Kind[Any, Any], Hashable]]] = {}
        self._late_count = 0
        self._unknown = dict(self.positions)
