"""
What others read of a post tells nothing of what they are not to see: that rules found something in
it, that somebody looked, that an edit waits, or that it waited itself.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.moderation.asking import case_about, decide, report, reported
from tests.support.homezone import Client, Reply, RunningHomezone


class Words:
    """Words made up for one test, and what becomes of who uses them."""

    def __init__(self, compliance: Client, qq: int) -> None:
        letters = "".join(chr(ord("a") + int(digit)) for digit in str(qq))
        self.held, self.flagged = f"qoruv{letters}", f"wexil{letters}"
        self._put, self._name = compliance.put, f"unseen-{qq}"

    def forbid(self) -> None:
        """Look for them."""
        rules = [
            {"id": word, "match": {"phrase": word}, "action": action, "category": "fraud"}
            for word, action in ((self.held, "hold"), (self.flagged, "flag"))
        ]
        self._put(f"/v1/moderation/rules/{self._name}", {"rules": rules}).ok(200)

    def forget(self) -> None:
        """Look for them no longer."""
        self._put(f"/v1/moderation/rules/{self._name}", {"rules": []}).ok(200)


@pytest.fixture
def words(compliance: Client, author: Client) -> Iterator[Words]:
    made = Words(compliance, author.qq)
    made.forbid()
    yield made
    made.forget()


def seen(homezone: RunningHomezone, reader: Client, post: str) -> tuple[Any, ...]:
    """All that a reader is told of a post, once everything is there."""
    reply = reader.get(f"/v1/posts/{post}", at_least=homezone.everything()).ok(200)
    passing = {"date", "ratelimit", "homezone-request-id", "traceparent"}
    kept = {name: value for name, value in reply.headers.items() if name not in passing}
    return reply.json, reply.headers["etag"], kept


def edit(author: Client, post: str, text: str, version: int | None = None) -> Reply:
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    return author.patch(f"/v1/posts/{post}", {"text": text}, headers=headers)


def test_what_readers_do_not_see_changes_nothing_that_they_read(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client, words: Words
) -> None:
    other = homezone.member()
    post = author.publish(f"say {words.flagged}").json["id"]
    first = seen(homezone, reporter, post)
    assert (first[0]["version"], first[1]) == (1, '"1"'), "flagged as it was published"
    assert edit(author, post, f"now {words.held}", 1).ok(200).json["state"] == "held"
    assert seen(homezone, reporter, post) == first
    case = case_about(moderator, post)["id"]
    moderator.post(f"/v1/moderation/cases/{case}/claim").ok(200)
    decide(moderator, case, "reject").ok(201)
    assert seen(homezone, reporter, post) == first
    report(other, post).ok(201)
    decide(moderator, case, "no_action").ok(201)
    assert seen(homezone, reporter, post) == first
    # The author's own version is the same one, and counts on without a gap.
    assert author.get(f"/v1/posts/{post}").headers["etag"] == '"1"'
    edit(author, post, f"again {words.flagged}", 1).ok(200)
    edit(author, post, "in vain", 1).refused(412, "version-mismatch")
    edit(author, post, "at last", 2).ok(200)
    assert seen(homezone, reporter, post)[0]["version"] == 3
    assert seen(homezone, author, post)[0]["version"] == 3


def test_a_post_that_waited_is_as_new_as_any_other(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client, words: Words
) -> None:
    post = author.publish(f"say {words.held}").json["id"]
    assert author.get(f"/v1/posts/{post}", at_least=homezone.everything()).json["version"] == -1
    edit(author, post, f"rather {words.held}", -1).ok(200)
    edit(author, post, "in vain", -1).refused(412, "version-mismatch")
    edit(author, post, f"or rather {words.held}", -2).ok(200)
    reporter.get(f"/v1/posts/{post}").refused(404)
    case = case_about(moderator, post)["id"]
    moderator.post(f"/v1/moderation/cases/{case}/claim").ok(200)
    decide(moderator, case, "approve").ok(201)
    body, etag, _ = seen(homezone, reporter, post)
    assert (body["version"], etag, "edited_at" in body) == (1, '"1"', False)
    # What the author read while it waited is no version of what stands there now.
    edit(author, post, "in vain", -3).refused(412, "version-mismatch")
    edit(author, post, "at last", 1).ok(200)
    assert seen(homezone, reporter, post)[0]["version"] == 2


def test_a_post_that_came_back_counts_on(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client, another: Client
) -> None:
    post = author.publish().json["id"]
    decided = decide(moderator, reported(reporter, moderator, post)).ok(201)
    case = case_about(moderator, post, state="closed", at_least=decided.position)["id"]
    author.post("/v1/appeals", {"decision": decided.json["id"], "statement": "no"}).ok(201)
    decide(another, case, "restore").ok(201)
    assert seen(homezone, reporter, post)[0]["version"] == 2


# Nicknames


def names_seen(homezone: RunningHomezone, reader: Client, author: Client, post: str) -> set[str]:
    """What others read as the author's name, wherever it stands."""
    fresh = homezone.everything()
    space = reader.get(f"/v1/spaces/{author.qq}", at_least=fresh).ok(200).json
    feed = reader.get("/v1/feed", at_least=fresh).ok(200).json["items"]
    comments = reader.get(f"/v1/posts/{post}/comments", at_least=fresh).ok(200).json["items"]
    friends = reader.get("/v1/me/friends", at_least=fresh).ok(200).json["items"]
    whose = [one["author"] for one in (*feed, *comments) if one["author"]["qq"] == author.qq]
    assert len(whose) == 2
    named = [space, *whose, *[one for one in friends if one["qq"] == author.qq]]
    assert len(named) == 4
    return {one["nickname"] for one in named}


def test_a_name_that_waits_leaves_the_old_one_standing_everywhere(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client, words: Words
) -> None:
    author.befriend(reporter)
    post = author.publish().json["id"]
    author.comment(post).ok(201)
    (before,) = names_seen(homezone, reporter, author, post)
    assert author.patch("/v1/me", {"nickname": words.held}).ok(200).json["state"] == "held"
    assert names_seen(homezone, reporter, author, post) == {before}
    subject = {"kind": "nickname", "qq": author.qq}
    case = moderator.post("/v1/moderation/cases", {"subject": subject}).ok().json["id"]
    decide(moderator, case, "approve").ok(201)
    assert names_seen(homezone, reporter, author, post) == {words.held}
    unpublished = moderator.post("/v1/moderation/cases", {"subject": subject}).ok().json["id"]
    decide(moderator, unpublished, "unpublish", penalty="restriction").ok(201)
    assert names_seen(homezone, reporter, author, post) == {str(author.qq)}
    # Whoever is kept from publishing, or from acting, gives themselves no name either.
    author.patch("/v1/me", {"nickname": "plain"}).refused(403, "restricted")
    homezone.operator.put(f"/v1/accounts/{author.qq}/suspension", {"reason": "x"}).ok(200)
    author.patch("/v1/me", {"nickname": words.held}).refused(403, "suspended")
