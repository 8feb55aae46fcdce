"""
What an event means to a viewer, by what stood just before it.
"""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audience import Audience, Friends, Listed, OnlyMe, Public
from domain.circle import (
    FriendAccepted,
    FriendAsked,
    FriendConfirmed,
    FriendEnded,
    FriendRequestReceived,
    MemberBlocked,
    MemberUnblocked,
    SpaceFollowed,
    SpaceUnfollowed,
)
from domain.comment import CommentDeleted, CommentWritten
from domain.event import Event, Recorded
from domain.ids import CommentId, ListId, MemberId, PostId, StreamId, mint
from domain.like import LikeGiven
from domain.named_list import ListDeleted, ListSaved
from domain.post_events import (
    PostAudienceChanged,
    PostCommentingChanged,
    PostContent,
    PostDeleted,
    PostEdited,
    PostPollClosed,
    PostPublished,
)
from domain.sealed import Sealed
from domain.space import CertificationWithdrawn, SpaceCertified
from projections.reach import Reach, reach
from projections.streams import Before, Gate, Standing, transitions
from projections.trail import TRAIL, Trail, concern_facet, source_facet

VIEWER, AUTHOR, OTHER = (MemberId(mint(number, number, number)) for number in (1, 2, 3))
POST, COMMENT, LIST = mint(4, 2, 4), mint(5, 3, 5), ListId(mint(6, 2, 6))
BOND, OLD = mint(7, 1, 7), mint(8, 1, 8)
CONTENT = PostContent(Sealed(b"sealed"))

FRIENDS = Standing(mine=BOND, theirs=BOND, known=BOND)
FOLLOWING = Standing(follows=True, certified=True)
STRANGERS = Standing()
BLOCKED = Standing(mine=BOND, theirs=BOND, known=BOND, blocks_viewer=True)


def recorded(event: Event, stream: UUID = POST) -> Recorded:
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    ids = (AUTHOR, AUTHOR, POST, POST, None)
    return Recorded(2, 9, StreamId(stream), 1, moment, *ids, event)


def told(event: Event, before: Before, stream: UUID = POST, viewer: MemberId = VIEWER) -> list[str]:
    return [one.kind for one in transitions(recorded(event, stream), viewer, before)]


def gate(audience: str, which: UUID | None = None) -> Gate:
    return Gate(True, audience, which)


@pytest.mark.parametrize(
    ("standing", "audience", "sees"),
    [
        (FRIENDS, Public(), True),
        (FRIENDS, Friends(), True),
        (FRIENDS, OnlyMe(), False),
        (FRIENDS, Listed(frozenset({VIEWER})), True),
        (FRIENDS, Listed(frozenset({OTHER})), False),
        (FOLLOWING, Public(), True),
        (FOLLOWING, Friends(), False),
        (STRANGERS, Public(), False),
        (BLOCKED, Public(), False),
        (Standing(follows=True), Public(), False),
        (Standing(mine=BOND, theirs=OLD, known=BOND), Public(), False),
    ],
)
def test_a_post_appears_in_the_feeds_it_is_for(
    standing: Standing, audience: Audience, sees: bool
) -> None:
    event = PostPublished(AUTHOR, "shuoshuo", CONTENT, audience)
    assert told(event, Before(standing)) == (["post.appeared"] if sees else [])


_AUDIENCES: dict[str, Audience] = {
    "public": Public(),
    "friends": Friends(),
    "only_me": OnlyMe(),
    "list": Listed(named=LIST),
}


