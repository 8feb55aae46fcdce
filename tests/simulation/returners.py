"""
What members give back to the house, and what their guardians have undone.
"""

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

from commands.guardians import RefundToGuardian
from commands.mall import ListItem
from commands.orders import RefundOrder
from tests.simulation.goods import Bill
from tests.simulation.moves import OPERATOR, Move
from tests.simulation.oracle import Oracle
from tests.simulation.purses import coins_in
from tests.simulation.server import LoopClock
from tests.simulation.shoppers import Shoppers
from tests.simulation.world import Person

#: What could run out within this runs out now, or later: nobody can say.
_NEAR = timedelta(seconds=30)
#: So many items that can be given back are on the shelf.
_WARES = 2


class Returners:
    """
    Thinks of refunds that are no operator's own idea.

    :param shoppers: who know what members may ask for.
    """

    def __init__(
        self, world: Oracle, chance: random.Random, clock: LoopClock, shoppers: Shoppers
    ) -> None:
        self._world = world
        self._chance = chance
        self._clock = clock
        self._shoppers = shoppers
        self._weighted: Sequence[Callable[[Person], Move | None]] = [
            *[self._give_back] * 3,
            self._undo,
        ]

    def next(self, actor: Person) -> Move | None:
        """A move; None when there is nothing that it could be about."""
        wares = self._world.treasury.goods.wares.values()
        if sum(one.terms.refund_days is not None for one in wares) < _WARES:
            return self._list()
        return self._chance.choice(self._weighted)(actor)

    def _list(self) -> Move:
        """Something that can be given back."""
        kind, coins = self._chance.choice(["theme", "flower"]), self._chance.randint(1, 20)
        body = ListItem(kind, "t", coins, refund_days=self._chance.choice([1, 4, 30]))
        return Move("list_item", None, OPERATOR, True, {}, body, of_money=True)

    def _give_back(self, actor: Person) -> Move | None:
        """Mostly one's own, mostly whole."""
        found = self._order(lambda bill: bill.terms.refund_days is not None)
        if found is None:
            return None
        order, bill = found
        if self._chance.random() < 0.9:
            actor = self._world.people[bill.member]
        left = coins_in(bill.left)
        coins = self._chance.choice([None, None, None, left or 1, left + 1, 1])
        granted = self._may_return(order, bill, coins) if actor.id == bill.member else False
        body = RefundOrder("r", coins)
        return self._shoppers.member(actor, "refund_order", granted, {"id": order}, body)

    def _may_return(self, order: UUID, bill: Bill, coins: int | None) -> bool | None:
        left, days = coins_in(bill.left), bill.terms.refund_days
        if bill.revoked:
            return False
        if not left:
            # It is the same refund again.
            return coins is None
        if days is None or bill.owner != bill.member or coins not in (None, left):
            return False
        until, now = bill.since + timedelta(days=days), self._clock.now()
        goods = self._world.treasury.goods
        if order not in goods.things or until < now - _NEAR:
            return False
        thing = goods.things[order]
        sure = until > now + _NEAR and thing.usable(now + _NEAR)
        return True if sure else None

    def _undo(self, _: Person) -> Move | None:
        """A guardian asks: of what a minor bought mostly."""
        minors, chance = self._world.treasury.minors, self._chance
        found = self._order(lambda bill: bill.member in minors or chance.random() < 0.1)
        if found is None:
            return None
        order, bill = found
        mine = bill.member in minors and bool(bill.left) and not bill.revoked
        granted = bill.guardian is not None or mine
        if bill.terms.kind == "membership":
            granted = False
        body = RefundToGuardian("r", "a letter", chance.choice([1, 30, 50, 70, 100]))
        path = {"id": order}
        return Move("refund_to_guardian", None, OPERATOR, granted, path, body, of_money=True)

    def _order(self, fits: Callable[[Bill], bool]) -> tuple[UUID, Bill] | None:
        bills = self._world.treasury.goods.bills.items()
        found = [(order, bill) for order, bill in bills if fits(bill)][-8:]
        return self._chance.choice(found) if found else None
