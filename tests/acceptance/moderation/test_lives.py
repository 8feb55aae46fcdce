"""
The whole life of a case, from outside: reported, claimed, decided, appealed, decided by somebody
else; and what becomes of the member meanwhile.
"""

from tests.acceptance.moderation.asking import (
    CORE,
    appeal,
    case_about,
    decide,
    decisions,
    report,
    reported,
    staff,
)
from tests.support.homezone import Client, RunningHomezone


def test_a_report_is_decided_appealed_and_decided_by_somebody_else(
    author: Client, reporter: Client, moderator: Client, another: Client
) -> None:
    post = author.publish(f"{CORE}-text").json["id"]
    since = report(reporter, post, note=f"{CORE}-report").ok(201).position
    case = case_about(moderator, post, queue="reports", at_least=since)
    assert (case["state"], case["cause"], case["reports"]) == ("open", "report", 1)
    assert not case["overdue"]

    where = f"/v1/moderation/cases/{case['id']}"
    moderator.post(f"{where}/claim").ok(200)
    another.post(f"{where}/claim").refused(409, "case-claimed")
    decide(another, case["id"]).refused(409, "case-claimed")
    mine = moderator.walk("/v1/moderation/cases", mine="true")
    assert [(one["id"], one["state"]) for one in mine] == [(case["id"], "claimed")]
    assert "claimed_until" in mine[0]

    decided = decide(moderator, case["id"], penalty="strike", note=f"{CORE}-for-staff").ok(201)
    assert decided.json["state"] == "decided"
    reporter.get(f"/v1/posts/{post}").refused(404)
    assert reporter.walk("/v1/me/reports", at_least=decided.position)[0]["outcome"] == "acted"

    (told,) = decisions(author, decided.position)
    assert told["id"] == decided.json["id"]
    assert (told["verdict"], told["ground"], told["clause"]) == ("unpublish", "terms", "4.2")
    assert told["explanation"] == f"{CORE}-explanation"
    assert told["facts"] == f"{CORE}-facts"
    assert told["consequences"]["strike_weight"] == 1
    assert told["appeal"]["until"] > told["decided_at"]
    standing = author.get("/v1/me/standing").ok(200).json
    assert (standing["weight"], standing["strikes"][0]["decision"]) == (1, told["id"])

    appealed = appeal(author, told["id"]).ok(201)
    appeal(author, told["id"]).refused(409, "already-appealed")
    again = case_about(another, post, queue="appeals", at_least=appealed.position)
    assert (again["id"], again["state"]) == (case["id"], "open")
    moderator.post(f"{where}/claim").refused(403, "same-person")
    restored = decide(another, case["id"], "restore").ok(201)

    assert reporter.get(f"/v1/posts/{post}").ok(200).json["text"] == f"{CORE}-text"
    answer, first = decisions(author, restored.position)
    assert (answer["answers"], answer["outcome"]) == (first["id"], "overturned")
    assert first["appeal"]["state"] == "overturned"
    standing = author.get("/v1/me/standing").ok(200).json
    assert (standing["weight"], standing["strikes"][0]["state"]) == (0, "reversed")
    appeal(author, answer["id"]).refused(409, "not-appealable")


def test_an_appeal_may_be_turned_down(
    author: Client, reporter: Client, moderator: Client, another: Client
) -> None:
    post = author.publish().json["id"]
    case = reported(reporter, moderator, post)
    decided = decide(moderator, case).ok(201)
    (told,) = decisions(author, decided.position)
    appeal(author, told["id"]).ok(201)
    upheld = decide(another, case, "no_action").ok(201)
    answer, first = decisions(author, upheld.position)
    assert (answer["outcome"], first["appeal"]["state"]) == ("upheld", "upheld")
    reporter.get(f"/v1/posts/{post}").refused(404)


def test_a_grave_decision_takes_two(
    homezone: RunningHomezone, author: Client, moderator: Client, another: Client
) -> None:
    opened = moderator.post(
        "/v1/moderation/cases", {"subject": {"kind": "member", "qq": author.qq}}
    ).ok(201)
    case = opened.json["id"]
    proposed = decide(moderator, case, "no_action", penalty="ban").ok(201)
    assert proposed.json["state"] == "proposed"
    author.get("/v1/feed").ok(200)
    assert decisions(author, proposed.position) == []
    waiting = moderator.walk("/v1/moderation/cases", state="proposed", at_least=proposed.position)
    assert case in [one["id"] for one in waiting]
    confirm = f"/v1/moderation/cases/{case}/confirmations"
    moderator.post(confirm, {"agree": True}).refused(403, "same-person")
    decide(another, case, "no_action").refused(409, "decision-proposed")
    confirmed = another.post(confirm, {"agree": True, "note": f"{CORE}-second"}).ok(201)
    assert confirmed.json["id"] == proposed.json["id"]

    # Tokens that were issued before stop at once, for all but the reasons and the appeal.
    for path in ("/v1/feed", "/v1/me", "/v1/me/reports", "/v1/me/lists"):
        author.get(path).refused(403)
    author.post("/v1/posts", {"kind": "shuoshuo", "text": "?", "audience": {"to": "public"}}).ok(
        403
    )
    (told,) = decisions(author, confirmed.position)
    assert told["consequences"]["sanctions"][0] == {"kind": "ban", "until": None}
    (sanction,) = author.get("/v1/me/standing").ok(200).json["sanctions"]
    assert (sanction["kind"], sanction["state"]) == ("ban", "in_force")
    appeal(author, told["id"]).ok(201)
    lifted = decide(staff(homezone), case, "approve").ok(201)
    author.get("/v1/feed", at_least=lifted.position).ok(200)
    assert author.get("/v1/me/standing").ok(200).json["sanctions"][0]["state"] == "overturned"


