"""
Payments that a rail takes back and gives back, over HTTP, on two servers and a rail of their own.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.acceptance.test_money import balance, books, buy, item
from tests.acceptance.test_rails import Shop, claim, shop
from tests.support.homezone import Client, RunningHomezone
from tests.support.waiting import eventually

__all__ = ["shop"]

REVERSED = ("suspense:reversed-payments", "CNY")
RECEIVABLE = ("asset:receivable:members", "CNY")


def turn(shop: Shop, paid: str, state: str, coins: int) -> None:
    """The rail changes its mind, and says so twice, to both servers."""
    shop.rail.set(paid, state, coins)
    for server in (shop.one, shop.other):
        shop.notify(server, paid, state=state).ok(204)


def owned(homezone: RunningHomezone, member: Client) -> list[str]:
    """The orders whose items a member has."""
    walked = member.walk("/v1/me/items", at_least=homezone.everything())
    return sorted(one["order"] for one in walked)


def test_a_chargeback_takes_coins_and_items_and_winning_it_brings_them_back(shop: Shop) -> None:
    before = books(shop.one)
    member, paid = shop.one.member(), shop.pay(30)
    claim(member, 30, paid).ok(201)
    orders = [buy(member, item(shop.one, price)).ok(201).json["id"] for price in (5, 7)]
    wallet = member.get("/v1/me/wallet").ok(200).json
    had = books(shop.one)
    turn(shop, paid, "disputed", 30)
    eventually(lambda: owned(shop.one, member) == [])
    eventually(lambda: balance(member) == (0, 0, 0))
    for order in orders:
        shown = member.get(f"/v1/orders/{order}", at_least=shop.one.everything()).ok(200)
        assert shown.json["state"] == "revoked"
    turn(shop, paid, "charged_back", 30)
    eventually(lambda: books(shop.one).get(REVERSED, 0) == before.get(REVERSED, 0))
    lost = books(shop.one)
    clearing = ("asset:rail-clearing:local", "CNY")
    assert lost[clearing] == before.get(clearing, 0)
    assert lost["liability:coins-sold", "CNY"] == before.get(("liability:coins-sold", "CNY"), 0)
    assert lost["equity:coins-issued", "QC"] == before.get(("equity:coins-issued", "QC"), 0)
    turn(shop, paid, "paid", 30)
    eventually(lambda: owned(shop.one, member) == sorted(orders))
    assert member.get("/v1/me/wallet").ok(200).json == wallet
    after = books(shop.one)
    assert {at: left for at, left in after.items() if left != had.get(at, 0)} == {}


def test_a_refund_by_the_rail_that_is_reversed(shop: Shop) -> None:
    member, paid = shop.one.member(), shop.pay(10)
    claim(member, 10, paid).ok(201)
    turn(shop, paid, "refunded", 10)
    eventually(lambda: balance(member) == (0, 0, 0))
    assert claim(member, 10, paid).status in (201, 202), "the claim stays what it was"
    assert balance(member) == (0, 0, 0)
    turn(shop, paid, "paid", 10)
    eventually(lambda: balance(member) == (10, 0, 0))
    shop.notify(shop.one, paid, state="refunded").ok(204)
    assert balance(member) == (10, 0, 0), "the rail itself does not say so"


def test_purchases_and_turns_at_once_make_and_lose_no_coin(shop: Shop) -> None:
    before = books(shop.one)
    member, theme = shop.one.member(), item(shop.one, 2)
    payments = [shop.pay(10) for _ in range(3)]
    for paid in payments:
        claim(member, 10, paid).ok(201)
    clients = [server.client(member.qq) for server in (shop.one, shop.other) for _ in range(3)]

    def act(number: int) -> None:
        if number % 3:
            buy(clients[number % 6], theme)
        else:
            paid = payments[number % 4 % 3]
            turn(shop, paid, ("disputed", "paid")[number // 3 % 2], 10)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(act, range(30)))
    for paid in payments:
        turn(shop, paid, "charged_back", 10)
    eventually(lambda: balance(member) == (0, 0, 0) and owned(shop.one, member) == [])
    eventually(lambda: books(shop.one).get(REVERSED, 0) == before.get(REVERSED, 0))
    for paid in payments:
        turn(shop, paid, "paid", 10)
    eventually(lambda: books(shop.one).get(RECEIVABLE, 0) == before.get(RECEIVABLE, 0))
    eventually(lambda: balance(member)[0] + 2 * len(owned(shop.one, member)) == 30)
    after = books(shop.one)
    paid_in = ("asset:rail-clearing:local", "CNY")
    assert after[paid_in] - before.get(paid_in, 0) == 3_000


def owes(shop: Shop, member: Client) -> int:
    wallet = member.get("/v1/me/wallet", at_least=shop.one.everything()).ok(200).json
    return int(wallet["owed"])


def test_whoever_owes_spends_nothing(shop: Shop) -> None:
    """Days of a membership that have not begun go; what the others took is owed."""
    member, paid, other = shop.one.member(), shop.pay(10), shop.pay(5)
    claim(member, 10, paid).ok(201)
    claim(member, 5, other).ok(201)
    member.put("/v1/me/memberships/yellow", {"months": 1}).ok(200)
    turn(shop, paid, "charged_back", 10)
    eventually(lambda: owes(shop, member) == 1)
    buy(member, item(shop.one, 1)).refused(403, "wallet-owes")
    (yellow,) = [
        one
        for one in member.get("/v1/me/memberships").ok(200).json["items"]
        if one["plan"] == "yellow"
    ]
    assert yellow["state"] == "expired"
    assert balance(member) == (5, 0, 0)
    books(shop.one)
    turn(shop, paid, "paid", 10)
    eventually(lambda: owes(shop, member) == 0)
    assert balance(member) == (14, 0, 0)
    buy(member, item(shop.one, 14)).ok(201)
    books(shop.one)


def test_a_gift_whose_coins_are_gone_waits_until_they_are_back(shop: Shop) -> None:
    member, paid, friend = shop.one.member(), shop.pay(10), shop.one.member()
    claim(member, 10, paid).ok(201)
    member.befriend(friend)
    gift = {"item": item(shop.one, 8), "gift_to": friend.qq}
    order = member.post("/v1/orders", gift).ok(201).json["id"]
    turn(shop, paid, "charged_back", 10)
    eventually(lambda: balance(member) == (0, 0, 0))
    assert owes(shop, member) == 0
    friend.put(f"/v1/me/gifts/{order}").refused(409, "gift-unpaid")
    books(shop.one)
    turn(shop, paid, "paid", 10)
    eventually(lambda: balance(member) == (2, 0, 8))
    friend.put(f"/v1/me/gifts/{order}").ok(200)
    eventually(lambda: owned(shop.one, friend) == [order])
    books(shop.one)


def test_everything_at_once_comes_to_whole_coins_once_the_payment_is_won(shop: Shop) -> None:
    """Gifts answered, orders refunded and the payment taken back and won, on both servers."""
    member, paid, friend = shop.one.member(), shop.pay(60), shop.one.member()
    suspense = books(shop.one).get(REVERSED, 0)
    claim(member, 60, paid).ok(201)
    member.befriend(friend)
    theme = item(shop.one, 5)
    own = [buy(member, theme).ok(201).json["id"] for _ in range(4)]
    gift = {"item": theme, "gift_to": friend.qq}
    given = [member.post("/v1/orders", gift).ok(201).json["id"] for _ in range(6)]

    def turns(_: str) -> int:
        for state in ("disputed", "paid", "refunded", "paid", "disputed"):
            turn(shop, paid, state, 60)
        return 204

    def answer(order: str) -> int:
        client = (shop.one, shop.other)[given.index(order) % 2].client(friend.qq)
        path = f"/v1/me/gifts/{order}"
        return (client.put if given.index(order) % 3 else client.delete)(path).status

    def refund(order: str) -> int:
        path = f"/v1/orders/{order}/refunds"
        return shop.other.operator.post(path, {"reason": "all at once"}).status

    work = [(turns, ""), *((answer, one) for one in given), *((refund, one) for one in own[:2])]
    with ThreadPoolExecutor(len(work)) as pool:
        statuses = set(pool.map(lambda one: one[0](one[1]), work))
    assert statuses <= {200, 201, 204, 409}
    turn(shop, paid, "paid", 60)

    def whole() -> bool:
        fresh = shop.one.everything()
        shown = [member.get(f"/v1/orders/{one}", at_least=fresh).json for one in (*own, *given)]
        states = Counter(one["state"] for one in shown)
        had = sorted(one["id"] for one in shown if one["state"] == "fulfilled")
        coins = 60 - 5 * (states["fulfilled"] + states["offered"])
        return (
            not states["revoked"]
            and balance(member) == (coins, 0, 5 * states["offered"])
            and had == sorted([*owned(shop.one, member), *owned(shop.one, friend)])
        )

    # It may look whole before the last turns have come to the wallet: then the books say so.
    eventually(lambda: books(shop.one).get(REVERSED, 0) == suspense and whole())
    assert owes(shop, member) == 0


def test_notifications_are_answered_before_the_rail_is_asked_and_ask_it_but_a_few_times(
    shop: Shop,
) -> None:
    member, paid = shop.one.member(), shop.pay(10)
    claim(member, 10, paid).ok(201)
    asked = shop.rail.asked
    shop.rail.answers.clear()
    try:
        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda _: shop.notify(shop.one, paid), range(64)))
        assert {reply.status for reply in replies} == {204}, "though the rail does not answer"
        assert shop.rail.asked - asked <= 1
    finally:
        shop.rail.set(paid, "refunded", 10)
        shop.rail.answers.set()
    eventually(lambda: balance(member) == (0, 0, 0))
    assert shop.rail.asked - asked <= 3
