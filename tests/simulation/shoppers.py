"""
What members and operators do with money: pay, claim, buy, subscribe, dress, hold, refund, close.

Each is worded from what there is, so most are about something; ``granted`` is what must come of it
if nothing else happens meanwhile, and None near the moments at which something happens by itself.
"""

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from api.routes.money import Notification
from commands.decorations import ChangeDecoration, HouseLook, OrderedLook
from commands.mall import ChangeItem, ListItem
from commands.memberships import RefundDays, Subscribe
from commands.orders import PlaceOrder, RefundOrder
from commands.payments import TopUp
from commands.wallets import GrantBonus
from domain.money import china_day
from domain.plans import Months
from tests.simulation.goods import Ware
from tests.simulation.holding import CaptureCoins, HoldCoins, VoidHold
from tests.simulation.ledgers import following, month_of
from tests.simulation.moves import OPERATOR, Move
from tests.simulation.oracle import Oracle
from tests.simulation.purses import coins_in
from tests.simulation.rail import NAME
from tests.simulation.server import LoopClock
from tests.simulation.treasury import MINOR_EACH, MINOR_MONTH, WRONG_MAX
from tests.simulation.world import Person

#: What who is suspended does, too.
_STOPPING = frozenset({"end_renewal", "pause_membership"})
_NOT_HAD = frozenset({"none", "expired"})
#: What could happen within this happens now, or later: nobody can say.
_NEAR = timedelta(seconds=30)
_KINDS = ("theme", "background", "music", "flower")