def test_who_is_suspended_reads_why_and_appeals_and_nothing_else(
    author: Client, reporter: Client, moderator: Client, another: Client
) -> None:
    post = author.publish().json["id"]
    case = reported(reporter, moderator, post)
    penalty = {"kind": "suspension", "days": 3}
    decided = decide(moderator, case, penalty=penalty).ok(201)
    for path in ("/v1/me", "/v1/feed", "/v1/me/reports", f"/v1/posts/{post}"):
        author.get(path).refused(403, "suspended")
    report(author, post).refused(403, "suspended")
    author.patch("/v1/me", {"nickname": "?"}).refused(403, "suspended")
    (told,) = decisions(author, decided.position)
    (sanction,) = told["consequences"]["sanctions"]
    assert sanction["kind"] == "suspension"
    (imposed,) = author.get("/v1/me/standing").ok(200).json["sanctions"]
    assert (imposed["until"], imposed["decision"]) == (sanction["until"], told["id"])
    appeal(author, told["id"]).ok(201)
    lifted = decide(another, case, "restore").ok(201)
    author.get("/v1/feed", at_least=lifted.position).ok(200)


def test_an_operators_suspension_outlives_a_decision_that_is_overturned(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client, another: Client
) -> None:
    case = reported(reporter, moderator, author.publish().json["id"])
    decided = decide(moderator, case, penalty="suspension").ok(201)
    suspension = f"/v1/accounts/{author.qq}/suspension"
    imposed = homezone.operator.put(suspension, {"reason": "stolen"}).ok(200)
    assert (imposed.json["state"], imposed.position > decided.position) == ("suspended", True)
    appeal(author, decided.json["id"]).ok(201)
    decide(another, case, "restore").ok(201)
    author.get("/v1/me").refused(403, "suspended")
    assert homezone.operator.delete(suspension).ok(200).json["state"] == "active"
    author.get("/v1/me").ok(200)


def test_an_operator_reinstates_nobody_whom_a_decision_suspended(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client
) -> None:
    case = reported(reporter, moderator, author.publish().json["id"])
    decide(moderator, case, penalty="suspension").ok(201)
    suspension = f"/v1/accounts/{author.qq}/suspension"
    for ask in (
        homezone.operator.delete,
        lambda path: homezone.operator.put(path, {"reason": "x"}),
    ):
        assert ask(suspension).ok(200).json["state"] == "suspended"
    assert homezone.operator.delete(suspension).ok(200).json["state"] == "suspended"
    author.get("/v1/feed").refused(403, "suspended")


def test_without_agreement_nothing_is_decided(
    author: Client, moderator: Client, another: Client
) -> None:
    subject = {"kind": "member", "qq": author.qq}
    case = moderator.post("/v1/moderation/cases", {"subject": subject}).ok(201).json["id"]
    decide(moderator, case, "no_action", penalty="ban").ok(201)
    declined = another.post(f"/v1/moderation/cases/{case}/confirmations", {"agree": False}).ok(201)
    author.get("/v1/me").ok(200)
    assert decisions(author, declined.position) == []
    found = another.walk("/v1/moderation/cases", state="open", at_least=declined.position)
    assert case in [one["id"] for one in found]


def test_who_is_restricted_publishes_nothing_and_may_withdraw(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client
) -> None:
    own = author.publish(to="only_me").json["id"]
    other = reporter.publish().json["id"]
    case = reported(reporter, moderator, author.publish().json["id"])
    decide(moderator, case, penalty={"kind": "restriction", "days": 1}).ok(201)
    say = {"kind": "shuoshuo", "text": "x", "audience": {"to": "only_me"}}
    for reply in (
        author.post("/v1/posts", say),
        author.patch(f"/v1/posts/{own}", {"text": "y"}),
        author.put(f"/v1/posts/{own}/audience", {"to": "public"}),
        author.comment(other),
        author.share(other),
        author.patch("/v1/me", {"nickname": "z"}),
    ):
        reply.refused(403, "restricted")
    author.put(f"/v1/posts/{own}/audience", {"to": "only_me"}).ok(200)
    author.delete(f"/v1/posts/{own}").ok(200)
    author.get("/v1/feed").ok(200)
