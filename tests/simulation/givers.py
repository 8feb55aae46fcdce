"""
What friends do for each other with money: befriend, offer, accept, decline, and answer too late or
what is not for them.
"""

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from commands.gifts import GiveMonths
from commands.orders import PlaceOrder
from domain.plans import Months
from tests.simulation.moves import Move
from tests.simulation.oracle import Oracle
from tests.simulation.server import LoopClock
from tests.simulation.shoppers import Shoppers
from tests.simulation.tenures import PRICES
from tests.simulation.world import Person

_MONTHS: Final[Sequence[Months]] = (1, 1, 1, 3, 6, 12)
#: What could run out within this runs out now, or later: nobody can say.
_NEAR = timedelta(seconds=30)


class Givers:
    """
    Thinks of moves about gifts.

    :param shoppers: who know what can be paid for.
    """

    def __init__(
        self, world: Oracle, chance: random.Random, clock: LoopClock, shoppers: Shoppers
    ) -> None:
        self._world = world
        self._chance = chance
        self._clock = clock
        self._shoppers = shoppers
        self._weighted: Sequence[Callable[[Person], Move | None]] = [
            *[self._give] * 4,
            self._give_months,
            *[self._accept] * 3,
            *[self._befriend] * 2,
            self._decline,
        ]

    def next(self, actor: Person) -> Move | None:
        """A move; None when there is nothing that it could be about."""
        return self._chance.choice(self._weighted)(actor)

    # Friends

    def _befriend(self, actor: Person) -> Move | None:
        """Ask somebody, or say yes to whoever asked."""
        world, people = self._world, list(self._world.people.values())
        asked = [one for one in people if world.standing(actor.id, one.id) == "incoming"]
        others = [one for one in people if world.standing(actor.id, one.id) == "none"]
        others = [one for one in others if one.id != actor.id]
        if not (asked or others):
            return None
        other = self._chance.choice(asked or others)
        may = actor.barred is None and not world.apart(actor.id, other.id)
        return Move("befriend", actor.id, actor.qq, may, {"qq": other.qq})

    # Offers

    def _give(self, actor: Person) -> Move | None:
        """Mostly to a friend, mostly what can be paid."""
        goods, chance = self._world.treasury.goods, self._chance
        wares = [one for one, ware in goods.wares.items() if ware.listed or chance.random() < 0.1]
        if not wares:
            return None
        friend, item = self._somebody(actor), chance.choice(wares)
        ware, quantity = goods.wares[item], chance.choice([1, 1, 1, 2])
        granted = self._shoppers.can_buy(actor, ware, quantity)
        body = PlaceOrder(item, quantity, friend.qq)
        return self._offer("place_order", actor, friend, granted, body)

    def _give_months(self, actor: Person) -> Move:
        friend, months = self._somebody(actor), self._chance.choice(_MONTHS)
        granted = self._shoppers.can_pay(actor.id, PRICES[months])
        body = GiveMonths(self._chance.choice(["yellow", "green"]), months, friend.qq)
        return self._offer("give_months", actor, friend, granted, body)

    def _offer(
        self, operation: str, actor: Person, friend: Person, granted: bool | None, body: Any
    ) -> Move:
        if not self._world.treasury.gifts.may_give(actor.id, friend.id):
            granted = False
        return self._shoppers.member(actor, operation, granted, body=body)

    def _somebody(self, actor: Person) -> Person:
        """A friend, if there is one; now and then anybody, the giver included."""
        people = list(self._world.people.values())
        friends = [one for one in people if self._world.friends(actor.id, one.id)]
        return self._chance.choice(people if self._chance.random() < 0.1 else friends or people)

    # Answers

    def _accept(self, actor: Person) -> Move | None:
        return self._answer(actor, "accept_gift", ("accepted",))

    def _decline(self, actor: Person) -> Move | None:
        return self._answer(actor, "decline_gift", ("declined", "expired"))

    def _answer(self, actor: Person, operation: str, same: Sequence[str]) -> Move | None:
        """
        Answer what waits, or what has been answered; mostly as whom it is for.

        :param same: how a gift ended so that this answer is the same again.
        """
        gifts = self._world.treasury.gifts.of
        if not gifts:
            return None
        waiting = [one for one, gift in gifts.items() if gift.state == "offered"]
        if self._chance.random() < 0.2:
            waiting = []
        order = self._chance.choice(waiting or list(gifts)[-8:])
        gift = gifts[order]
        if self._chance.random() < 0.95:
            actor = self._world.people[gift.recipient]
        granted: bool | None = gift.state in same
        if gift.state == "offered":
            near = abs(gift.expires_at - self._clock.now()) < _NEAR
            granted = None if near else gift.open(self._clock.now())
            held = self._world.treasury.purses.purse(gift.sender).holds[order]
            if held.gone and operation == "accept_gift":
                granted = False
        if gift.recipient != actor.id:
            granted = False
        return self._shoppers.member(actor, operation, granted, {"id": order})
