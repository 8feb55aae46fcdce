"""
What members do with what they are told: which kinds they want, and how far they have read.
"""

import random
from typing import Any

import msgspec

from api.http.positions import format_positions
from commands.notices import PreferNotices, ReadNotices, WantedKinds
from tests.simulation.moves import Move, Mover
from tests.simulation.oracle import Oracle
from tests.simulation.server import LoopClock
from tests.simulation.world import Person


class Listeners(Mover):
    """Thinks of these moves."""

    def __init__(self, world: Oracle, chance: random.Random, clock: LoopClock, wary: float) -> None:
        super().__init__(world, chance, clock, wary)
        self._oracle = world
        self._weighted = [self._prefer, *[self._read] * 2]

    def _prefer(self, actor: Person) -> Move:
        kinds = [one.name for one in msgspec.structs.fields(WantedKinds)]
        some = self._chance.sample(kinds, self._chance.randint(1, 4))
        wanted = {kind: self._chance.random() < 0.6 for kind in some}
        self._oracle.honours.asked.setdefault(actor.id, []).append(wanted)
        kinds_wanted: Any = wanted
        body = PreferNotices(WantedKinds(**kinds_wanted))
        return self._move(actor, "change_preferences", True, body=body)

    def _read(self, actor: Person) -> Move:
        """Up to all that there is, or to something before it, which takes nothing back."""
        heads = self._oracle.heads()
        if self._chance.random() < 0.3:
            heads = {cell: self._chance.randint(0, at) for cell, at in heads.items()}
        body = ReadNotices(format_positions(heads))
        return self._move(actor, "mark_read", True, body=body)
