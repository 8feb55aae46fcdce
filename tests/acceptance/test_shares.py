"""
How often a post is shared, over HTTP: exact, and the same for whoever sees the post.
"""

from concurrent.futures import ThreadPoolExecutor

from tests.acceptance.screened import HELD, each
from tests.acceptance.test_screening_of_photos import judged
from tests.support.homezone import Client, RunningHomezone, audience

__all__ = ["each"]


def shares(viewer: Client, post: str, at: str) -> int:
    """As the post says, and every list that shows it."""
    shown = viewer.get(f"/v1/posts/{post}", at_least=at).ok(200).json
    author = shown["author"]["qq"]
    (listed,) = [one for one in viewer.walk(f"/v1/spaces/{author}/posts") if one["id"] == post]
    assert listed["shares"] == shown["shares"]
    return int(shown["shares"])


def test_shares_count_as_long_as_they_are_there_for_others(each: RunningHomezone) -> None:
    author, sharer, other = each.members(3)
    post = author.publish().json["id"]
    assert shares(other, post, each.everything()) == 0
    first = sharer.share(post).ok(201).json["id"]
    second = other.share(first, to="only_me").ok(201)
    for viewer in (author, sharer, other):
        assert shares(viewer, post, second.position) == 1, "one's own share for oneself is no news"
    counted = sharer.get(f"/v1/posts/{first}").json
    assert (counted["shares"], counted["share"]["shares"]) == (0, 1), "it is of the original"
    path = f"/v1/posts/{second.json['id']}/audience"
    assert shares(author, post, other.put(path, audience("friends")).ok().position) == 2
    assert shares(author, post, other.put(path, audience("public")).ok().position) == 2
    assert shares(author, post, other.put(path, audience("only_me")).ok().position) == 1
    assert shares(author, post, other.delete(path[:-9]).ok().position) == 1
    assert shares(author, post, sharer.delete(f"/v1/posts/{first}").ok().position) == 0


def test_what_waits_or_was_taken_down_does_not_count(each: RunningHomezone) -> None:
    author, sharer = each.members(2)
    post = author.publish().json["id"]
    held = sharer.share(post, f"oh {HELD}").ok(201)
    share = held.json["id"]
    assert shares(author, post, held.position) == 0
    judged(each, share, each.everything(), "approve")
    assert shares(author, post, each.everything()) == 1
    report = {"subject": {"kind": "post", "id": share}, "category": "spam"}
    author.post("/v1/reports", report).ok()
    judged(each, share, each.everything(), "unpublish")
    assert shares(author, post, each.everything()) == 0


def test_the_count_is_exact_when_everybody_shares_at_once(each: RunningHomezone) -> None:
    author, *others = each.members(9)
    post = author.publish().json["id"]

    def share_and_take_back(member: Client) -> None:
        member.share(post).ok(201)
        gone = member.share(post).ok(201).json["id"]
        member.delete(f"/v1/posts/{gone}").ok()

    with ThreadPoolExecutor(len(others)) as threads:
        list(threads.map(share_and_take_back, others))
    assert shares(author, post, each.everything()) == len(others)


def test_a_share_that_is_rejected_never_counted(each: RunningHomezone) -> None:
    author, sharer = each.members(2)
    post = author.publish().json["id"]
    share = sharer.share(post, f"oh {HELD}").ok(201).json["id"]
    judged(each, share, each.everything(), "reject")
    assert shares(author, post, each.everything()) == 0
