"""
Editions: what clients count of a post, in which nothing shows that they do not see.
"""

import pytest

from domain.audience import Friends, Public
from domain.ids import CaseId, mint
from domain.post import POST, Held, Live, change_audience, edit
from domain.post_events import (
    PostApproved,
    PostAudienceChanged,
    PostAudienceIntended,
    PostContent,
    PostEdited,
    PostEditHeld,
    PostEditRejected,
    PostEvent,
    PostFlagged,
    PostHeld,
    PostPublished,
)
from domain.promise import Promise
from domain.screening import Screening
from tests.domain.casework import NOW, decision_id
from tests.domain.given import given
from tests.domain.people import ANNA, sealed

RULED = (CaseId(mint(0, 1, 70)), decision_id(1))
FOUND = Screening(1, 0, (), "1", ())
PROMISE = Promise("review", NOW, "calendar/1")
SAYS = PostContent(sealed("a"))
SAYS_ELSE = PostContent(sealed("b"))
PUBLISHED = PostPublished(ANNA, "shuoshuo", SAYS, Public())
HELD = PostHeld(ANNA, "shuoshuo", SAYS, Public(), "held", FOUND, PROMISE)


@pytest.mark.parametrize(
    "unseen",
    [
        (),
        (PostFlagged(ANNA, FOUND),),
        (PostEditHeld(ANNA, SAYS_ELSE, "held", FOUND, PROMISE),),
        (
            PostEditHeld(ANNA, SAYS_ELSE, "private_view", FOUND, PROMISE),
            PostEditRejected(ANNA, *RULED),
        ),
    ],
)
def test_what_nobody_sees_is_not_counted(unseen: tuple[PostEvent, ...]) -> None:
    post = given(POST, PUBLISHED, *unseen)
    assert isinstance(post.state, Live)
    assert post.state.edition == 1
    post.when(edit, ANNA, SAYS_ELSE).then(PostEdited(ANNA, SAYS_ELSE, 2))
    post.when(change_audience, ANNA, Friends()).then(PostAudienceChanged(ANNA, Friends(), 2))


def test_what_waits_is_counted_apart() -> None:
    held = given(POST, HELD)
    held.when(edit, ANNA, SAYS_ELSE).then(PostEdited(ANNA, SAYS_ELSE, -2))
    edited = PostEdited(ANNA, SAYS_ELSE, -2)
    intended = PostAudienceIntended(ANNA, Friends(), -3)
    given(POST, HELD, edited).when(change_audience, ANNA, Friends()).then(intended)
    waiting = given(POST, HELD, edited, intended).state
    assert isinstance(waiting, Held)
    assert waiting.post.edition == -3
    approved = given(POST, HELD, edited, intended, PostApproved(ANNA, Friends(), *RULED))
    assert isinstance(approved.state, Live)
    assert approved.state.edition == 1
    approved.when(edit, ANNA, SAYS).then(PostEdited(ANNA, SAYS, 2))


def test_older_edits_were_counted_by_their_events() -> None:
    post = given(POST, PUBLISHED, PostFlagged(ANNA, FOUND), PostEdited(ANNA, SAYS_ELSE))
    assert isinstance(post.state, Live)
    assert post.state.edition == 3
    post.when(edit, ANNA, SAYS).then(PostEdited(ANNA, SAYS, 4))
