"""
Verdicts: of every thing in every state, exactly these can be decided.
"""

from typing import Any, get_args

import pytest

from domain import account_events, comment, post, post_events
from domain.account import ACCOUNT, NoAccount
from domain.audience import Friends
from domain.comment import COMMENT as COMMENTS
from domain.event import Event, Refused
from domain.ids import CaseId, mint
from domain.post import POST as POSTS
from domain.promise import Promise
from domain.screening import Screening
from domain.verdicts import Verdict, of_comment, of_member, of_nickname, of_post
from tests.domain.casework import NOW, decision_id
from tests.domain.given import given
from tests.domain.people import ANNA, BELA, BY_BELA, COMMENT, identity, sealed

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
CASE = CaseId(mint(0, 1, 70))
RULED = (CASE, decision_id(1))
FOUND = Screening(1, 0, (), "1", ())
PROMISE = Promise("review", NOW, "calendar/1")

SAYS, WOULD_SAY = post_events.PostContent(sealed("a")), post_events.PostContent(sealed("b"))
PUBLISHED = post_events.PostPublished(ANNA, "shuoshuo", SAYS, Friends())
HELD = post_events.PostHeld(ANNA, "shuoshuo", SAYS, Friends(), "held", FOUND, PROMISE)
EDIT_HELD = post_events.PostEditHeld(ANNA, WOULD_SAY, "held", FOUND, PROMISE)
UNPUBLISHED = post_events.PostUnpublished(ANNA, *RULED)
REJECTED = post_events.PostRejected(ANNA, *RULED)
POST_STATES: dict[str, tuple[Event, ...]] = {
    "unwritten": (),
    "published": (PUBLISHED,),
    "with an edit that waits": (PUBLISHED, EDIT_HELD),
    "held": (HELD,),
    "unpublished": (PUBLISHED, UNPUBLISHED),
    "unpublished, with an edit that waits": (PUBLISHED, EDIT_HELD, UNPUBLISHED),
    "rejected": (HELD, REJECTED),
    "refused": (post_events.PostRefused(ANNA, "shuoshuo", SAYS, Friends(), FOUND),),
    "deleted": (PUBLISHED, post_events.PostDeleted(ANNA)),
}
APPROVED = post_events.PostApproved(ANNA, Friends(), *RULED)
EDIT_REJECTED = post_events.PostEditRejected(ANNA, *RULED)
RESTORED = post_events.PostRestored(ANNA, Friends(), *RULED, 2)
POST_VERDICTS: dict[tuple[str, Verdict], tuple[Event, ...]] = {
    ("unwritten", "no_action"): (),
    ("published", "approve"): (),
    ("published", "unpublish"): (UNPUBLISHED,),
    ("published", "no_action"): (),
    ("with an edit that waits", "approve"): (
        post_events.PostEditApproved(ANNA, WOULD_SAY, *RULED, 2),
    ),
    ("with an edit that waits", "reject"): (EDIT_REJECTED,),
    ("with an edit that waits", "unpublish"): (EDIT_REJECTED, UNPUBLISHED),
    ("held", "approve"): (APPROVED,),
    ("held", "reject"): (REJECTED,),
    ("unpublished", "restore"): (RESTORED,),
    ("unpublished", "no_action"): (),
    ("unpublished, with an edit that waits", "restore"): (RESTORED, EDIT_REJECTED),
    ("unpublished, with an edit that waits", "no_action"): (),
    ("rejected", "restore"): (APPROVED,),
    ("rejected", "no_action"): (),
    ("refused", "no_action"): (),
    ("deleted", "no_action"): (),
}


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("state", POST_STATES)
def test_of_a_post_exactly_these_are_decided(state: str, verdict: Verdict) -> None:
    happened = given(POSTS, *POST_STATES[state])
    expected = POST_VERDICTS.get((state, verdict))
    if expected is None:
        happened.when(of_post, verdict, *RULED).then_refused("verdict-not-possible")
    else:
        happened.when(of_post, verdict, *RULED).then(*expected)


@pytest.mark.parametrize(
    "history", [(PUBLISHED,), (PUBLISHED, EDIT_HELD), (HELD, APPROVED)], ids=repr
)
def test_a_restored_post_is_exactly_what_was_there(history: tuple[Event, ...]) -> None:
    before = given(POSTS, *history).state
    after = given(POSTS, *history, UNPUBLISHED, RESTORED).state
    assert isinstance(before, post.Live)
    assert isinstance(after, post.Live)
    same = {name for name in post.Live.__struct_fields__ if name not in ("version", "edition")}
    assert {name: getattr(after, name) for name in same} == {
        name: getattr(before, name) for name in same
    }