class Shoppers:
    """
    Thinks of moves of money.

    :param clock: by which they know what is due.
    """

    def __init__(self, world: Oracle, chance: random.Random, clock: LoopClock) -> None:
        self._world = world
        self._chance = chance
        self._clock = clock
        self._references = 0
        self._weighted: Sequence[Callable[[Person], Move | None]] = [
            *[self._top_up] * 8,
            *[self._buy] * 8,
            *[self._subscribe] * 6,
            *[self._hold, self._settle_hold] * 4,
            *[self._refund, self._grant, self._dress] * 3,
            *[self._rest] * 4,
            *[self._claim_again, self._notify, self._refund_days] * 2,
            *[self._offer, self._end_renewal, self._close, self._undress],
        ]

    def next(self, actor: Person) -> Move | None:
        """A move; None when there is nothing that it could be about."""
        return self._chance.choice(self._weighted)(actor)

    # Payments

    def _top_up(self, actor: Person) -> Move:
        """Pay, and claim: mostly one's own, mostly over what was paid."""
        chance, treasury = self._chance, self._world.treasury
        assert treasury.rail is not None
        self._references += 1
        reference, coins = f"r{self._references}", chance.choice([1, 3, 10, 20, 40, 70, 120])
        becomes: Literal["paid", "failed"] = "failed" if chance.random() < 0.15 else "paid"
        seconds = chance.choice([0.0, 0.0, 0.0, 0.3, 2.0, 8.0])
        if chance.random() < 0.02:
            seconds = chance.choice([700.0, 900_000.0])
        if chance.random() < 0.97:
            treasury.rail.pay(reference, 100 * coins, becomes, seconds)
        claimed = coins if chance.random() < 0.95 else coins + 1
        state = treasury.rail.state(reference)
        granted = claimed == coins and state in ("paid", "pending")
        granted = granted and self._may_pay(actor, claimed) and self._is_heard(actor)
        sure: bool | None = granted
        if seconds and becomes == "failed":
            sure = None if granted else False
        return self._claim(actor, reference, claimed, sure)

    def _is_heard(self, actor: Person) -> bool:
        wrong = self._world.treasury.wrong
        return wrong[actor.id, china_day(self._clock.now()).isoformat()] < WRONG_MAX

    def _may_pay(self, actor: Person, coins: int) -> bool:
        treasury = self._world.treasury
        if actor.id not in treasury.minors:
            return True
        paid = treasury.of_month(actor.id, month_of(self._clock.now()))
        return coins <= MINOR_EACH and paid + coins <= MINOR_MONTH

    def _claim(self, actor: Person, reference: str, coins: int, granted: bool | None) -> Move:
        body = TopUp(coins, NAME, reference)
        return self.member(actor, "top_up", granted, body=body)

    def _claim_again(self, actor: Person) -> Move | None:
        """One's own, to hear what became of it; or another's, which is refused."""
        claims = list(self._world.treasury.claims.values())
        if not claims:
            return None
        claim = self._chance.choice(claims[-8:])
        mine = claim.member == actor.id
        granted = None if mine and claim.state != "settled" else mine
        return self._claim(actor, claim.reference, claim.coins, granted)

    def _notify(self, _: Person) -> Move | None:
        """The rail tells of a payment, or somebody who says to be it."""
        assert self._world.treasury.rail is not None
        known = list(self._world.treasury.rail.transfers)[-8:]
        if not known:
            return None
        body = Notification(self._chance.choice(known), self._chance.choice(["paid", "failed"]))
        return Move("hear_of_payment", None, OPERATOR, True, {"name": NAME}, body)

    def _grant(self, actor: Person) -> Move:
        coins, days = self._chance.randint(1, 25), self._chance.choice([1, 2, 4, 30])
        body = GrantBonus(coins, days, "r")
        return self._staff("grant_bonus_coins", True, {"qq": actor.qq}, body)

    # The mall

    def _offer(self, _: Person) -> Move:
        chance, wares = self._chance, list(self._world.treasury.goods.wares)
        if len(wares) > 3:
            which = chance.choice(wares)
            price = chance.choice([None, chance.randint(1, 30)])
            listed = chance.choice([None, True, True, False])
            body: Any = ChangeItem(price_coins=price, listed=listed)
            return self._staff("change_item", True, {"id": which}, body)
        body = ListItem(
            chance.choice(_KINDS),
            "t",
            chance.randint(1, 30),
            chance.random() < 0.2,
            chance.choice([None, 1, 3, 20]),
            chance.choice([None, None, None, 1, 2]),
        )
        return self._staff("list_item", True, body=body)

    def _buy(self, actor: Person) -> Move | None:
        goods = self._world.treasury.goods
        if not goods.wares:
            return self._offer(actor)
        which = self._chance.choice(list(goods.wares))
        ware, quantity = goods.wares[which], self._chance.choice([1, 1, 2])
        granted = self.can_buy(actor, ware, quantity)
        body = PlaceOrder(which, quantity)
        return self.member(actor, "place_order", granted, body=body)

    def can_buy(self, actor: Person, ware: Ware, quantity: int) -> bool | None:
        """Whether an item is sold to a member who can pay for it."""
        can = self.can_pay(actor.id, ware.terms.price_coins * quantity)
        fits = self._world.treasury.goods.for_whom(actor.id, ware.terms, self._clock.now())
        if not ware.listed:
            return False
        if self._membership_is_near(actor.id):
            return None
        return can if fits else False

    def _refund(self, _: Person) -> Move | None:
        bills = self._world.treasury.goods.bills
        if not bills:
            return None
        order = self._chance.choice(list(bills)[-10:])
        left = coins_in(bills[order].left)
        coins = self._chance.choice([None, 1, 2, left + 1])
        granted = coins is None or coins <= left
        granted = granted and bills[order].terms.kind != "membership"
        granted = granted and not bills[order].revoked
        return self._staff("refund_order", granted, {"id": order}, RefundOrder("r", coins))

    def _dress(self, actor: Person) -> Move:
        """Something of the house's, or something that was bought, by whomever."""
        chance, goods = self._chance, self._world.treasury.goods
        things = [one for one, thing in goods.things.items() if thing.kind != "flower"]
        mine = [one for one in things if goods.things[one].member == actor.id]
        now = self._clock.now()
        choice: Any
        if things and chance.random() < 0.7:
            order = chance.choice(mine if mine and chance.random() < 0.8 else things)
            slot, choice = goods.things[order].kind, OrderedLook(order)
        else:
            slot, name = chance.choice(
                [("background", "aurora"), ("theme", "bamboo"), ("music", "studio"),
                 ("title_bar", "large"), ("theme", "palace")]
            )  # fmt: skip
            choice = HouseLook(name)
        granted: bool | None = (
            goods.entitled(actor.id, slot, choice, now) if isinstance(choice, OrderedLook) else None
        )
        thing = goods.things.get(getattr(choice, "order", UUID(int=0)))
        if thing is not None and thing.expires_at and abs(thing.expires_at - now) < _NEAR:
            granted = None
        body = ChangeDecoration(**{slot: choice})
        return self.member(actor, "change_decoration", granted, body=body)

    def _undress(self, actor: Person) -> Move:
        return self.member(actor, "restore_decoration", True)

    # Holds

    def _hold(self, actor: Person) -> Move:
        coins, seconds = self._chance.randint(1, 25), self._chance.choice([0.4, 3, 90_000])
        granted = self.can_pay(actor.id, coins)
        body = HoldCoins(coins, seconds)
        return self._staff("hold_coins", granted, {"qq": actor.qq}, body)

    def _settle_hold(self, actor: Person) -> Move | None:
        purse, chance = self._world.treasury.purses.purse(actor.id), self._chance
        held = [order for order, one in purse.holds.items() if not one.gift]
        if not held:
            return None
        order = chance.choice(held)
        if chance.random() < 0.3:
            return self._staff("void_hold", True, {"qq": actor.qq}, VoidHold(order))
        coins = max(1, coins_in(purse.holds[order].parts) + chance.choice([-3, -1, 0, 0, 0, 1]))
        body = CaptureCoins(order, coins, chance.random() < 0.5)
        return self._staff("capture_coins", None, {"qq": actor.qq}, body)

    # Memberships

    def _subscribe(self, actor: Person) -> Move:
        chance, plan = self._chance, self._chance.choice(["yellow", "yellow", "green"])
        months: Months = chance.choice([1, 1, 1, 3, 6, 12])
        how = chance.random()
        state = self._world.treasury.tenures.tenure(actor.id, plan).state
        if state == "cancelled":
            how /= 3
        body = Subscribe(months, extend=how < 0.2, trial=0.2 < how < 0.35)
        granted: bool | None = None
        if state in ("none", "expired") and not body.trial:
            price = {1: 10, 3: 30, 6: 60, 12: 100}[months]
            granted = self.can_pay(actor.id, price)
        return self.member(actor, "subscribe", granted, {"plan": plan}, body)

    def _end_renewal(self, actor: Person) -> Move:
        return self.member(actor, "end_renewal", True, {"plan": self._plan(actor)})

    def _rest(self, actor: Person) -> Move:
        plan = self._plan(actor)
        rests = self._world.treasury.tenures.tenure(actor.id, plan).state == "paused"
        if rests != (self._chance.random() < 0.1):
            return self.member(actor, "resume_membership", True, {"plan": plan})
        return self.member(actor, "pause_membership", None, {"plan": plan})

    def _plan(self, actor: Person) -> str:
        """A plan that the member has, if there is one."""
        tenures = self._world.treasury.tenures
        plans = ["yellow", "green"]
        had = [one for one in plans if tenures.tenure(actor.id, one).state not in _NOT_HAD]
        return self._chance.choice(had or plans)

    def _refund_days(self, actor: Person) -> Move:
        path = {"qq": actor.qq, "plan": self._chance.choice(["yellow", "green"])}
        return self._staff("refund_days", None, path, RefundDays("r"))

    # The books

    def _close(self, _: Person) -> Move | None:
        return self.close()

    def close(self) -> Move | None:
        """The month that is next, once it is over; now and then another."""
        ledgers, this = self._world.treasury.ledgers, month_of(self._clock.now())
        month = ledgers.next
        if month is None:
            return None
        if self._chance.random() < 0.2:
            month = following(month)
        closed = any(one.month == month for one in ledgers.closed)
        granted: bool | None = closed or (month == ledgers.next and month < this)
        if not closed and not ledgers.closed and ledgers.late_before_first:
            granted = None
        return self._staff("close_month", granted, {"month": month})

    # What there is

    def can_pay(self, member: UUID, coins: int) -> bool | None:
        """Whether there are so many coins; None when it is a matter of moments."""
        purse = self._world.treasury.purses.purse(member)
        if purse.owed:
            return False
        now, lots = self._clock.now(), purse.lots.values()
        sure = sum(one.left for one in lots if not one.over(now + _NEAR))
        most = sum(one.left for one in lots if not one.over(now - _NEAR))
        if sure >= coins:
            return None if self._membership_is_near(member) else True
        return False if most < coins else None

    def _membership_is_near(self, member: UUID) -> bool:
        """Whether something is about to become of a membership by itself."""
        tenures, now = self._world.treasury.tenures, self._clock.now()
        return any(
            (due := tenures.tenure(member, plan).due) is not None and due < now + _NEAR
            for plan in ("yellow", "green")
        )

    def member(
        self,
        actor: Person,
        operation: str,
        granted: bool | None,
        path: dict[str, Any] | None = None,
        body: Any = None,
    ) -> Move:
        """A member's move, refused to whoever may not act."""
        stops = operation in _STOPPING and actor.barred == "suspended"
        if actor.barred is not None and not stops:
            granted = False
        return Move(operation, actor.id, actor.qq, granted, path or {}, body, of_money=True)

    def _staff(
        self, operation: str, granted: bool | None, path: dict[str, Any] | None = None,
        body: Any = None,
    ) -> Move:  # fmt: skip
        return Move(operation, None, OPERATOR, granted, path or {}, body, of_money=True)
