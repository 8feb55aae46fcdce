"""
Payments on a rail that is a service of its own, asked by two servers of one store: it takes its
time, fails, is away, and sends notifications twice and in the wrong order.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest

from api.wiring.models import MODELS
from domain.misclaim import MISCLAIMS_MAX
from replay.check import check
from tests.acceptance.test_money import balance, books, buy, item, reference, top_up
from tests.support.database import fresh_database
from tests.support.homezone import Client, Reply, RunningHomezone, running_homezone
from tests.support.rail import LocalRail, local_rail
from tests.support.waiting import eventually

SECONDS_MAX = 15.0


class Shop:
    """Two servers and the rail that both of them ask."""

    def __init__(self, one: RunningHomezone, other: RunningHomezone, rail: LocalRail) -> None:
        self.one = one
        self.other = other
        self.rail = rail

    def pay(self, coins: int, state: str = "paid") -> str:
        """A new payment on the rail."""
        made = reference()
        self.rail.set(made, state, coins)
        return made

    def notify(self, server: RunningHomezone, paid: str, **more: str) -> Reply:
        """The rail says that there is news."""
        guest = server.with_token(None)
        return guest.post("/v1/rails/local/notifications", {"rail_ref": paid, **more})


@pytest.fixture(scope="module")
def shop(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    directory = tmp_path_factory.mktemp("rails")
    with ExitStack() as stack:
        rail = stack.enter_context(local_rail())
        url, rails = stack.enter_context(fresh_database(server_url)), {"local": rail.url}
        one, other = (
            stack.enter_context(running_homezone(url, directory, demo_rail=False, rails=rails))
            for _ in range(2)
        )
        yield Shop(one, other, rail)


def claim(member: Client, coins: int, paid: str) -> Reply:
    return top_up(member, coins, paid, rail="local")


def test_what_the_rail_says_counts(shop: Shop) -> None:
    member = shop.one.member()
    paid = shop.pay(30)
    wrong = claim(member, 29, paid).refused(422, "no-such-payment")
    claim(member, 30, shop.pay(30, "failed")).refused(422, "payment-failed")
    unknown = reference()
    none = claim(member, 30, unknown).refused(422, "no-such-payment")
    assert none.fields == ["/rail_ref"]
    assert _told(wrong) == _told(none), "who guesses does not learn that a reference is good"
    top_up(member, 30).refused(422, "no-such-rail")
    assert balance(member) == (0, 0, 0)
    claim(member, 30, paid).ok(201)
    assert balance(member) == (30, 0, 0)
    shop.rail.set(unknown, "paid", 30)
    claim(member, 30, unknown).ok(201)
    assert balance(member) == (60, 0, 0)


def _told(reply: Reply) -> dict[str, Any]:
    """A problem but for the request that it names."""
    return {name: said for name, said in reply.json.items() if name != "instance"}


def test_a_payment_begun_with_a_members_code_is_that_members(shop: Shop) -> None:
    payer, thief = shop.one.members(2)
    for state in ("paid", "pending"):
        paid = shop.pay(20, state)
        code = payer.get("/v1/me/payers/local").ok(200).json
        assert code == shop.other.client(payer.qq).get("/v1/me/payers/local").json
        assert code["rail"] == "local"
        shop.rail.payers[paid] = code["payer"]
        stolen = claim(thief, 20, paid).refused(422, "no-such-payment")
        assert _told(stolen) == _told(claim(thief, 20, reference()).refused(422))
        assert claim(payer, 20, paid).json["state"] in ("pending", "credited")
        shop.rail.set(paid, "paid", 20)
        claim(payer, 20, paid).ok(201)
    assert balance(thief) == (0, 0, 0)
    assert balance(payer) == (40, 0, 0)
    thief.get("/v1/me/payers/nowhere").refused(404)


def test_who_guesses_too_often_is_not_listened_to(shop: Shop) -> None:
    guesser, good = shop.one.member(), shop.pay(10)
    elsewhere = shop.other.client(guesser.qq)
    claim(guesser, 10, shop.pay(10)).ok(201)
    for number in range(MISCLAIMS_MAX):
        which = elsewhere if number % 2 else guesser
        claim(which, 10, reference()).refused(422, "no-such-payment")
    for which in (guesser, elsewhere):
        claim(which, 10, good).refused(403, "claims-exhausted")
    asked = shop.rail.asked
    for which in (guesser, elsewhere):
        claim(which, 10, good).refused(403, "claims-exhausted")
    assert shop.rail.asked == asked, "the rail is not asked on their behalf"
    assert balance(guesser) == (10, 0, 0)
    claim(shop.one.member(), 10, good).ok(201)


def test_a_pending_payment_is_asked_after_until_it_is_known(shop: Shop) -> None:
    member, late = shop.one.member(), shop.pay(40, "pending")
    first = claim(member, 40, late).ok(202)
    assert first.json["state"] == "pending"
    again = claim(member, 40, late).ok(202)
    assert again.json == first.json
    claim(shop.one.member(), 40, late).refused(409, "rail-ref-used")
    shop.rail.set(late, "paid", 40)
    eventually(lambda: balance(member) == (40, 0, 0))
    done = claim(member, 40, late).ok(201)
    assert (done.json["id"], done.json["state"]) == (first.json["id"], "credited")
    assert balance(member) == (40, 0, 0)


def test_a_pending_payment_that_fails_frees_what_a_minor_may_pay(shop: Shop) -> None:
    minor = shop.one.member(birth_date="2012-01-01")
    waiting = [shop.pay(50, "pending") for _ in range(4)]
    for one in waiting:
        claim(minor, 50, one).ok(202)
    claim(minor, 50, shop.pay(50)).refused(403, "minor-limit")
    shop.rail.set(waiting[0], "failed", 50)
    claim(minor, 50, waiting[0]).refused(422, "payment-failed")
    claim(minor, 50, waiting[0]).refused(422, "payment-failed")
    claim(minor, 50, shop.pay(50)).ok(201)
    for one in waiting[1:]:
        shop.rail.set(one, "paid", 50)
        shop.notify(shop.one, one).ok(204)
    eventually(lambda: balance(minor) == (200, 0, 0))


@pytest.mark.parametrize("how", ["claimed again", "notified"])
def test_a_payment_that_failed_and_is_paid_after_all_credits_once(shop: Shop, how: str) -> None:
    member, late = shop.one.member(), shop.pay(10, "pending")
    first = claim(member, 10, late).ok(202)
    shop.rail.set(late, "failed", 10)
    claim(member, 10, late).refused(422, "payment-failed")
    claim(member, 10, late).refused(422, "payment-failed")
    shop.rail.set(late, "paid", 10)
    elsewhere = shop.other.client(member.qq)
    for _ in range(3):
        if how == "notified":
            shop.notify(shop.one, late, state="paid").ok(204)
            shop.notify(shop.other, late, state="failed").ok(204)
        else:
            assert claim(elsewhere, 10, late).json["id"] == first.json["id"]
            assert claim(member, 10, late).status in (201, 202)
    eventually(lambda: balance(member) == (10, 0, 0))
    assert claim(member, 10, late).ok(201).json["state"] == "credited"
    claim(shop.one.member(), 10, late).refused(409, "rail-ref-used")
    assert balance(member) == (10, 0, 0)


def test_a_minors_payment_that_comes_after_all_counts_again(shop: Shop) -> None:
    minor = shop.one.member(birth_date="2012-01-01")
    late = shop.pay(50, "pending")
    claim(minor, 50, late).ok(202)
    shop.rail.set(late, "failed", 50)
    claim(minor, 50, late).refused(422, "payment-failed")
    for _ in range(3):
        claim(minor, 50, shop.pay(50)).ok(201)
    shop.rail.set(late, "paid", 50)
    claim(minor, 50, late).ok(201)
    claim(minor, 1, shop.pay(1)).refused(403, "minor-limit")
    assert balance(minor) == (200, 0, 0)


def test_notifications_doubled_forged_and_out_of_order_change_nothing(shop: Shop) -> None:
    member, late = shop.one.member(), shop.pay(10, "pending")
    shop.notify(shop.one, late, state="paid").ok(204)
    claim(member, 10, late).ok(202)
    shop.notify(shop.other, late, state="paid").ok(204)
    assert balance(member) == (0, 0, 0), "the rail itself does not say so"
    shop.rail.set(late, "paid", 10)
    with ThreadPoolExecutor(6) as pool:
        servers = (shop.one, shop.other) * 3
        assert all(reply.status == 204 for reply in pool.map(
            lambda server: shop.notify(server, late, state="failed"), servers
        ))  # fmt: skip
    eventually(lambda: balance(member) == (10, 0, 0))
    shop.rail.set(late, "failed", 10)
    shop.notify(shop.one, late, state="failed").ok(204)
    shop.notify(shop.other, late, state="pending").ok(204)
    assert balance(member) == (10, 0, 0)
    guest = shop.one.with_token(None)
    guest.post("/v1/rails/nowhere/notifications", {"rail_ref": late}).refused(404)


@pytest.mark.parametrize("status", [500, 302, 429])
def test_a_rail_in_trouble_is_no_answer(shop: Shop, status: int) -> None:
    member, paid = shop.one.member(), shop.pay(5)
    shop.rail.status = status
    try:
        claim(member, 5, paid).refused(503, "unavailable")
    finally:
        shop.rail.status = 200
    claim(member, 5, paid).ok(201)
    assert balance(member) == (5, 0, 0)


def test_a_rail_that_does_not_answer_is_waited_for_a_few_seconds(shop: Shop) -> None:
    member, paid = shop.one.member(), shop.pay(5)
    shop.rail.answers.clear()
    began = time.monotonic()
    try:
        claim(member, 5, paid).refused(503, "unavailable")
    finally:
        shop.rail.answers.set()
    assert time.monotonic() - began < 10
    claim(member, 5, paid).ok(201)
    assert balance(member) == (5, 0, 0)


def test_what_was_credited_is_answered_without_the_rail(shop: Shop) -> None:
    member, paid = shop.one.member(), shop.pay(5)
    first = claim(member, 5, paid).ok(201)
    asked = shop.rail.asked
    assert claim(shop.other.client(member.qq), 5, paid).ok(201).json == first.json
    assert shop.rail.asked == asked


def test_two_servers_lose_no_coin_and_make_none(shop: Shop) -> None:
    """Everybody claims every payment, on both servers, and spends whatever there is."""
    members = [shop.one.member() for _ in range(3)]
    payments = [shop.pay(25, "pending" if number % 3 == 0 else "paid") for number in range(6)]
    theme = item(shop.one, 10)
    before = books(shop.one)

    def live(who: tuple[RunningHomezone, int]) -> int:
        server, qq = who
        client, bought = server.client(qq), 0
        for paid in payments:
            claim(client, 25, paid)
            bought += buy(client, theme).status == 201
        return bought

    people = [(server, one.qq) for one in members for server in (shop.one, shop.other)] * 2
    with ThreadPoolExecutor(len(people)) as pool:
        running = [pool.submit(live, one) for one in people]
        for paid in payments:
            shop.rail.set(paid, "paid", 25)
            shop.notify(shop.other, paid).ok(204)
        bought = sum(one.result() for one in running)
    eventually(lambda: sum(balance(one)[0] for one in members) == 6 * 25 - 10 * bought)
    owned = [one.walk("/v1/me/items", at_least=shop.one.everything()) for one in members]
    assert sum(map(len, owned)) == bought
    after = books(shop.one)
    moved = {at: after[at] - before.get(at, 0) for at in after}
    assert moved["asset:rail-clearing:local", "CNY"] == 6 * 2_500
    assert moved["liability:coins:paid", "QC"] == -sum(balance(one)[0] for one in members)
    assert moved["revenue:mall", "CNY"] == -1_000 * bought


def test_a_rebuild_from_the_log_makes_the_same_wallets_and_books(shop: Shop) -> None:
    homezone = shop.one.homezone
    checked = check(
        homezone.log.reader,
        homezone.database.owner,
        MODELS,
        homezone.clock,
        uuid4(),
        names=["wallets", "mall", "orders", "ledger", "deadlines"],
    )
    assert {one.model: one.differing for one in checked} == dict.fromkeys(
        ("wallets", "mall", "orders", "ledger", "deadlines"), 0
    )
    assert all(one.rows for one in checked if one.model != "deadlines")


def test_the_document_says_that_a_top_up_may_take_its_time(shop: Shop) -> None:
    paths = shop.one.with_token(None).get("/openapi.json").json["paths"]
    answers = paths["/v1/me/topups"]["post"]["responses"]
    assert answers["202"]["content"] == answers["201"]["content"]
    assert {"402", "403", "409", "422", "503"} - set(answers) == {"402"}