WRITTEN = comment.CommentWritten(BELA, BY_BELA, ANNA, sealed("a"), COMMENT)
COMMENT_HELD = comment.CommentHeld(
    BELA, BY_BELA, ANNA, sealed("a"), COMMENT, "held", FOUND, PROMISE
)
_WHOSE: tuple[Any, ...] = (BELA, BY_BELA, ANNA, *RULED)
COMMENT_UNPUBLISHED = comment.CommentUnpublished(*_WHOSE)
COMMENT_REJECTED = comment.CommentRejected(*_WHOSE)
COMMENT_STATES: dict[str, tuple[Event, ...]] = {
    "unwritten": (),
    "published": (WRITTEN,),
    "held": (COMMENT_HELD,),
    "unpublished": (WRITTEN, COMMENT_UNPUBLISHED),
    "rejected": (COMMENT_HELD, COMMENT_REJECTED),
    "refused": (comment.CommentRefused(BELA, BY_BELA, ANNA, sealed("a"), FOUND),),
    "deleted": (WRITTEN, comment.CommentDeleted(BELA, BY_BELA, ANNA, "author")),
}
COMMENT_VERDICTS: dict[tuple[str, Verdict], type[Event] | None] = {
    ("unwritten", "no_action"): None,
    ("published", "approve"): None,
    ("published", "unpublish"): comment.CommentUnpublished,
    ("published", "no_action"): None,
    ("held", "approve"): comment.CommentApproved,
    ("held", "reject"): comment.CommentRejected,
    ("unpublished", "restore"): comment.CommentRestored,
    ("unpublished", "no_action"): None,
    ("rejected", "restore"): comment.CommentApproved,
    ("rejected", "no_action"): None,
    ("refused", "no_action"): None,
    ("deleted", "no_action"): None,
}


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("state", COMMENT_STATES)
def test_of_a_comment_exactly_these_are_decided(state: str, verdict: Verdict) -> None:
    happened = given(COMMENTS, *COMMENT_STATES[state]).state
    if (state, verdict) not in COMMENT_VERDICTS:
        with pytest.raises(Refused, match="verdict-not-possible"):
            of_comment(happened, verdict, *RULED)
        return
    kind = COMMENT_VERDICTS[state, verdict]
    assert [type(event) for event in of_comment(happened, verdict, *RULED)] == (
        [] if kind is None else [kind]
    )


OPENED = account_events.AccountOpened(ANNA, identity("anna"))
NAME_HELD = account_events.NicknameHeld(ANNA, sealed("rude"), "held", FOUND, PROMISE)
WITHDRAWN = account_events.NicknameWithdrawn(ANNA, identity("anna").qq, *RULED)
NAME_REJECTED = account_events.NicknameRejected(ANNA, *RULED)
NAME_STATES: dict[str, tuple[Event, ...]] = {
    "seen": (OPENED,),
    "waits": (OPENED, NAME_HELD),
    "withdrawn": (OPENED, WITHDRAWN),
    "withdrawn, and another waits": (OPENED, WITHDRAWN, NAME_HELD),
}
NAME_VERDICTS: dict[tuple[str, Verdict], tuple[Event, ...]] = {
    ("seen", "approve"): (),
    ("seen", "unpublish"): (WITHDRAWN,),
    ("seen", "no_action"): (),
    ("waits", "approve"): (account_events.NicknameApproved(ANNA, sealed("rude"), *RULED),),
    ("waits", "reject"): (NAME_REJECTED,),
    ("waits", "unpublish"): (NAME_REJECTED, WITHDRAWN),
    ("withdrawn, and another waits", "approve"): (
        account_events.NicknameApproved(ANNA, sealed("rude"), *RULED),
    ),
    ("withdrawn, and another waits", "reject"): (NAME_REJECTED,),
    ("withdrawn, and another waits", "restore"): (
        NAME_REJECTED,
        account_events.NicknameRestored(ANNA, sealed("anna"), *RULED),
    ),
    ("withdrawn", "restore"): (account_events.NicknameRestored(ANNA, sealed("anna"), *RULED),),
    ("withdrawn", "no_action"): (),
}


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("state", NAME_STATES)
def test_of_a_nickname_exactly_these_are_decided(state: str, verdict: Verdict) -> None:
    happened = given(ACCOUNT, *NAME_STATES[state])
    expected = NAME_VERDICTS.get((state, verdict))
    if expected is None:
        happened.when(of_nickname, verdict, *RULED).then_refused("verdict-not-possible")
    else:
        happened.when(of_nickname, verdict, *RULED).then(*expected)


def test_nobody_has_no_nickname() -> None:
    with pytest.raises(Refused, match="verdict-not-possible"):
        of_nickname(NoAccount(), "unpublish", *RULED)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_member_is_not_published(verdict: Verdict) -> None:
    if verdict == "no_action":
        assert of_member(verdict) == ()
        return
    with pytest.raises(Refused, match="verdict-not-possible"):
        of_member(verdict)
