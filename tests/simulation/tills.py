"""
What members, operators and auditors are told of money, held against the treasury.

Wallets and memberships are exact at every commit, and the books at any positions whenever they are
asked for; the rest is once all is at rest. A command that was done is done once, and says so again
to whoever asks again.
"""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.event import Recorded
from domain.ids import cell_of
from projections.ledger import POSTINGS
from projections.memberships import MEMBERSHIPS
from projections.wallets import HOLDS, LOT_COINS, LOTS
from tests.simulation.ledgers import root_of, turned
from tests.simulation.moves import OPERATOR, Move
from tests.simulation.network import Ask, Lost, Reply, send
from tests.simulation.purses import coins_in
from tests.simulation.treasury import OF_MONEY
from tests.simulation.world import Difference, Person

if TYPE_CHECKING:
    from tests.simulation.history import History

_PLANS = ("yellow", "green")
#: Each makes one thing, whose id its answer names.
_MAKES = ("place_order", "give_months", "grant_bonus_coins", "refund_order", "hold_coins")
#: Asked for what was refunded by the one, the other names that refund.
_AS = {"refund_to_guardian": "refund_order"}


class Tills:
    """Where the money of one history is looked at."""

    def __init__(self, history: "History", chance: random.Random) -> None:
        self._history = history
        self._chance = chance
        self._made: dict[str, set[UUID]] = {operation: set() for operation in _MAKES}
        #: What was told of each segment in each month that is closed.
        self._firm: dict[tuple[str, str], tuple[int, ...]] = {}

    # Commands

    def acknowledge(self, move: Move, reply: Reply) -> None:
        """Something was done: what it made must be there in the end, and nothing else."""
        operation = _AS.get(move.operation, move.operation)
        if reply.ok and operation in _MAKES:
            self._made[operation].add(UUID(reply.json["id"]))

    @staticmethod
    def check_again(move: Move, reply: Reply, again: Reply) -> None:
        """
        The same key has the same answer.

        :raises Difference: it has another.
        """
        same = (reply.ok, reply.problem) == (again.ok, again.problem)
        if same and reply.ok and reply.body:
            same = reply.json["id"] == again.json["id"]
            # What was claimed may have been credited meanwhile.
            same = same and (move.operation == "top_up" or reply.status == again.status)
        if not same:
            raise Difference(f"{move} was answered {reply}, and then {again}")

    # At every commit

    def check_commit(self, events: Sequence[Recorded]) -> None:
        """
        What is written with the events is what they make.

        :raises Difference: a purse or a membership is shown otherwise.
        """
        for member in {one.owner: None for one in events if type(one.event) in OF_MONEY}:
            if member in self._history.world.people:
                self._check_purse(member)
                self._check_tenures(member)

    def _check_purse(self, member: UUID) -> None:
        tables = self._history.ground.books.tables
        purse, at = self._history.world.treasury.purses.purse(member), (cell_of(member), member)
        lots = {key[2]: row["left"] for key, row in tables.under(LOT_COINS, *at).items()}
        wanted = {lot.id: lot.left for lot in purse.lots.values()}
        if lots != wanted:
            raise Difference(f"the lots of {member} hold {lots}, not {wanted}")
        began = {
            key[2]: (row["kind"], row["coins"], row["expires_at"])
            for key, row in tables.under(LOTS, *at).items()
        }
        origins = {one.id: (one.kind, one.coins, one.expires_at) for one in purse.lots.values()}
        if began != origins:
            raise Difference(f"the lots of {member} are {began}, not {origins}")
        holds = {
            key[2]: (row["coins"], row["expires_at"])
            for key, row in tables.under(HOLDS, *at).items()
        }
        held = {order: (coins_in(one.parts), one.expires_at) for order, one in purse.holds.items()}
        if holds != held:
            raise Difference(f"the holds of {member} are {holds}, not {held}")

    def _check_tenures(self, member: UUID) -> None:
        tables = self._history.ground.books.tables
        for plan in _PLANS:
            tenure = self._history.world.treasury.tenures.tenure(member, plan)
            row = tables.get(MEMBERSHIPS, cell_of(member), member, plan)
            shown = None if row is None else (row["state"], row["benefits_until"], row["renews"])
            wanted = (tenure.state, tenure.benefits_until, tenure.renews)
            if shown != (None if tenure.state == "none" else wanted):
                raise Difference(f"{plan} of {member} stands {shown}, not {wanted}")

    # While it goes on

    async def anybody(self) -> None:
        """Somebody looks at money, whatever else is going on."""
        if self._chance.random() < 0.5:
            await self._look_at_the_past()
        else:
            await self._look_at_wallet(self._someone(), self._chance.random() < 0.5)

    def _someone(self) -> Person:
        return self._chance.choice(list(self._history.world.people.values()))

    async def _look_at_the_past(self) -> None:
        """The trial balance at some positions is what it was then, whenever it is asked for."""
        heads = self._history.ground.store_heads()
        at = {cell: self._chance.randint(0, head) for cell, head in heads.items()}
        wanted = self._history.world.treasury.ledgers.sides(at)
        named = ",".join(f"{cell}-{place}" for cell, place in at.items() if place)
        if not named:
            return
        reply = await self._ask("trial_balance", OPERATOR, "auditor", query={"at": named})
        if reply is not None and reply.ok:
            self._compare_balance(reply.json["items"], wanted, named)

    @staticmethod
    def _compare_balance(
        items: Sequence[Any], wanted: Mapping[tuple[str, str], tuple[int, int]], at: str
    ) -> None:
        shown = {(one["account"], one["commodity"]): (one["debit"], one["credit"]) for one in items}
        for commodity in ("QC", "CNY"):
            mine = [sides for (_, each), sides in shown.items() if each == commodity]
            if sum(debit - credit for debit, credit in mine):
                raise Difference(f"{commodity} does not sum to 0 at {at}: {shown}")
        if shown != wanted:
            raise Difference(f"the books are {shown} at {at}, not {wanted}")

    async def _look_at_wallet(self, viewer: Person, fresh: bool) -> bool:
        """Whether it could be held against the purse, since nothing happened meanwhile."""
        history, barred = self._history, viewer.barred
        began, before = history.world.commits, self._nows()
        at_least = dict(history.ground.store_heads()) if fresh else {}
        reply = await self._ask("read_wallet", viewer.qq, at_least=at_least)
        purse = history.world.treasury.purses.purse(viewer.id)
        if reply is None or reply.status in (503, 504) or history.world.commits != began:
            return False
        if barred is not None:
            if reply.problem != barred:
                raise Difference(f"{viewer.qq} is {barred}, and reads a wallet: {reply}")
            return True
        ends = [lot.expires_at for lot in purse.lots.values() if lot.expires_at is not None]
        times = [*before, *self._nows()]
        if any(min(times) <= end <= max(times) for end in ends):
            return False
        now = max(times)
        lots = [lot for lot in purse.lots.values() if lot.left and not lot.over(now)]
        wanted = {
            "balance": purse.balance(now),
            "held": purse.held,
            "owed": purse.owed,
            "lots": {str(lot.id): lot.left for lot in lots},
        }
        body = reply.json
        shown = {
            "balance": body["balance"],
            "held": body["held"],
            "owed": body["owed"],
            "lots": {one["id"]: one["left"] for one in body["lots"]},
        }
        if shown != wanted or body["balance"] != body["paid"] + body["bonus"]:
            raise Difference(f"the wallet of {viewer.qq} shows {shown}, not {wanted}")
        return True

    def _nows(self) -> list[datetime]:
        return [server.clock.now() for server in self._history.servers]

    # At rest

    async def look(self) -> None:
        """
        Everything about money is told as it is.

        :raises Difference: it is not.
        """
        self._check_made()
        self._check_in_time()
        treasury = self._history.world.treasury
        treasury.goods.check_rest(min(self._nows()))
        treasury.gifts.check_rest()
        settled = [one for one in treasury.claims.values() if one.state == "settled"]
        treasury.reversals.check_rest([(one.member, one) for one in settled], treasury.ledgers)
        await self._look_at_books()
        for person in list(self._history.world.people.values()):
            if person.barred is None:
                await self._look_at_member(person)
            elif person.barred == "suspended":
                await self._look_at_tenures(person)

    def _check_made(self) -> None:
        """What was acknowledged was done, once; what was done was acknowledged."""
        treasury = self._history.world.treasury
        bills, gifts = treasury.goods.bills, treasury.gifts.of
        months = {order for order, gift in gifts.items() if gift.months is not None}
        there = {
            "place_order": (set(bills) | set(gifts)) - months,
            "give_months": months,
            "grant_bonus_coins": treasury.purses.granted,
            "refund_order": {refund for bill in bills.values() for refund in bill.refunds},
            "hold_coins": treasury.purses.held,
        }
        for operation, made in self._made.items():
            if there[operation] != made:
                lost, more = made - there[operation], there[operation] - made
                raise Difference(f"{operation} lost {lost}, and did {more} once too often")
        for claim in treasury.claims.values():
            if claim.state == "settled" and claim.credited is None:
                raise Difference(f"{claim} is paid, and was never credited")

    def _check_in_time(self) -> None:
        """Nothing outlives its time, and nothing that was due is left undone."""
        treasury, now = self._history.world.treasury, min(self._nows())
        for purse in treasury.purses.of.values():
            late = [lot for lot in purse.lots.values() if lot.left and lot.over(now)]
            held = [one for one in purse.holds.values() if one.expires_at <= now]
            if late or held:
                raise Difference(f"{late} and {held} have outlived their time")
        things = [one for one in treasury.goods.things.values() if not one.usable(now)]
        due = [one for one in treasury.tenures.of.values() if one.due and one.due <= now]
        if things or due:
            raise Difference(f"{things} and {due} have outlived their time")

    async def _look_at_books(self) -> None:
        ledgers = self._history.world.treasury.ledgers
        balance = await self._read("trial_balance", OPERATOR, "auditor")
        self._compare_balance(balance["items"], ledgers.sides(), "rest")
        periods = await self._read("list_periods", OPERATOR, "auditor")
        shown = [(one["month"], one["root"], one["postings"]) for one in periods["items"]]
        if shown != [(one.month, one.root, one.postings) for one in ledgers.closed]:
            raise Difference(f"the months that were closed are {shown}")
        self._check_roots()
        await self._look_at_revenue()

    def _check_roots(self) -> None:
        """Whoever reads the postings of a closed month finds those that its root is made of."""
        ledgers, tables = self._history.world.treasury.ledgers, self._history.ground.books.tables
        lines: dict[str, list[str]] = {}
        rows = {(key[0], *key[2:]): row for key, row in tables.every(POSTINGS).items()}
        for (cell, position, line), row in sorted(rows.items()):
            if row["what"] != "recognition":
                period = ledgers.period_at(cell, position)
                lines.setdefault(period, []).append(
                    f"{cell}-{position}/{line} {row['at'].isoformat()} {row['what']} {row['about']}"
                    f" {row['account']} {row['commodity']} {row['debit']} {row['credit']}"
                )
        for recorded, event in ledgers.turns:
            # These are between the house and a rail, and in nobody's list.
            for line, (account, _, fen) in enumerate(turned(event)):
                period = ledgers.period_at(recorded.cell, recorded.position)
                lines.setdefault(period, []).append(
                    f"{recorded.at}/{line} {event.effective_at.isoformat()} payment_turned"
                    f" {event.lot} {account} CNY {max(fen, 0)} {max(-fen, 0)}"
                )
        for mine in lines.values():
            mine.sort(key=_place)
        for one in ledgers.closed:
            if root_of(lines.get(one.month, [])) != one.root:
                raise Difference(f"{one.month} is not what it was when it was closed")

    async def _look_at_revenue(self) -> None:
        """What was billed is earned, given back, or still to be earned."""
        ledgers = self._history.world.treasury.ledgers
        items = (await self._read("read_revenue", OPERATOR, "auditor"))["items"]
        for segment in {one["segment"]: None for one in items}:
            months = [one for one in items if one["segment"] == segment]
            billed, refunded, earned = (
                sum(one[name] for one in months) for name in ("billed", "refunded", "recognised")
            )
            deferred = months[-1]["deferred"]
            if billed != refunded + earned + deferred:
                raise Difference(f"{segment}: {billed} is not {refunded} + {earned} + {deferred}")
            self._check_firm(months)
            wanted = ledgers.to_earn(self._nows()[0]) if segment == "memberships" else 0
            if deferred != wanted:
                raise Difference(f"{segment} has {deferred} to earn, not {wanted}")

    def _check_firm(self, months: Sequence[Any]) -> None:
        """What is told of a closed month is told for ever."""
        for one in months:
            if one["closed"]:
                told = (one["billed"], one["refunded"], one["recognised"], one["deferred"])
                before = self._firm.setdefault((one["month"], one["segment"]), told)
                if told != before:
                    raise Difference(f"{one} was closed, with {before}")

    async def _look_at_member(self, person: Person) -> None:
        if not await self._look_at_wallet(person, fresh=True):
            raise Difference(f"the wallet of {person.qq} cannot be read though all is at rest")
        await self._look_at_things(person)
        await self._look_at_gifts(person)
        await self._look_at_tenures(person)
        await self._look_at_look(person)
        shown: dict[tuple[str, str], tuple[int, int]] = {}
        for one in await self._walk("list_postings", person.qq):
            debit, credit = shown.get((one["account"], one["commodity"]), (0, 0))
            sums = (debit + one["debit"], credit + one["credit"])
            shown[one["account"], one["commodity"]] = sums
        wanted = self._history.world.treasury.ledgers.sides(member=person.id)
        if shown != wanted:
            raise Difference(f"{person.qq} reads postings of {shown}, not {wanted}")

    async def _look_at_things(self, person: Person) -> None:
        goods, now = self._history.world.treasury.goods, self._nows()[0]
        shown = [one["order"] for one in await self._walk("list_belongings", person.qq)]
        wanted = {
            str(order)
            for order, thing in goods.things.items()
            if thing.member == person.id and thing.usable(now)
        }
        if len(shown) != len(wanted) or set(shown) != wanted:
            raise Difference(f"{person.qq} owns {shown}, not {wanted}")
        mine = [order for order, bill in goods.bills.items() if bill.member == person.id]
        for order in mine[-3:]:
            bill = goods.bills[order]
            body = await self._read("read_order", person.qq, path={"id": order})
            still = coins_in(bill.left) + coins_in(bill.revoked)
            if (body["coins"], body["refunded"]) != (bill.coins, bill.coins - still):
                raise Difference(f"order {order} is shown as {body}, not as {bill}")

    async def _look_at_gifts(self, person: Person) -> None:
        gifts = self._history.world.treasury.gifts
        shown = {one["id"]: one["state"] for one in await self._walk("list_gifts", person.qq)}
        wanted = {
            str(order): gifts.standing(order)
            for order, gift in gifts.of.items()
            if gift.recipient == person.id
        }
        if shown != wanted:
            raise Difference(f"{person.qq} is offered {shown}, not {wanted}")

    async def _look_at_tenures(self, person: Person) -> None:
        now = self._nows()[0]
        body = await self._read("list_memberships", person.qq)
        for one in body["items"]:
            tenure = self._history.world.treasury.tenures.tenure(person.id, one["plan"])
            shown = (one["state"], one["benefits"], one["points"], one["level"])
            wanted = (tenure.state, tenure.gives(now), tenure.points(now), tenure.level(now))
            spans = {str(span.id) for span in tenure.live(now)}
            if shown != wanted or {days["id"] for days in one["periods"]} != spans:
                raise Difference(f"{person.qq} reads {one}, not {wanted} with {spans}")

    async def _look_at_look(self, person: Person) -> None:
        body = await self._read("read_decoration", person.qq)
        shown = {
            slot: choice.get("name", choice.get("order"))
            for slot, choice in body["shown"].items()
            if isinstance(choice, dict)
        }
        wanted = {
            slot: getattr(choice, "name", None) or str(choice.order)
            for slot, choice in self._history.world.treasury.goods.shown(
                person.id, self._nows()[0]
            ).items()
        }
        if shown != wanted:
            raise Difference(f"the space of {person.qq} wears {shown}, not {wanted}")

    # Asking

    async def _ask(
        self, operation: str, qq: int, role: str = "member", **more: Any
    ) -> Reply | None:
        """None when there was no answer."""
        ask = Ask(operation, qq, role, **more)
        try:
            reply = await send(self._chance.choice(self._history.servers), ask)
        except Lost:
            return None
        self._history.outcome.looks += 1
        self._history.trace(f"{operation} {reply.status}".encode() + reply.body)
        return reply

    async def _read(self, operation: str, qq: int, role: str = "member", **more: Any) -> Any:
        """As fresh as it gets; there is an answer, since all is at rest."""
        heads = dict(self._history.ground.store_heads())
        reply = await self._ask(operation, qq, role, at_least=heads, **more)
        if reply is None or not reply.ok:
            raise Difference(f"{operation}: {qq} got {reply} though all is at rest")
        return reply.json

    async def _walk(self, operation: str, qq: int) -> list[Any]:
        items: list[Any] = []
        query: dict[str, Any] = {"limit": self._chance.choice([3, 50])}
        while True:
            body = await self._read(operation, qq, query=query)
            items += body["items"]
            if body["next"] is None:
                return items
            query["cursor"] = body["next"]


def _place(line: str) -> tuple[int, ...]:
    """Cell, position and line of a posting: ``7-45/0``."""
    cell, rest = line.split(" ", 1)[0].split("-")
    position, number = rest.split("/")
    return int(cell), int(position), int(number)
