"""
What banks do with payments that were settled: give them back, dispute them, decide; and tell of it,
late, twice, or not at all until everybody rests.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Final

from api.routes.money import Notification
from domain.payment import Holding
from tests.simulation.moves import OPERATOR, Move
from tests.simulation.oracle import Oracle
from tests.simulation.rail import NAME
from tests.simulation.treasury import Claim

#: What may become of a payment next; what is disputed is won mostly, so that members can go on.
_NEXT: Final[Mapping[str, Sequence[Holding]]] = {
    "paid": ("refunded", "disputed", "disputed"),
    "disputed": ("paid", "paid", "charged_back"),
    "refunded": ("paid", "paid", "disputed"),
    "charged_back": ("paid",),
}


class Banks:
    """Thinks of what becomes of payments."""

    def __init__(self, world: Oracle, chance: random.Random) -> None:
        self._world = world
        self._chance = chance

    def next(self) -> Move | None:
        """A payment turns, perhaps more than once, and somebody tells of it; or nobody does."""
        treasury, chance = self._world.treasury, self._chance
        rail = treasury.rail
        assert rail is not None
        settled = self._settled()
        if not settled:
            return None
        claim = chance.choice(settled[-12:])
        away = [one for one in settled if rail.state(one.reference) != "paid"]
        if away and chance.random() < 0.5:
            claim = chance.choice(away)
        for _ in range(chance.choice([0, 1, 1, 1, 1, 2])):
            state = rail.state(claim.reference)
            rail.turn(claim.reference, chance.choice(_NEXT[state]))
        return None if chance.random() < 0.2 else self._tell(claim)

    def news(self) -> list[Move]:
        """Of every payment that is not what our side believes, the rail tells once more."""
        rail = self._world.treasury.rail
        assert rail is not None
        late = [one for one in self._settled() if rail.state(one.reference) != one.now]
        return [self._tell(one) for one in late]

    def end(self) -> None:
        """Everything is paid again."""
        rail = self._world.treasury.rail
        assert rail is not None
        for claim in self._settled():
            if rail.state(claim.reference) != "paid":
                rail.turn(claim.reference, "paid")

    def _settled(self) -> list[Claim]:
        claims = self._world.treasury.claims.values()
        return [one for one in claims if one.state == "settled"]

    @staticmethod
    def _tell(claim: Claim) -> Move:
        body = Notification(claim.reference, "paid")
        return Move("hear_of_payment", None, OPERATOR, True, {"name": NAME}, body)
