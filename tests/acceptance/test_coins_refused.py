"""
What bad input about coins gets: a problem of its own that names the field, and no coin moves.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.acceptance.test_money import balance, books, buy, item, reference, refund, rich, top_up
from tests.support.homezone import Client, Reply, RunningHomezone


class Counter:
    """Somebody with coins and an order, a friendless other, and what is for sale."""

    def __init__(self, homezone: RunningHomezone) -> None:
        self.homezone = homezone
        self.member, self.other = rich(homezone), homezone.member()
        self.item, self.gone = item(homezone, 10), item(homezone, 10)
        homezone.operator.patch(f"/v1/mall/items/{self.gone}", {"listed": False}).ok(200)
        self.order = str(buy(self.member, self.item).ok(201).json["id"])


@pytest.fixture
def counter(homezone: RunningHomezone) -> Iterator[Counter]:
    """Everything a test asks is refused: in the end nothing was stored, and no coin has moved."""
    counter = Counter(homezone)
    before, heads, kept = books(homezone), homezone.heads(), balance(counter.member)
    yield counter
    assert homezone.heads() == heads, "something was stored"
    assert books(homezone) == before
    assert balance(counter.member) == kept
    assert balance(counter.other) == (0, 0, 0)


NONE_OR_TOO_MANY = (0, -1, -(10**6), 10**6 + 1, 2**31, 2**63, 2**64, 10**30)
NO_WHOLE_NUMBER: Final[tuple[object, ...]] = (1.5, 0.999, "1", None, True, [1], {}, "NaN", 1e300)


def sent(counter: Counter, where: str, amount: object) -> tuple[Reply, str]:
    """An amount in each place that takes one; the reply, and the field."""
    body: dict[str, Any]
    operator, member = counter.homezone.operator, counter.member
    match where:
        case "top-up":
            body = {"coins": amount, "rail": "demo", "rail_ref": reference()}
            return member.post("/v1/me/topups", body), "/coins"
        case "order":
            body = {"item": counter.item, "quantity": amount}
            return member.post("/v1/orders", body), "/quantity"
        case "refund":
            body = {"reason": "no", "coins": amount}
            return operator.post(f"/v1/orders/{counter.order}/refunds", body), "/coins"
        case "guardian":
            body = {"reason": "no", "evidence": "none", "house_percent": amount}
            path = f"/v1/orders/{counter.order}/guardian-refunds"
            return operator.post(path, body), "/house_percent"
        case "bonus":
            body = {"coins": amount, "days": 1, "reason": "no"}
            path = f"/v1/accounts/{counter.member.qq}/bonuses"
            return operator.post(path, body), "/coins"
        case "price":
            body = {"kind": "theme", "title": "雪", "price_coins": amount}
            return operator.post("/v1/mall/items", body), "/price_coins"
        case _:
            raise AssertionError(where)


PLACES = ("top-up", "order", "refund", "guardian", "bonus", "price")


@pytest.mark.parametrize("where", PLACES)
def test_amounts_are_whole_at_least_one_and_not_huge(counter: Counter, where: str) -> None:
    for amount in NONE_OR_TOO_MANY:
        reply, field = sent(counter, where, amount)
        assert reply.refused(422).fields == [field], amount
    for other in NO_WHOLE_NUMBER:
        if other is None and where == "refund":
            # Without an amount, all is meant.
            continue
        reply, field = sent(counter, where, other)
        assert reply.status in (400, 422), (other, reply)
        assert reply.fields == [field], other


def test_what_is_not_for_sale_or_not_ones_own_has_its_problem(counter: Counter) -> None:
    nothing = "01a210c8-e698-8000-9999-821e138dda71"
    assert buy(counter.member, nothing).refused(422, "no-such-item").fields == ["/item"]
    buy(counter.member, counter.gone).refused(409, "item-delisted")
    buy(counter.other, counter.item).refused(402, "insufficient-coins")
    buy(counter.member, counter.item, 10).refused(402, "insufficient-coins")
    path = f"/v1/orders/{counter.order}"
    for stranger in (counter.other, counter.homezone.with_token(None)):
        _refuses(stranger, path)
    refund(counter.homezone, counter.order, 11).refused(409, "refund-too-much")
    for gone in ("01a210c8-e698-8003-9999-821e138dda71", counter.item):
        refund(counter.homezone, gone).refused(404)


def _refuses(stranger: Client, path: str) -> None:
    assert stranger.post(f"{path}/refunds", {"reason": "mine"}).status in (401, 403, 404)
    body = {"reason": "mine", "evidence": "none"}
    assert stranger.post(f"{path}/guardian-refunds", body).status in (401, 403)
    assert stranger.get(path).status in (401, 404)


def test_the_same_key_is_the_same_answer_and_no_other_top_up(homezone: RunningHomezone) -> None:
    member, first = homezone.member(), reference()
    body = {"coins": 10, "rail": "demo", "rail_ref": first}
    answer = member.post("/v1/me/topups", body, key="k").ok(201)
    assert member.post("/v1/me/topups", body, key="k").ok(201).json == answer.json
    other = {**body, "rail_ref": reference()}
    member.post("/v1/me/topups", other, key="k").refused(422, "key-reused")
    assert balance(member) == (10, 0, 0)


def test_a_reference_of_one_rail_counts_once_whatever_else_is_said(
    homezone: RunningHomezone,
) -> None:
    member, paid = homezone.member(), reference()
    for key in ("a", "b", None, None):
        body = {"coins": 10, "rail": "demo", "rail_ref": paid}
        member.post("/v1/me/topups", body, key=key).ok(201)
    top_up(member, 11, paid).refused(409, "rail-ref-used")
    assert balance(member) == (10, 0, 0)