@given(
    standing=st.sampled_from([FRIENDS, FOLLOWING, STRANGERS, BLOCKED]),
    old=st.sampled_from(sorted(_AUDIENCES)),
    new=st.sampled_from(sorted(_AUDIENCES)),
    listed=st.booleans(),
)
def test_a_change_of_audience_is_what_withdrawing_and_publishing_are(
    standing: Standing, old: str, new: str, listed: bool
) -> None:
    lists = frozenset({LIST}) if listed else frozenset[UUID]()
    before = Before(standing, gate(old, LIST if old == "list" else None), lists)
    saw = told(PostDeleted(AUTHOR), before)
    sees = told(
        PostPublished(AUTHOR, "shuoshuo", CONTENT, _AUDIENCES[new]), Before(standing, lists=lists)
    )
    changed = told(PostAudienceChanged(AUTHOR, _AUDIENCES[new]), before)
    assert changed == ([] if saw and sees else saw + sees)
    assert told(PostEdited(AUTHOR, CONTENT), before) == (["post.changed"] if saw else [])


def test_an_author_follows_every_change() -> None:
    own = Before(STRANGERS, gate("only_me"))
    event: Event
    for event in (PostEdited(VIEWER, CONTENT), PostAudienceChanged(VIEWER, Friends())):
        assert told(event, own) == ["post.changed"]
    assert told(PostDeleted(VIEWER), own) == ["post.withdrawn"]


@pytest.mark.parametrize(
    "event", [PostPollClosed(AUTHOR), PostCommentingChanged(AUTHOR, "friends", 2)]
)
def test_who_sees_a_post_is_told_that_its_poll_closed_and_who_may_comment(event: Event) -> None:
    assert told(event, Before(FRIENDS, gate("friends"))) == ["post.changed"]
    assert told(event, Before(FOLLOWING, gate("friends"))) == []
    waits = Before(FRIENDS, gate("only_me"))
    assert told(event, waits) == [], "nor is anybody, of one that waits or is gone"
    assert told(event, Before(FRIENDS, Gate(False, "public", None))) == []


def test_what_was_gone_is_not_withdrawn() -> None:
    gone = Before(FRIENDS, Gate(False, "public", None))
    assert told(PostDeleted(AUTHOR), gone) == []
    assert told(PostDeleted(AUTHOR), Before(FRIENDS)) == []


@pytest.mark.parametrize(
    ("before", "event", "expected"),
    [
        (STRANGERS, FriendRequestReceived(VIEWER, AUTHOR, BOND), ["friend.requested"]),
        (Standing(theirs=BOND, known=BOND), FriendAccepted(VIEWER, AUTHOR, BOND),
         ["author.appeared"]),
        (Standing(mine=BOND, known=BOND), FriendAccepted(AUTHOR, VIEWER, BOND),
         ["friend.accepted", "author.appeared"]),
        (FRIENDS, FriendConfirmed(VIEWER, AUTHOR, BOND), []),
        (FRIENDS, FriendEnded(AUTHOR, VIEWER, BOND, "ended"),
         ["friend.ended", "author.withdrawn"]),
        (FRIENDS, FriendEnded(VIEWER, AUTHOR, BOND, "ended"), ["author.withdrawn"]),
        (Standing(theirs=BOND, known=BOND), FriendEnded(AUTHOR, VIEWER, BOND, "withdrawn"),
         ["friend.ended"]),
        (Standing(mine=BOND, known=BOND), FriendEnded(AUTHOR, VIEWER, BOND, "declined"),
         ["friend.ended"]),
        (Standing(known=OLD), FriendEnded(AUTHOR, VIEWER, BOND, "withdrawn"), []),
        (STRANGERS, FriendAsked(VIEWER, AUTHOR, BOND), []),
        (FRIENDS, MemberBlocked(AUTHOR, VIEWER), ["author.withdrawn"]),
        (FRIENDS, MemberBlocked(VIEWER, AUTHOR), ["author.withdrawn"]),
        (STRANGERS, MemberBlocked(AUTHOR, VIEWER), []),
        (BLOCKED, MemberUnblocked(AUTHOR, VIEWER), ["author.appeared"]),
        (Standing(certified=True), SpaceFollowed(VIEWER, AUTHOR), ["author.appeared"]),
        (Standing(certified=True), SpaceFollowed(AUTHOR, VIEWER), []),
        (FOLLOWING, SpaceUnfollowed(VIEWER, AUTHOR), ["author.withdrawn"]),
        (FOLLOWING, CertificationWithdrawn(AUTHOR), ["author.withdrawn"]),
        (Standing(follows=True), SpaceCertified(AUTHOR, "brand", Sealed(b""), b""),
         ["author.appeared"]),
        (FOLLOWING, SpaceCertified(AUTHOR, "media", Sealed(b""), b""), []),
        (Standing(BOND, BOND, BOND, follows=True, certified=True),
         FriendEnded(VIEWER, AUTHOR, BOND, "ended"), ["author.withdrawn", "author.appeared"]),
    ],
)  # fmt: skip
def test_ties(before: Standing, event: Event, expected: list[str]) -> None:
    assert told(event, Before(before)) == expected


