"""
Who decides of what, from outside: of what was read, by whom it does not concern, without an end to
what waits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from tests.acceptance.conftest import Homezones
from tests.support.homezone import Client, Reply, RunningHomezone

_STAFF = count(14_000)
CASES = "/v1/moderation/cases"


@pytest.fixture(params=[16, 1])
def homezone(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1."""
    return homezones(request.param)


@pytest.fixture
def author(homezone: RunningHomezone) -> Client:
    return homezone.member()


@pytest.fixture
def reporter(homezone: RunningHomezone) -> Client:
    return homezone.member()


@pytest.fixture
def moderator(homezone: RunningHomezone) -> Client:
    return staff(homezone)


@pytest.fixture
def another(homezone: RunningHomezone) -> Client:
    return staff(homezone)


@pytest.fixture(autouse=True)
def compliance(homezone: RunningHomezone) -> Client:
    """Who sees to it that members are told everything."""
    officer = staff(homezone, "compliance")
    officer.put("/v1/moderation/disclosure-policy", {"policy": "full"}).ok(200)
    return officer


def staff(homezone: RunningHomezone, role: str = "moderator") -> Client:
    return homezone.client(next(_STAFF), role)


@contextmanager
def forbidden(compliance: Client, word: str, action: str = "hold") -> Iterator[None]:
    """While this lasts, a word is not said without somebody looking at it."""
    rule = {"id": "r-1", "match": {"phrase": word}, "action": action, "category": "spam"}
    path = f"/v1/moderation/rules/{word}"
    compliance.put(path, {"rules": [rule]}).ok(200)
    try:
        yield
    finally:
        compliance.put(path, {"rules": []}).ok(200)


def subject(post: str) -> dict[str, Any]:
    return {"subject": {"kind": "post", "id": post}}


def reported(reporter: Client, moderator: Client, post: str) -> str:
    """The id of the case that a report came to."""
    reporter.post("/v1/reports", {**subject(post), "category": "spam"}).ok(201)
    return opened(moderator, post)


def opened(moderator: Client, post: str) -> str:
    """The id of a post's case, which is open."""
    return str(moderator.post(CASES, subject(post)).ok(201).json["id"])


def decide(moderator: Client, case: str, verdict: str = "unpublish", **more: Any) -> Reply:
    body = {
        "verdict": verdict, "ground": "terms", "clause": "4.2", "explanation": "It advertises.",
        "category": "spam", "facts": "Three links.", **more,
    }  # fmt: skip
    return moderator.post(f"{CASES}/{case}/decisions", body)


def confirm(moderator: Client, case: str, *, agree: bool = True) -> Reply:
    return moderator.post(f"{CASES}/{case}/confirmations", {"agree": agree})


def claim(moderator: Client, case: str) -> Reply:
    return moderator.post(f"{CASES}/{case}/claim")


def edit(author: Client, post: str, text: str) -> Reply:
    return author.patch(f"/v1/posts/{post}", {"text": text}).ok(200)


def read(moderator: Client, case: str) -> dict[str, Any]:
    return dict(moderator.get(f"{CASES}/{case}").ok(200).json)


def told(author: Client, decided: Reply) -> dict[str, Any]:
    """What the author is told of a decision."""
    every = author.walk("/v1/me/decisions", at_least=decided.ok(201).position)
    (one,) = [one for one in every if one["id"] == decided.json["id"]]
    return dict(one)


def test_nobody_approves_what_was_put_in_the_place_of_what_they_read(
    author: Client, moderator: Client, compliance: Client
) -> None:
    with forbidden(compliance, "quixnibble"):
        post = author.publish("a quixnibble").json["id"]
        case = opened(moderator, post)
        claim(moderator, case).ok(200)
        on = read(moderator, case)["on"]
        changed = edit(author, post, "a quite different quixnibble")
    decide(moderator, case, "approve").refused(409, "subject-changed")
    decide(moderator, case, "approve", on=on).refused(409, "subject-changed")
    (mine,) = moderator.walk(CASES, mine="true", at_least=changed.position)
    assert (mine["id"], mine["state"]) == (case, "claimed")
    assert mine["changed_at"], "whoever is at it learns of it"
    again = read(moderator, case)
    assert again["trail"][-1]["type"] == "case.subject_changed.v1"
    decide(moderator, case, "approve", on=again["on"]).ok(201)


