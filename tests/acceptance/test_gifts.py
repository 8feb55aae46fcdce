"""
Gifts and refunds as members have them, over HTTP: offered, answered, given back, all at once.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.acceptance.test_money import balance, books, buy, item, refund, rich, top_up
from tests.support.homezone import Client, Reply, RunningHomezone
from tests.support.waiting import eventually


def friends(homezone: RunningHomezone, coins: int = 100) -> tuple[Client, Client]:
    """Somebody with coins, and a friend."""
    sender, recipient = rich(homezone, coins), homezone.member()
    sender.befriend(recipient)
    return sender, recipient


def give(sender: Client, what: str, to: Client, **more: Any) -> Reply:
    """An order for somebody else."""
    return sender.post("/v1/orders", {"item": what, "gift_to": to.qq, **more})


def gifts(homezone: RunningHomezone, member: Client) -> dict[str, str]:
    """The states of what was offered to a member."""
    listed = member.walk("/v1/me/gifts", at_least=homezone.everything())
    return {one["id"]: one["state"] for one in listed}


def owned(member: Client) -> list[tuple[str, int]]:
    """What somebody has, by its order, and how many."""
    return [(one["order"], one["quantity"]) for one in member.walk("/v1/me/items")]


def test_for_whom_a_gift_is_opens_to_staff_for_a_purpose_alone(homezone: RunningHomezone) -> None:
    sender, recipient = friends(homezone)
    path = f"/v1/orders/{give(sender, item(homezone, 30), recipient).ok(201).json['id']}"
    assert sender.get(path).ok(200).json["gift_to"] == recipient.qq
    operator, auditor = homezone.operator, homezone.client(10_011, "auditor")
    told = operator.get(path).ok(200)
    assert told.json["state"] == "offered"
    assert told.json.get("gift_to") is None
    assert str(recipient.qq) not in told.body.decode()

    def looks() -> list[Any]:
        events = auditor.walk("/v1/audit/events", type="disclosure.read.v1")
        return [one["data"] for one in events if one["data"]["surface"] == "read_order"]

    before = len(looks())
    opened = operator.request("GET", path, headers={"Homezone-Purpose": "a complaint"}).ok(200)
    assert opened.json["gift_to"] == recipient.qq
    (look,) = looks()[before:]
    assert look["streams"] == [recipient.get("/v1/me").json["id"]]


def test_a_gift_is_offered_and_accepted(homezone: RunningHomezone) -> None:
    sender, recipient = friends(homezone)
    theme = item(homezone, 30)
    before = books(homezone)
    offered = give(sender, theme, recipient, quantity=2).ok(201)
    order = offered.json["id"]
    assert offered.json["state"] == "offered"
    assert balance(sender) == (40, 0, 60)
    held = books(homezone)
    assert (
        held["liability:gift-escrow", "QC"] == before.get(("liability:gift-escrow", "QC"), 0) - 60
    )
    (waiting,) = recipient.walk("/v1/me/gifts", at_least=homezone.everything())
    assert waiting["sender"]["qq"] == sender.qq
    assert (waiting["id"], waiting["state"], waiting["quantity"]) == (order, "offered", 2)
    shown = sender.get(f"/v1/orders/{order}").ok(200).json
    assert (shown["state"], shown["gift_to"], shown["refunded"]) == ("offered", recipient.qq, 0)
    taken = recipient.put(f"/v1/me/gifts/{order}").ok(200)
    assert taken.json["state"] == "accepted"
    assert recipient.put(f"/v1/me/gifts/{order}").ok(200).json == taken.json
    recipient.delete(f"/v1/me/gifts/{order}").refused(409, "gift-accepted")
    eventually(lambda: owned(recipient) == [(order, 2)])
    assert sender.walk("/v1/me/items") == []
    assert balance(sender) == (40, 0, 0)
    assert gifts(homezone, recipient) == {order: "accepted"}
    assert sender.get(f"/v1/orders/{order}").json["state"] == "fulfilled"
    after = books(homezone)
    assert after["revenue:mall", "QC"] == before.get(("revenue:mall", "QC"), 0) - 60
    assert after["liability:gift-escrow", "QC"] == before.get(("liability:gift-escrow", "QC"), 0)


def test_a_gift_that_is_declined_goes_back(homezone: RunningHomezone) -> None:
    sender, recipient = friends(homezone)
    order = give(sender, item(homezone, 30), recipient).ok(201).json["id"]
    lots = sender.get("/v1/me/wallet").json["lots"]
    assert [one["left"] for one in lots] == [70]
    assert recipient.delete(f"/v1/me/gifts/{order}").ok(200).json["state"] == "declined"
    recipient.put(f"/v1/me/gifts/{order}").refused(409, "gift-over")
    back = sender.get("/v1/me/wallet").json["lots"]
    assert [(one["id"], one["left"]) for one in back] == [(lots[0]["id"], 100)]
    assert balance(sender) == (100, 0, 0)
    assert recipient.walk("/v1/me/items", at_least=homezone.everything()) == []
    assert gifts(homezone, recipient) == {order: "declined"}
    assert sender.get(f"/v1/orders/{order}").json["state"] == "returned"
    refund(homezone, order).refused(409, "gift-over")
    books(homezone)


def test_gifts_are_for_friends_who_can_have_them(homezone: RunningHomezone) -> None:
    sender, recipient = friends(homezone)
    theme, stranger = item(homezone, 30), homezone.member()
    refused = give(sender, theme, stranger).refused(403, "not-friends")
    assert refused.fields == ["/gift_to"]
    assert give(sender, theme, sender).refused(422, "not-yourself").fields == ["/gift_to"]
    nobody = sender.post("/v1/orders", {"item": theme, "gift_to": 99_999_999_999})
    assert nobody.refused(422, "no-such-member").fields == ["/gift_to"]
    path = f"/v1/accounts/{recipient.qq}/suspension"
    homezone.operator.put(path, {"reason": "stolen"}).ok(200)
    give(sender, theme, recipient).refused(409, "recipient-suspended")
    homezone.operator.delete(path).ok(200)
    blocked = f"/v1/me/blocks/{sender.qq}"
    recipient.put(blocked).ok(200)
    give(sender, theme, recipient).refused(403, "not-friends")
    assert balance(sender) == (100, 0, 0)
    assert gifts(homezone, recipient) == {}
    order = give(*offer_to(homezone, theme)).ok(201).json["id"]
    for other in (sender, stranger):
        other.put(f"/v1/me/gifts/{order}").refused(404)
        other.delete(f"/v1/me/gifts/{order}").refused(404)
        other.get(f"/v1/orders/{order}").refused(404)


def offer_to(homezone: RunningHomezone, theme: str) -> tuple[Client, str, Client]:
    """Two who are friends, and something to give."""
    sender, recipient = friends(homezone)
    return sender, theme, recipient


def test_everybody_answers_at_once_and_one_answer_counts(homezone: RunningHomezone) -> None:
    sender, recipient = friends(homezone, 60)
    theme = item(homezone, 10)
    orders = [give(sender, theme, recipient).ok(201).json["id"] for _ in range(6)]
    clients = [homezone.client(recipient.qq) for _ in range(6)]

    def answer(number: int) -> Reply:
        client, path = clients[number % 6], f"/v1/me/gifts/{orders[number // 6]}"
        return client.put(path) if number % 2 else client.delete(path)

    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(answer, range(36)))
    assert {reply.status for reply in replies} <= {200, 409}
    states = gifts(homezone, recipient)
    accepted = [order for order in orders if states[order] == "accepted"]
    assert set(states.values()) <= {"accepted", "declined"}
    eventually(lambda: sorted(order for order, _ in owned(recipient)) == sorted(accepted))
    assert balance(sender) == (60 - 10 * len(accepted), 0, 0)
    books(homezone)


def test_offers_at_once_take_each_coin_once(homezone: RunningHomezone) -> None:
    sender, recipient = friends(homezone, 50)
    theme = item(homezone, 20)
    clients = [homezone.client(sender.qq) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda client: give(client, theme, recipient), clients))
    assert sorted(reply.status for reply in replies) == [201] * 2 + [402] * 6
    assert balance(sender) == (10, 0, 40)
    assert len(gifts(homezone, recipient)) == 2
    books(homezone)


def test_a_refunded_gift_leaves_its_recipient(homezone: RunningHomezone) -> None:
    sender, recipient = friends(homezone)
    order = give(sender, item(homezone, 30, refund_days=7), recipient).ok(201).json["id"]
    refund(homezone, order).refused(409, "gift-waits")
    recipient.put(f"/v1/me/gifts/{order}").ok(200)
    reason = {"reason": "I want it back"}
    sender.post(f"/v1/orders/{order}/refunds", reason).refused(409, "gift-accepted")
    recipient.post(f"/v1/orders/{order}/refunds", reason).refused(404)
    eventually(lambda: owned(recipient) == [(order, 1)])
    refund(homezone, order).ok(201)
    eventually(lambda: owned(recipient) == [])
    eventually(lambda: gifts(homezone, recipient) == {order: "refunded"})
    assert balance(sender) == (100, 0, 0)
    books(homezone)


def test_buyers_give_back_what_may_be_given_back(homezone: RunningHomezone) -> None:
    member, other = rich(homezone), homezone.member()
    theme = item(homezone, 30, refund_days=7)
    order = buy(member, theme).ok(201).json["id"]
    kept = buy(member, item(homezone, 10)).ok(201).json["id"]
    reason = {"reason": "it looked different"}
    member.post(f"/v1/orders/{kept}/refunds", reason).refused(403, "not-refundable")
    other.post(f"/v1/orders/{order}/refunds", reason).refused(404)
    part = member.post(f"/v1/orders/{order}/refunds", {**reason, "coins": 1})
    assert part.refused(422, "refund-in-full").fields == ["/coins"]
    clients = [homezone.client(member.qq) for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        path = f"/v1/orders/{order}/refunds"
        replies = list(pool.map(lambda client: client.post(path, reason), clients))
    assert {reply.ok(201).json["id"] for reply in replies} == {replies[0].json["id"]}
    assert balance(member) == (90, 0, 0)
    owned = member.walk("/v1/me/items", at_least=homezone.everything())
    assert [one["order"] for one in owned] == [kept]
    books(homezone)


def test_a_coin_is_followed_from_its_payment_to_its_refund(homezone: RunningHomezone) -> None:
    sender, recipient = friends(homezone, 20)
    lot = sender.get("/v1/me/wallet").json["lots"][0]["id"]
    order = buy(sender, item(homezone, 5)).ok(201).json["id"]
    gift = give(sender, item(homezone, 6), recipient).ok(201).json["id"]
    recipient.put(f"/v1/me/gifts/{gift}").ok(200)
    refund(homezone, order, 2).ok(201)
    auditor = homezone.client(10_012, "auditor")
    fresh = homezone.everything()
    moves = auditor.walk(f"/v1/audit/lots/{lot}", limit=2, at_least=fresh)
    assert [(one["what"], one["coins"], one["fen"]) for one in moves] == [
        ("top_up", 20, 2_000),
        ("spend", 5, 500),
        ("gift_hold", 6, 600),
        ("gift_capture", 6, 600),
        ("refund", 2, 200),
    ]
    assert [one["about"] for one in moves] == [lot, order, gift, gift, order]
    places = [int(one["position"].partition("-")[2]) for one in moves]
    assert places == sorted(places)
    postings = sender.walk("/v1/me/ledger", at_least=fresh)
    said = {one["position"]: one["lots"] for one in postings}
    assert said == {
        one["position"]: [{"lot": lot, "coins": one["coins"], "fen": one["fen"]}] for one in moves
    }
    sender.get(f"/v1/audit/lots/{lot}").refused(403)
    auditor.get(f"/v1/audit/lots/{order}").refused(404)


def test_a_guardian_has_a_gift_undone_and_the_friend_gives_it_back(
    homezone: RunningHomezone,
) -> None:
    minor, recipient = homezone.member(birth_date="2012-01-01"), homezone.member()
    minor.befriend(recipient)
    top_up(minor, 50).ok(201)
    order = give(minor, item(homezone, 30), recipient).ok(201).json["id"]
    path = f"/v1/orders/{order}/guardian-refunds"
    body = {"reason": "mother", "evidence": "letter", "house_percent": 70}
    homezone.operator.post(path, body).refused(409, "gift-waits")
    recipient.put(f"/v1/me/gifts/{order}").ok(200)
    eventually(lambda: owned(recipient) == [(order, 1)])
    first = homezone.operator.post(path, body).ok(201)
    assert first.json["state"] == "partly_refunded"
    assert homezone.operator.post(path, body).ok(201).json == first.json
    assert balance(minor) == (41, 0, 0), "of 30, 21 came back"
    eventually(lambda: owned(recipient) == [])
    eventually(lambda: gifts(homezone, recipient) == {order: "refunded"})
    books(homezone)


def test_a_gift_is_no_larger_than_an_order(homezone: RunningHomezone) -> None:
    sender, recipient = friends(homezone)
    too_much = give(sender, item(homezone, 1_000_000), recipient, quantity=2)
    assert too_much.refused(422, "order-too-large").fields == ["/quantity"]
    assert balance(sender) == (100, 0, 0)