def test_a_list_takes_its_posts_along() -> None:
    on, off = frozenset({LIST}), frozenset[UUID]()
    with_viewer = ListSaved(AUTHOR, LIST, Sealed(b""), frozenset({VIEWER}))
    without = ListSaved(AUTHOR, LIST, Sealed(b""), frozenset({OTHER}), frozenset({VIEWER}))
    gone = ListDeleted(AUTHOR, LIST, frozenset({VIEWER}))
    posts = (POST, COMMENT)
    assert told(with_viewer, Before(FRIENDS, lists=off, posts=posts)) == ["post.appeared"] * 2
    assert told(with_viewer, Before(FRIENDS, lists=on, posts=posts)) == []
    assert told(without, Before(FRIENDS, lists=on, posts=posts)) == ["post.withdrawn"] * 2
    assert told(gone, Before(FRIENDS, lists=on, posts=posts)) == ["post.withdrawn"] * 2
    assert told(gone, Before(STRANGERS, lists=on, posts=posts)) == []
    assert told(without, Before(FRIENDS, lists=off, posts=posts)) == []


def written(post_author: MemberId, answered: MemberId | None = None) -> CommentWritten:
    return CommentWritten(
        author=OTHER,
        post=PostId(POST),
        post_author=post_author,
        text=Sealed(b""),
        thread=CommentId(COMMENT),
        answered=answered,
    )


def test_comments_need_both_gates() -> None:
    deleted = CommentDeleted(OTHER, PostId(POST), VIEWER, "author")
    own = Before(STRANGERS, gate("only_me"))
    assert told(written(VIEWER), own, COMMENT) == ["comment.appeared"]
    assert told(deleted, own, COMMENT) == ["comment.withdrawn"]
    assert told(deleted, Before(STRANGERS, gate("public"), apart=True), COMMENT) == []
    assert told(deleted, Before(STRANGERS, Gate(False, "public", None)), COMMENT) == []
    answer = written(AUTHOR, VIEWER)
    assert told(answer, Before(STRANGERS, gate("public")), COMMENT) == ["comment.appeared"]
    assert told(answer, Before(STRANGERS, gate("friends")), COMMENT) == []


@pytest.mark.parametrize(
    ("event", "source", "members"),
    [
        (PostDeleted(AUTHOR), AUTHOR, set()),
        (ListDeleted(AUTHOR, LIST, frozenset({VIEWER})), AUTHOR, set()),
        (CertificationWithdrawn(AUTHOR), AUTHOR, set()),
        (written(AUTHOR), None, {AUTHOR}),
        (written(AUTHOR, VIEWER), None, {AUTHOR, VIEWER}),
        (LikeGiven(OTHER, PostId(POST), AUTHOR), None, {AUTHOR}),
        (MemberBlocked(AUTHOR, VIEWER), None, {AUTHOR, VIEWER}),
    ],
)
def test_the_trail_leads_to_all_that_an_event_reaches(
    event: Event, source: MemberId | None, members: set[MemberId]
) -> None:
    found = reach(event)
    assert found == Reach(source, frozenset(members))
    changes = list(Trail().rows(recorded(event)))
    assert all(change.table is TRAIL for change in changes)
    keys = {change.key[1:3] for change in changes}
    wanted = {concern_facet(member) for member in members}
    assert wanted | ({source_facet(source)} if source else set()) <= keys