def test_nothing_is_confirmed_of_what_was_changed_since(
    author: Client, reporter: Client, moderator: Client, another: Client
) -> None:
    post = author.publish().json["id"]
    case = reported(reporter, moderator, post)
    decide(moderator, case, penalty="ban").ok(201)
    edit(author, post, "sorry")
    confirm(another, case).refused(409, "subject-changed")
    author.get("/v1/feed").ok(200)
    confirm(another, case, agree=False).ok(201)
    decide(another, case, penalty="ban", on=read(another, case)["on"]).ok(201)
    confirm(moderator, case).ok(201)
    author.get("/v1/feed").refused(403)


def test_nobody_decides_what_is_theirs_or_what_they_reported(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client
) -> None:
    post = author.publish().json["id"]
    case = reported(reporter, moderator, post)
    for member in (author, reporter):
        by_day = homezone.client(member.qq, "moderator")
        claim(by_day, case).refused(403, "same-person")
        decide(by_day, case, "no_action").refused(403, "same-person")
    # It would say who reported it.
    for role in ("moderator", "compliance"):
        homezone.client(author.qq, role).get(f"{CASES}/{case}").refused(403, "same-person")
    decide(moderator, case, penalty="ban").ok(201)
    for member in (author, reporter):
        confirm(homezone.client(member.qq, "moderator"), case).refused(403, "same-person")


def test_an_appeal_holds_up_nothing_newer_and_is_answered_all_the_same(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client, another: Client
) -> None:
    post = author.publish().json["id"]
    case = reported(reporter, moderator, post)
    first = decide(moderator, case, "no_action", penalty="strike").ok(201)
    reported(homezone.member(), moderator, post)
    proposed = decide(moderator, case, penalty="ban").ok(201)
    appeal = {"decision": first.json["id"], "statement": "Not so."}
    author.post("/v1/appeals", appeal).ok(201)
    confirmed = confirm(another, case).ok(201)
    assert confirmed.json["id"] == proposed.json["id"]
    reporter.get(f"/v1/posts/{post}").refused(404)
    (waits,) = [
        one
        for one in another.walk(CASES, queue="appeals", at_least=confirmed.position)
        if one["id"] == case
    ]
    assert (waits["state"], waits["cause"], waits["promise"]) == ("open", "appeal", "appeal")
    decide(moderator, case, "no_action").refused(403, "same-person")
    answered = decide(another, case, "no_action", answers=first.json["id"])
    assert told(author, answered)["answers"] == first.json["id"]
    decide(another, case, "no_action", answers=first.json["id"]).refused(409)


def test_what_is_reported_while_an_appeal_waits_is_decided_by_itself(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client, another: Client
) -> None:
    post = author.publish().json["id"]
    case = reported(reporter, moderator, post)
    first = decide(moderator, case, "no_action", penalty="strike").ok(201)
    author.post("/v1/appeals", {"decision": first.json["id"], "statement": "No."}).ok(201)
    claim(another, case).ok(200)
    reported(homezone.member(), moderator, post)
    # Meant for the appeal; the report that came meanwhile is not settled with it.
    decide(another, case, "no_action").refused(409, "appeal-waits")
    decide(another, case, "no_action", answers=case).refused(409, "not-appealed")
    claim(moderator, case).ok(200)
    decide(moderator, case).ok(201)
    reporter.get(f"/v1/posts/{post}").refused(404)
    answered = decide(another, case, "restore")
    assert told(author, answered)["answers"] == first.json["id"]
    # Of the strike it was, and of nothing that was decided since.
    reporter.get(f"/v1/posts/{post}").refused(404)


