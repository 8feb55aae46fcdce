"""
A storm over money: many clients of a few members at once, on two servers of one store. Whatever
they hear, the books add up in the end, to the coin.
"""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest

from tests.support.database import fresh_database
from tests.support.homezone import Client, Reply, RunningHomezone, running_homezone

Servers = tuple[RunningHomezone, RunningHomezone]

SHOPPERS, ACTS, REFERENCES = 8, 30, 25
#: What is for sale.
PRICES = (1, 3, 7)
#: What a month of a membership costs.
MONTH = 10


class Done(msgspec.Struct):
    """What shoppers were told that was done: by the id of what it made."""

    top_ups: dict[str, tuple[int, int]] = {}
    bonuses: dict[str, tuple[int, int]] = {}
    orders: dict[str, tuple[int, int]] = {}
    refunds: dict[str, str] = {}
    months: dict[str, int] = {}


@pytest.fixture(scope="module")
def servers(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Two servers of one store."""
    directory = tmp_path_factory.mktemp("storm")
    with ExitStack() as stack:
        url = stack.enter_context(fresh_database(server_url))
        one = stack.enter_context(running_homezone(url, directory))
        yield one, stack.enter_context(running_homezone(url, directory))


class Shopper:
    """
    Somebody in a hurry, who acts for any of the members, and sends everything twice at once: to
    either server, with one key.
    """

    def __init__(self, number: int, servers: Servers, qqs: list[int], items: list[str]) -> None:
        self._number = number
        self._chance = random.Random(number)
        self._members = {qq: [server.client(qq) for server in servers] for qq in qqs}
        self._operators = [server.client(10_000, "operator") for server in servers]
        self._items = items
        self._twice = ThreadPoolExecutor(2)
        self._keys = 0
        self.done = Done()

    def run(self) -> Done:
        """Act; what came of it."""
        acts = [*[self._top_up] * 4, *[self._buy] * 5, self._grant, *[self._refund] * 2]
        with self._twice:
            for _ in range(ACTS):
                self._chance.choice([*acts, self._extend])()
        return self.done

    def _send(self, clients: list[Client], method: str, path: str, body: Any) -> Reply:
        """The answer, which is one; whoever hears of a conflict asks again."""
        self._keys += 1
        key = f"{self._number}/{self._keys}"

        def insist(client: Client) -> Reply:
            while True:
                reply = client.request(method, path, body, key=key)
                if reply.status < 300 or reply.problem not in ("conflict", "unavailable"):
                    return reply

        one, other = self._twice.map(insist, clients)
        if one.status < 300:
            assert one.json["id"] == other.json["id"], (path, one, other)
        else:
            assert (one.status, one.problem) == (other.status, other.problem), (path, one, other)
        return one

    def _member(self) -> int:
        return self._chance.choice(list(self._members))

    def _top_up(self) -> None:
        """A payment that others claim as well."""
        number, qq = self._chance.randrange(REFERENCES), self._member()
        coins = 5 + number
        body = {"coins": coins, "rail": "demo", "rail_ref": f"storm-{number}"}
        reply = self._send(self._members[qq], "POST", "/v1/me/topups", body)
        if reply.status < 300:
            self.done.top_ups[reply.json["id"]] = (qq, coins)
        else:
            reply.refused(409, "rail-ref-used")

    def _grant(self) -> None:
        qq, coins = self._member(), self._chance.randint(1, 9)
        body = {"coins": coins, "days": 30, "reason": "storm"}
        reply = self._send(self._operators, "POST", f"/v1/accounts/{qq}/bonuses", body).ok(201)
        self.done.bonuses[reply.json["id"]] = (qq, coins)

    def _buy(self) -> None:
        qq, which, quantity = self._member(), self._chance.randrange(3), self._chance.randint(1, 2)
        body = {"item": self._items[which], "quantity": quantity}
        reply = self._send(self._members[qq], "POST", "/v1/orders", body)
        if reply.status < 300:
            self.done.orders[reply.json["id"]] = (qq, PRICES[which] * quantity)
        else:
            reply.refused(402, "insufficient-coins")

    def _refund(self) -> None:
        if self.done.orders:
            order = self._chance.choice(list(self.done.orders))
            coins = {} if self._chance.random() < 0.5 else {"coins": 1}
            path, body = f"/v1/orders/{order}/refunds", {"reason": "storm", **coins}
            reply = self._send(self._operators, "POST", path, body)
            if reply.status < 300:
                self.done.refunds[reply.json["id"]] = order
            else:
                reply.refused(409, "refund-too-much")

    def _extend(self) -> None:
        qq, path = self._member(), "/v1/me/memberships/yellow"
        reply = self._send(self._members[qq], "PUT", path, {"months": 1, "extend": True})
        if reply.status < 300:
            self.done.months[f"{self._number}/{self._keys}"] = qq
        else:
            assert reply.problem in ("insufficient-coins", "too-far-ahead")


@pytest.fixture(scope="module")
def after(servers: Servers) -> tuple[list[int], Done]:
    """Who the members are, and what everybody was told."""
    here = servers[0]
    qqs = [member.qq for member in here.members(3)]
    items = [
        str(here.operator.post("/v1/mall/items", _item(price)).ok(201).json["id"])
        for price in PRICES
    ]
    shoppers = [Shopper(number, servers, qqs, items) for number in range(SHOPPERS)]
    every = Done({}, {}, {}, {}, {})
    with ThreadPoolExecutor(SHOPPERS) as pool:
        for done in pool.map(Shopper.run, shoppers):
            for name in Done.__struct_fields__:
                getattr(every, name).update(getattr(done, name))
    assert every.orders, "somebody bought something"
    assert every.months, "somebody subscribed"
    return qqs, every


def _item(price: int) -> dict[str, Any]:
    return {"kind": "theme", "title": "雪夜", "price_coins": price}


def test_a_payment_counts_for_one_of_all_who_claim_it(
    servers: Servers, after: tuple[list[int], Done]
) -> None:
    qqs, done = after
    bought = {
        lot["id"]: (qq, lot["coins"])
        for qq in qqs
        for lot in _lots(servers[1], qq)
        if lot["kind"] == "paid"
    }
    assert bought.items() <= done.top_ups.items()
    assert len({coins for _, coins in done.top_ups.values()}) == len(done.top_ups)


def _lots(server: RunningHomezone, qq: int) -> list[Any]:
    wallet = server.client(qq).get("/v1/me/wallet", at_least=server.everything()).ok(200).json
    lots = wallet["lots"]
    assert isinstance(lots, list)
    return lots


def test_what_was_told_is_what_there_is(servers: Servers, after: tuple[list[int], Done]) -> None:
    qqs, done = after
    for server in servers:
        given: dict[str, int] = dict.fromkeys(done.orders, 0)
        for order, (qq, coins) in done.orders.items():
            shown = server.client(qq).get(f"/v1/orders/{order}", at_least=server.everything())
            assert shown.ok(200).json["coins"] == coins
            given[order] = shown.json["refunded"]
            assert 0 <= given[order] <= coins
        for qq in qqs:
            came = _sum(done.top_ups, qq) + _sum(done.bonuses, qq)
            spent = _sum(done.orders, qq)
            back = sum(given[order] for order, (whose, _) in done.orders.items() if whose == qq)
            months = MONTH * sum(whose == qq for whose in done.months.values())
            client = server.client(qq)
            wallet = client.get("/v1/me/wallet", at_least=server.everything()).ok(200).json
            assert wallet["balance"] == came - spent + back - months
            assert wallet["balance"] == sum(lot["left"] for lot in wallet["lots"])
            assert all(lot["left"] >= 0 for lot in wallet["lots"])
            owned = {one["order"] for one in client.walk("/v1/me/items")}
            mine = {order: coins for order, (whose, coins) in done.orders.items() if whose == qq}
            assert owned == {order for order, coins in mine.items() if given[order] < coins}


def _sum(done: dict[str, tuple[int, int]], qq: int) -> int:
    return sum(coins for whose, coins in done.values() if whose == qq)


def test_the_books_add_up(servers: Servers, after: tuple[list[int], Done]) -> None:
    qqs, _ = after
    for server in servers:
        auditor = server.client(10_012, "auditor")
        rows = auditor.get("/v1/billing/trial-balance", at_least=server.everything()).ok(200)
        left = {
            (one["account"], one["commodity"]): one["debit"] - one["credit"]
            for one in rows.json["items"]
        }
        for commodity in ("QC", "CNY"):
            assert sum(amount for (_, unit), amount in left.items() if unit == commodity) == 0
        lots = [lot for qq in qqs for lot in _lots(server, qq)]
        for kind in ("paid", "bonus"):
            held = sum(lot["left"] for lot in lots if lot["kind"] == kind)
            assert -left[f"liability:coins:{kind}", "QC"] == held
        sold = sum(100 * lot["left"] for lot in lots if lot["kind"] == "paid")
        assert -left["liability:coins-sold", "CNY"] == sold
        months = auditor.get("/v1/billing/revenue").ok(200).json["items"]
        for segment in ("mall", "memberships"):
            mine = [one for one in months if one["segment"] == segment]
            billed, refunded, earned = (
                sum(one[name] for one in mine) for name in ("billed", "refunded", "recognised")
            )
            assert billed == refunded + earned + mine[-1]["deferred"] > 0
