"""
Coins as members, operators and accountants have them: bought, granted, spent, refunded, and booked.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from tests.support.homezone import Client, Reply, RunningHomezone

_REFERENCES = count(1)


def reference() -> str:
    """A payment that nobody has used."""
    return f"pay-{next(_REFERENCES)}"


def top_up(member: Client, coins: int, ref: str | None = None, rail: str = "demo") -> Reply:
    """Claim a payment."""
    body = {"coins": coins, "rail": rail, "rail_ref": ref or reference()}
    return member.post("/v1/me/topups", body)


def rich(homezone: RunningHomezone, coins: int = 100) -> Client:
    """A member with coins."""
    member = homezone.member()
    top_up(member, coins).ok(201)
    return member


def item(homezone: RunningHomezone, price: int, **more: Any) -> str:
    """Something for sale."""
    body = {"kind": "theme", "title": "雪夜", "price_coins": price, **more}
    return str(homezone.operator.post("/v1/mall/items", body).ok(201).json["id"])


def buy(member: Client, what: str, quantity: int = 1) -> Reply:
    """An order."""
    return member.post("/v1/orders", {"item": what, "quantity": quantity})


def refund(homezone: RunningHomezone, order: str, coins: int | None = None) -> Reply:
    """An operator gives back."""
    body = {"reason": "it looked different"} | ({} if coins is None else {"coins": coins})
    return homezone.operator.post(f"/v1/orders/{order}/refunds", body)


def balance(member: Client) -> tuple[int, int, int]:
    """Paid, bonus and held coins."""
    wallet = member.get("/v1/me/wallet").ok(200).json
    assert wallet["balance"] == wallet["paid"] + wallet["bonus"]
    assert wallet["balance"] == sum(lot["left"] for lot in wallet["lots"])
    assert wallet["held"] == sum(hold["coins"] for hold in wallet["holds"])
    return wallet["paid"], wallet["bonus"], wallet["held"]


def books(homezone: RunningHomezone) -> dict[tuple[str, str], int]:
    """What is left on each account, debits positive; they sum to zero."""
    auditor = homezone.client(10_012, "auditor")
    rows = auditor.get("/v1/billing/trial-balance", at_least=homezone.everything()).ok(200)
    left = {
        (one["account"], one["commodity"]): one["debit"] - one["credit"]
        for one in rows.json["items"]
    }
    for commodity in ("QC", "CNY"):
        assert sum(amount for (_, unit), amount in left.items() if unit == commodity) == 0
    return left


def test_a_payment_becomes_coins_once(homezone: RunningHomezone) -> None:
    member, other, paid = homezone.member(), homezone.member(), reference()
    first = top_up(member, 100, paid).ok(201)
    assert first.json["state"] == "credited"
    assert first.json["position"] == first.position
    assert top_up(member, 100, paid).ok(201).json == first.json
    assert balance(member) == (100, 0, 0)
    top_up(member, 99, paid).refused(409, "rail-ref-used")
    top_up(other, 100, paid).refused(409, "rail-ref-used")
    assert balance(other) == (0, 0, 0)
    lot = member.get("/v1/me/wallet").json["lots"][0]
    assert lot["id"] == first.json["id"]
    assert (lot["rail"], lot["fen"], lot["position"]) == ("demo", 10_000, first.position)


def test_a_top_up_names_the_field_that_is_wrong(homezone: RunningHomezone) -> None:
    member = homezone.member()
    assert top_up(member, 1, rail="nowhere").refused(422, "no-such-rail").fields == ["/rail"]
    for coins in (0, -1, 1_000_001, 10**30):
        assert top_up(member, coins).refused(422).fields == ["/coins"]
    for wrong in (1.5, "1", None):
        body = {"coins": wrong, "rail": "demo", "rail_ref": reference()}
        assert member.post("/v1/me/topups", body).refused(400).fields == ["/coins"]


@pytest.mark.parametrize(
    ("born", "once", "month"), [("2011-12-01", 50, 200), ("2009-12-01", 100, 400)]
)
def test_minors_pay_so_much_at_once_and_so_much_a_month(
    homezone: RunningHomezone, born: str, once: int, month: int
) -> None:
    minor = homezone.member(birth_date=born)
    assert top_up(minor, once + 1).refused(403, "minor-limit").fields == ["/coins"]
    for _ in range(month // once):
        top_up(minor, once).ok(201)
    top_up(minor, 1).refused(403, "minor-limit")
    assert balance(minor) == (month, 0, 0)


def test_payments_at_once_stay_within_a_minors_month(homezone: RunningHomezone) -> None:
    minor = homezone.member(birth_date="2012-01-01")
    clients = [homezone.client(minor.qq) for _ in range(8)]
    with ThreadPoolExecutor(len(clients)) as pool:
        replies = list(pool.map(lambda client: top_up(client, 50), clients))
    assert sorted(reply.status for reply in replies) == [201] * 4 + [403] * 4
    assert balance(minor) == (200, 0, 0)


def test_young_children_pay_nothing(homezone: RunningHomezone) -> None:
    child = homezone.member(birth_date="2020-01-01")
    top_up(child, 1).refused(403, "minor-may-not-pay")


def test_an_order_takes_coins_and_brings_the_item(homezone: RunningHomezone) -> None:
    member, theme = rich(homezone, 100), item(homezone, 30, valid_days=30)
    bought = buy(member, theme, 2).ok(201)
    order = bought.json["id"]
    assert bought.json["state"] == "fulfilled"
    assert balance(member) == (40, 0, 0)
    (owned,) = member.walk("/v1/me/items")
    assert (owned["order"], owned["item"], owned["quantity"]) == (order, theme, 2)
    assert owned["expires_at"] > owned["gained_at"]
    shown = member.get(f"/v1/orders/{order}").ok(200).json
    assert (shown["coins"], shown["refunded"], shown["state"]) == (60, 0, "fulfilled")
    assert homezone.operator.get(f"/v1/orders/{order}").ok(200).json == shown
    homezone.member().get(f"/v1/orders/{order}").refused(404)
    refused = buy(member, theme, 2).refused(402, "insufficient-coins")
    assert "position" not in refused.json
    assert balance(member) == (40, 0, 0)
    assert len(member.walk("/v1/me/items")) == 1


def test_what_cannot_be_bought_is_said_so(homezone: RunningHomezone) -> None:
    member = rich(homezone)
    nothing = "01a210c8-e698-8000-9999-821e138dda71"
    assert buy(member, nothing).refused(422, "no-such-item").fields == ["/item"]
    buy(member, item(homezone, 1, members_only=True)).refused(403, "members-only")
    buy(member, item(homezone, 1, level_min=1)).refused(403, "level-too-low")
    gone = item(homezone, 1)
    homezone.operator.patch(f"/v1/mall/items/{gone}", {"listed": False}).ok(200)
    buy(member, gone).refused(409, "item-delisted")
    for quantity in (0, -1, 101):
        assert buy(member, gone, quantity).refused(422).fields == ["/quantity"]
    assert balance(member) == (100, 0, 0)


def test_operators_change_for_whom_an_item_is_and_for_how_long(homezone: RunningHomezone) -> None:
    member, operator = rich(homezone, 100), homezone.operator
    theme = item(homezone, 5)
    path = f"/v1/mall/items/{theme}"
    operator.patch(path, {"level_min": 2, "valid_days": 7}).ok(200)
    named = operator.patch(path, {"price_coins": 6}).ok(200)
    seen = {one["id"]: one for one in member.walk("/v1/mall/items", at_least=named.position)}
    assert (seen[theme]["level_min"], seen[theme]["valid_days"]) == (2, 7), "the rest stays"
    buy(member, theme).refused(403, "level-too-low")
    freed = operator.patch(path, {"level_min": None}).ok(200)
    seen = {one["id"]: one for one in member.walk("/v1/mall/items", at_least=freed.position)}
    assert "level_min" not in seen[theme]
    buy(member, theme).ok(201)
    (owned,) = member.walk("/v1/me/items")
    assert owned["expires_at"], "for so long"
    for wrong in ({"level_min": 0}, {"level_min": 9}, {"valid_days": 0}):
        operator.patch(path, wrong).refused(422)
    operator.patch(path, {"kind": "music"}).refused(400)


def test_operators_set_prices_and_shoppers_see_what_is_for_sale(
    homezone: RunningHomezone,
) -> None:
    member, operator = rich(homezone, 100), homezone.operator
    theme = item(homezone, 30)
    operator.patch(f"/v1/mall/items/{theme}", {"price_coins": 20, "title": "月夜"}).ok(200)
    again = operator.patch(f"/v1/mall/items/{theme}", {"price_coins": 20}).ok(200)
    seen = {one["id"]: one for one in member.walk("/v1/mall/items", at_least=again.position)}
    assert (seen[theme]["price_coins"], seen[theme]["title"]) == (20, "月夜")
    buy(member, theme).ok(201)
    assert balance(member) == (80, 0, 0)
    off = operator.patch(f"/v1/mall/items/{theme}", {"listed": False}).ok(200)
    after = member.walk("/v1/mall/items", at_least=off.position)
    assert theme not in {one["id"] for one in after}
    kept = {one["id"]: one["listed"] for one in operator.walk("/v1/mall/items")}
    assert kept[theme] is False
    member.post("/v1/mall/items", {}).refused(403)
    operator.patch(f"/v1/mall/items/{member_id()}", {"listed": True}).refused(404)


def test_an_order_beyond_what_one_moves_is_refused_at_its_quantity(
    homezone: RunningHomezone,
) -> None:
    member, dear = rich(homezone), item(homezone, 500_001)
    assert buy(member, dear, 2).refused(422, "order-too-large").fields == ["/quantity"]
    buy(member, dear, 1).refused(402, "insufficient-coins")
    assert balance(member) == (100, 0, 0)


def member_id() -> str:
    """An id of some cell, of nothing."""
    return "01a210c8-e698-8003-9999-821e138dda71"


def test_a_refund_gives_back_the_very_coins(homezone: RunningHomezone) -> None:
    member, theme = rich(homezone, 10), item(homezone, 15)
    path = f"/v1/accounts/{member.qq}/bonuses"
    homezone.operator.post(path, {"coins": 10, "days": 30, "reason": "hello"}).ok(201)
    order = buy(member, theme).ok(201).json["id"]
    assert balance(member) == (5, 0, 0), "bonus coins go first"
    part = refund(homezone, order, 7).ok(201)
    assert part.json["state"] == "partly_refunded"
    assert balance(member) == (10, 2, 0), "those spent last come back first"
    assert len(member.walk("/v1/me/items")) == 1
    refund(homezone, order, 9).refused(409, "refund-too-much")
    whole = refund(homezone, order).ok(201)
    assert whole.json["state"] == "refunded"
    assert balance(member) == (10, 10, 0)
    assert member.walk("/v1/me/items", at_least=whole.position) == []
    again = refund(homezone, order).ok(201)
    assert again.json == whole.json
    assert balance(member) == (10, 10, 0)
    shown = member.get(f"/v1/orders/{order}").json
    assert (shown["refunded"], shown["state"]) == (15, "refunded")
    refund(homezone, member_id()).refused(404)


def test_a_guardian_has_undone_what_a_minor_bought(homezone: RunningHomezone) -> None:
    minor, theme = homezone.member(birth_date="2012-01-01"), item(homezone, 30)
    top_up(minor, 50).ok(201)
    order = buy(minor, theme).ok(201).json["id"]
    path, body = f"/v1/orders/{order}/guardian-refunds", {"reason": "mother", "evidence": "letter"}
    operator = homezone.operator
    for percent in (0, 101, -1):
        wrong = operator.post(path, {**body, "house_percent": percent}).refused(422)
        assert wrong.fields == ["/house_percent"]
    minor.post(path, body).refused(403)
    first = operator.post(path, {**body, "house_percent": 70}).ok(201)
    assert first.json["state"] == "partly_refunded"
    assert operator.post(path, {**body, "house_percent": 100}).ok(201).json == first.json
    assert balance(minor) == (41, 0, 0), "of 30, 21 came back"
    assert minor.walk("/v1/me/items", at_least=first.position) == []
    trail = homezone.client(10_012, "auditor").get(f"/v1/audit/streams/{order}").ok(200).json
    told = trail["events"][-1]
    assert told["type"] == "order.refunded.v1"
    assert told["data"]["guardian"] == {"evidence": {"sealed": True}, "house_percent": 70}
    grown = rich(homezone)
    bought = buy(grown, theme).ok(201).json["id"]
    operator.post(f"/v1/orders/{bought}/guardian-refunds", body).refused(409, "not-a-minor")
    operator.post(f"/v1/orders/{member_id()}/guardian-refunds", body).refused(404)
    assert balance(grown) == (70, 0, 0)
    books(homezone)


def test_refunds_at_once_on_every_ground_stay_within_what_was_taken(
    homezone: RunningHomezone,
) -> None:
    minor, theme = homezone.member(birth_date="2012-01-01"), item(homezone, 30)
    top_up(minor, 50).ok(201)
    order = buy(minor, theme).ok(201).json["id"]
    operators = [homezone.client(homezone.operator.qq, "operator") for _ in range(12)]

    def give_back(turn: tuple[int, Client]) -> Reply:
        number, operator = turn
        if number % 2:
            body = {"reason": "mother", "evidence": "letter", "house_percent": 50}
            return operator.post(f"/v1/orders/{order}/guardian-refunds", body)
        return operator.post(f"/v1/orders/{order}/refunds", {"reason": "no", "coins": 7})

    with ThreadPoolExecutor(len(operators)) as pool:
        replies = list(pool.map(give_back, enumerate(operators)))
    assert {reply.status for reply in replies} <= {201, 409}
    undone = [reply.json["id"] for reply in replies[1::2] if reply.status == 201]
    assert len(set(undone)) <= 1, "a guardian's refund is one"
    shown = minor.get(f"/v1/orders/{order}", at_least=homezone.everything()).json
    assert 0 < shown["refunded"] <= 30
    assert balance(minor) == (20 + shown["refunded"], 0, 0)
    books(homezone)


def test_a_ledger_tells_all_that_moved_and_sums_to_zero(homezone: RunningHomezone) -> None:
    member, theme = rich(homezone, 20), item(homezone, 5)
    order = buy(member, theme).ok(201).json["id"]
    refund(homezone, order, 2).ok(201)
    postings = member.walk("/v1/me/ledger", limit=3, at_least=homezone.everything())
    assert [one["what"] for one in postings] == [*["refund"] * 4, *["spend"] * 4, *["top_up"] * 4]
    for position in {one["position"] for one in postings}:
        for commodity in ("QC", "CNY"):
            lines = [
                one
                for one in postings
                if (one["position"], one["commodity"]) == (position, commodity)
            ]
            assert sum(one["debit"] for one in lines) == sum(one["credit"] for one in lines) > 0
    assert {one["about"] for one in postings[:8]} == {order}
    mine = [one for one in postings if one["account"] == "liability:coins:paid"]
    assert sum(one["credit"] - one["debit"] for one in mine) == 17


def test_the_books_say_what_wallets_hold(homezone: RunningHomezone) -> None:
    before = books(homezone)
    member, theme = rich(homezone, 20), item(homezone, 15)
    path = f"/v1/accounts/{member.qq}/bonuses"
    homezone.operator.post(path, {"coins": 10, "days": 30, "reason": "hello"}).ok(201)
    buy(member, theme).ok(201)
    after = books(homezone)
    moved = {at: after[at] - before.get(at, 0) for at in after if after[at] != before.get(at, 0)}
    assert moved == {
        ("asset:rail-clearing:demo", "CNY"): 2_000,
        ("liability:coins-sold", "CNY"): -1_500,
        ("revenue:mall", "CNY"): -500,
        ("equity:coins-issued", "QC"): 20,
        ("contra:promo", "QC"): 10,
        ("liability:coins:paid", "QC"): -15,
        # All of the bonus was spent: the account is where it was.
        ("revenue:mall", "QC"): -15,
    }
    for role in ("member", "moderator", "compliance"):
        homezone.client(member.qq, role).get("/v1/billing/trial-balance").refused(403)


def test_the_same_payment_from_everywhere_counts_once(homezone: RunningHomezone) -> None:
    members, paid = homezone.members(4), reference()
    clients = [homezone.client(member.qq) for member in members for _ in range(3)]
    with ThreadPoolExecutor(len(clients)) as pool:
        replies = list(pool.map(lambda client: top_up(client, 50, paid), clients))
    winners = {
        client.qq for client, reply in zip(clients, replies, strict=True) if reply.status < 300
    }
    assert len(winners) == 1
    assert all(reply.status in (201, 202) or reply.problem == "rail-ref-used" for reply in replies)
    assert sorted(balance(member) for member in members) == [(0, 0, 0)] * 3 + [(50, 0, 0)]


def test_the_last_coins_are_spent_once(homezone: RunningHomezone) -> None:
    member, theme = rich(homezone, 50), item(homezone, 20)
    clients = [homezone.client(member.qq) for _ in range(10)]
    with ThreadPoolExecutor(len(clients)) as pool:
        replies = list(pool.map(lambda client: buy(client, theme), clients))
    bought = [reply for reply in replies if reply.status == 201]
    assert len(bought) == 2
    assert all(reply.problem == "insufficient-coins" for reply in replies if reply not in bought)
    assert balance(member) == (10, 0, 0)
    assert len(member.walk("/v1/me/items", at_least=homezone.everything())) == 2
    books(homezone)


def test_a_repeated_order_is_one_order(homezone: RunningHomezone) -> None:
    member, theme = rich(homezone, 50), item(homezone, 20)
    body = {"item": theme}
    first = member.post("/v1/orders", body, key="once").ok(201)
    second = member.post("/v1/orders", body, key="once").ok(201)
    assert second.json == first.json
    assert second.headers["idempotency-replayed"] == "true"
    assert balance(member) == (30, 0, 0)