def test_an_edit_that_waits_is_decided_of_or_goes_with_its_post(
    author: Client, reporter: Client, moderator: Client, another: Client, compliance: Client
) -> None:
    with forbidden(compliance, "quaxnibble"):
        post = author.publish("as it was").json["id"]
        case = reported(reporter, moderator, post)
        edit(author, post, "a quaxnibble")
    on = read(moderator, case)["on"]
    decide(moderator, case, "no_action", on=on).refused(409, "verdict-not-possible")
    down = decide(moderator, case, on=on).ok(201)
    author.post("/v1/appeals", {"decision": down.json["id"], "statement": "No."}).ok(201)
    decide(another, case, "restore").ok(201)
    shown = author.get(f"/v1/posts/{post}").ok(200).json
    assert (shown["text"], "pending" in shown) == ("as it was", False)
    types = [one["type"] for one in read(another, case)["trail"]]
    assert types.index("post.edit_rejected.v1") < types.index("post.unpublished.v1")


@pytest.mark.parametrize(
    "clause", ["4.2", "12", "3.1a", "§ 130", "StGB § 130", "DSA Art. 14(1)", "Terms 4.2(b)", "4-1"]
)
def test_a_clause_is_a_citation(moderator: Client, author: Client, clause: str) -> None:
    case = opened(moderator, author.publish().json["id"])
    decided = decide(moderator, case, clause=clause).ok(201)
    assert told(author, decided)["clause"] == clause


@pytest.mark.parametrize(
    "clause",
    ["", "Anna", "he lives at 12 Elm Street", "4.2 Anna", "4.2\n", "13912345678", "10001", "四",
     "anna@example.com", "4.2" + ".1" * 40],
)  # fmt: skip
def test_a_clause_is_no_place_for_words(moderator: Client, author: Client, clause: str) -> None:
    case = opened(moderator, author.publish().json["id"])
    refused = decide(moderator, case, clause=clause)
    assert refused.status in (400, 422)
    assert refused.fields == ["/clause"]


def test_what_was_said_of_one_matter_is_no_part_of_the_next(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client
) -> None:
    post = author.publish().json["id"]
    case = reported(reporter, moderator, post)

    def note(words: str) -> None:
        body = {"note": words, "visibility": "public"}
        moderator.post(f"{CASES}/{case}/notes", body).ok(201)

    note("a report that came to nothing")
    decide(moderator, case, "no_action").ok(201)
    reported(homezone.member(), moderator, post)
    note("with the strike")
    struck = decide(moderator, case, "no_action", penalty="strike")
    assert [one["note"] for one in told(author, struck)["notes"]] == ["with the strike"]
    note("about the strike")
    reported(homezone.member(), moderator, post)
    note("of what is not decided yet")
    notes = [one["note"] for one in told(author, struck)["notes"]]
    assert notes == ["with the strike", "about the strike"]


def test_a_walk_meets_a_case_once_though_its_due_date_moves(
    homezone: RunningHomezone, moderator: Client, compliance: Client
) -> None:
    """Two previews wait; one is hastened by a report, to before where the walk has come."""
    authors = homezone.members(2)
    with forbidden(compliance, "quoxnibble", "private_view"):
        posts = [author.publish().json["id"] for author in authors]
        for author, post in zip(authors, posts, strict=True):
            last = edit(author, post, "a quoxnibble").position
    cases = [opened(moderator, post) for post in posts]
    met: list[str] = []
    due: dict[str, str] = {}
    hastened: str | None = None
    page: dict[str, Any] = {"next": None}
    while page["next"] is not None or not met:
        where = {} if page["next"] is None else {"cursor": page["next"]}
        page = moderator.get(CASES, limit=1, at_least=last, **where).ok(200).json
        met += [one["id"] for one in page["items"]]
        due |= {one["id"]: one["due_at"] for one in page["items"]}
        if met[-1] in cases and hastened is None:
            first = cases.index(met[-1])
            hastened = cases[1 - first]
            reporting = {**subject(posts[1 - first]), "category": "spam"}
            last = homezone.member().post("/v1/reports", reporting).ok(201).position
    assert hastened is not None
    assert [met.count(case) for case in cases] == [1, 1]
    assert len(set(met)) == len(met)
    assert due[hastened] < due[met[met.index(hastened) - 1]], "sooner, and met all the same"
