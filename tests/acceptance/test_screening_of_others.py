"""
Comments and nicknames are screened as posts are, and wait for whoever wrote them alone.
"""

from tests.acceptance.screened import HELD, PREVIEWED, REFUSED, each
from tests.support.homezone import RunningHomezone

__all__ = ["each"]


def test_comments_wait_for_their_authors_alone_and_count_for_nobody_else(
    each: RunningHomezone,
) -> None:
    author, one, other = each.members(3)
    post = author.publish().json["id"]
    one.comment(post, REFUSED).refused(422, "not-published")
    one.comment(post, "plain").ok(201)
    waiting = one.comment(post, f"oh {HELD}").ok(201)
    assert waiting.json["state"] == "held"
    fresh = each.everything()
    for viewer, number in ((one, 2), (author, 1), (other, 1)):
        assert viewer.get(f"/v1/posts/{post}", at_least=fresh).json["comments"] == number
        listed = viewer.walk(f"/v1/posts/{post}/comments", at_least=fresh)
        assert len(listed) == number
        assert [item["state"] for item in listed] == ["published", "held"][:number]
    other.comment(post, "what?", waiting.json["id"]).refused(422, "no-such-comment")
    author.delete(f"/v1/comments/{waiting.json['id']}").refused(404)
    one.delete(f"/v1/comments/{waiting.json['id']}").ok(200)
    fresh = each.everything()
    assert one.get(f"/v1/posts/{post}", at_least=fresh).json["comments"] == 1


def test_nicknames_are_looked_at(each: RunningHomezone) -> None:
    member, other = each.members(2)
    member.patch("/v1/me", {"nickname": REFUSED}).refused(422, "not-published")
    waiting = member.patch("/v1/me", {"nickname": HELD}).ok(200)
    assert waiting.json["state"] == "held"
    space = f"/v1/spaces/{member.qq}"
    assert other.get(space, at_least=each.everything()).json["nickname"] == f"m{member.qq}"
    member.patch("/v1/me", {"nickname": "青莲"}).ok(200)
    assert other.get(space, at_least=each.everything()).json["nickname"] == "青莲"


def test_no_account_begins_with_a_name_that_cannot_be_shown(each: RunningHomezone) -> None:
    for at, word in enumerate((REFUSED, HELD, PREVIEWED)):
        body = {
            "qq": 7_000_001 + at,
            "nickname": word,
            "real_name": "李太白",
            "birth_date": "2001-02-03",
        }
        refused = each.operator.post("/v1/accounts", body).refused(422, "not-published")
        assert refused.fields == ["/nickname"]
        each.operator.post("/v1/accounts", {**body, "nickname": "fine"}).ok(201)
