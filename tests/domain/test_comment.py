"""
Comments, in threads, and who may take them away.
"""

import pytest

from domain.comment import (
    COMMENT as COMMENTS,
)
from domain.comment import (
    Comment,
    CommentDeleted,
    CommentWritten,
    Deleted,
    Unwritten,
    comment_stream,
    delete,
    write,
)
from domain.event import Refused
from tests.domain.given import given
from tests.domain.people import ANNA, ANSWER, BELA, BY_ANNA, BY_BELA, CARL, COMMENT, sealed

TEXT = sealed("好诗")
BELAS = CommentWritten(BELA, BY_ANNA, ANNA, TEXT, thread=COMMENT)
DELETED = CommentDeleted(BELA, BY_ANNA, ANNA, "author")


def test_a_comment_begins_a_thread() -> None:
    assert write(COMMENT, BELA, BY_ANNA, ANNA, TEXT, None, Unwritten()) == (BELAS,)


def test_an_answer_joins_the_thread_of_what_it_answers_and_says_whose_that_was() -> None:
    first = given(COMMENTS, BELAS).state
    answer = CommentWritten(CARL, BY_ANNA, ANNA, TEXT, COMMENT, COMMENT, BELA)
    assert write(ANSWER, CARL, BY_ANNA, ANNA, TEXT, COMMENT, first) == (answer,)
    deeper = CommentWritten(ANNA, BY_ANNA, ANNA, TEXT, COMMENT, ANSWER, CARL)
    second = given(COMMENTS, answer).state
    assert write(COMMENT, ANNA, BY_ANNA, ANNA, TEXT, ANSWER, second) == (deeper,)


@pytest.mark.parametrize(
    "answered",
    [
        Unwritten(),
        given(COMMENTS, BELAS, DELETED).state,
        given(COMMENTS, CommentWritten(BELA, BY_BELA, BELA, TEXT, COMMENT)).state,
    ],
    ids=["no comment", "deleted", "under another post"],
)
def test_only_a_comment_under_the_same_post_can_be_answered(answered: Comment) -> None:
    with pytest.raises(Refused, match="no-such-comment") as refused:
        write(ANSWER, CARL, BY_ANNA, ANNA, TEXT, COMMENT, answered)
    assert refused.value.field == "/reply_to"


def test_its_author_or_the_posts_takes_a_comment_away() -> None:
    given(COMMENTS, BELAS).when(delete, BELA).then(DELETED)
    given(COMMENTS, BELAS).when(delete, ANNA).then(
        CommentDeleted(BELA, BY_ANNA, ANNA, "post_author")
    )


def test_who_comments_on_their_own_post_deletes_as_its_author() -> None:
    own = CommentWritten(ANNA, BY_ANNA, ANNA, TEXT, COMMENT)
    gone = CommentDeleted(ANNA, BY_ANNA, ANNA, "author")
    given(COMMENTS, own).when(delete, ANNA).then(gone)


def test_a_deletion_says_whose_comment_it_had_answered() -> None:
    answer = CommentWritten(CARL, BY_ANNA, ANNA, TEXT, COMMENT, COMMENT, BELA)
    gone = CommentDeleted(CARL, BY_ANNA, ANNA, "author", BELA)
    given(COMMENTS, answer).when(delete, CARL).then(gone)


def test_a_comment_is_deleted_once() -> None:
    deleted = given(COMMENTS, BELAS, DELETED)
    deleted.when(delete, BELA).then_nothing()
    deleted.when(delete, ANNA).then_nothing()
    deleted.when(delete, CARL).then_refused("not-found")
    assert deleted.state == Deleted(BELA, ANNA, since=2)


def test_nobody_else_may() -> None:
    given(COMMENTS, BELAS).when(delete, CARL).then_refused("not-yours")
    given(COMMENTS).when(delete, CARL).then_refused("not-found")


def test_a_comments_stream_bears_its_id() -> None:
    assert comment_stream(COMMENT) == COMMENT
