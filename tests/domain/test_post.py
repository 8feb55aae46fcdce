"""
Posts: shuoshuo, diaries and shares, and what their authors may do with them.
"""

import pytest

from domain.audience import Friends, Public
from domain.post import (
    POST,
    Deleted,
    Live,
    Unwritten,
    change_audience,
    change_commenting,
    delete,
    edit,
    evolve,
    may_comment,
    post_stream,
    publish,
)
from domain.post_events import (
    Commenting,
    PostAudienceChanged,
    PostCommentingChanged,
    PostContent,
    PostDeleted,
    PostEdited,
    PostKind,
    PostPublished,
)
from tests.domain.given import given
from tests.domain.people import ANNA, BELA, BY_ANNA, BY_BELA, sealed

SAID = PostContent(sealed("床前明月光"))
TITLED = PostContent(sealed("疑是地上霜"), title=sealed("静夜思"))
SHUOSHUO = PostPublished(ANNA, "shuoshuo", SAID, Public())
DIARY = PostPublished(ANNA, "diary", TITLED, Public())
DELETED = PostDeleted(ANNA)


def test_a_shuoshuo_is_published() -> None:
    given(POST).when(publish, ANNA, "shuoshuo", SAID, Public()).then(SHUOSHUO)


def test_a_diary_has_a_title_and_nothing_else_has() -> None:
    given(POST).when(publish, ANNA, "diary", TITLED, Public()).then(DIARY)
    given(POST).when(publish, ANNA, "diary", SAID, Public()).then_refused("title-missing", "/title")
    untitled = given(POST).when(publish, ANNA, "shuoshuo", TITLED, Public())
    untitled.then_refused("title-unexpected", "/title")


def test_a_share_and_only_a_share_names_a_post() -> None:
    shared = PostPublished(ANNA, "share", SAID, Public(), BY_BELA)
    given(POST).when(publish, ANNA, "share", SAID, Public(), BY_BELA).then(shared)
    of_nothing = given(POST).when(publish, ANNA, "share", SAID, Public())
    of_nothing.then_refused("share-of-what", "/share_of")
    no_share = given(POST).when(publish, ANNA, "shuoshuo", SAID, Public(), BY_BELA)
    no_share.then_refused("share-of-what", "/share_of")


@pytest.mark.parametrize("history", [(SHUOSHUO,), (SHUOSHUO, DELETED)])
def test_an_id_is_published_under_once(history: tuple[PostPublished | PostDeleted, ...]) -> None:
    again = given(POST, *history).when(publish, ANNA, "shuoshuo", SAID, Public())
    again.then_refused("already-published")


def test_its_author_edits_a_post() -> None:
    other = PostContent(sealed("举头望明月"))
    given(POST, SHUOSHUO).when(edit, ANNA, other).then(PostEdited(ANNA, other, 2))


@pytest.mark.parametrize(
    ("published", "content", "problem"),
    [(SHUOSHUO, TITLED, "title-unexpected"), (DIARY, SAID, "title-missing")],
)
def test_an_edit_leaves_titles_to_diaries(
    published: PostPublished, content: PostContent, problem: str
) -> None:
    given(POST, published).when(edit, ANNA, content).then_refused(problem, "/title")


def test_its_author_changes_whom_a_post_is_for() -> None:
    changed = PostAudienceChanged(ANNA, Friends(), 2)
    given(POST, SHUOSHUO).when(change_audience, ANNA, Friends()).then(changed)
    given(POST, SHUOSHUO).when(change_audience, ANNA, Public()).then_nothing()
    given(POST, SHUOSHUO, changed).when(change_audience, ANNA, Friends()).then_nothing()


def test_a_post_is_deleted_once_and_for_good() -> None:
    given(POST, SHUOSHUO).when(delete, ANNA).then(DELETED)
    deleted = given(POST, SHUOSHUO, DELETED)
    deleted.when(delete, ANNA).then_nothing()
    deleted.when(edit, ANNA, SAID).then_refused("not-found")
    deleted.when(change_audience, ANNA, Friends()).then_refused("not-found")
    assert deleted.state == Deleted(ANNA, since=2)


def test_another_may_not_touch_it_and_is_not_told_of_what_is_gone() -> None:
    live = given(POST, SHUOSHUO)
    live.when(edit, BELA, SAID).then_refused("not-yours")
    live.when(change_audience, BELA, Friends()).then_refused("not-yours")
    live.when(delete, BELA).then_refused("not-yours")
    given(POST, SHUOSHUO, DELETED).when(delete, BELA).then_refused("not-found")


def test_what_was_never_written_is_not_found() -> None:
    given(POST).when(edit, ANNA, SAID).then_refused("not-found")
    given(POST).when(delete, ANNA).then_refused("not-found")


def test_a_post_recalls_the_version_that_set_its_audience() -> None:
    edited = PostEdited(ANNA, PostContent(sealed("低头思故乡")))
    narrowed = PostAudienceChanged(ANNA, Friends())
    kind: PostKind = "shuoshuo"
    said = edited.content
    assert given(POST, SHUOSHUO, edited).state == Live(
        ANNA, kind, said, Public(), 1, None, version=2, said=2, edition=2
    )
    narrowed_state = given(POST, SHUOSHUO, edited, narrowed).state
    assert narrowed_state == Live(
        ANNA, kind, said, Friends(), 3, None, version=3, said=2, edition=3
    )


@pytest.mark.parametrize("event", [PostEdited(ANNA, SAID), PostAudienceChanged(ANNA, Friends())])
def test_a_post_that_is_not_there_does_not_change(event: PostEdited | PostAudienceChanged) -> None:
    for gone in (Unwritten(), Deleted(ANNA, 2)):
        assert evolve(gone, event, 9) == gone


def test_a_posts_stream_bears_its_id() -> None:
    assert post_stream(BY_ANNA) == BY_ANNA


def test_its_author_says_who_may_comment() -> None:
    limited = PostCommentingChanged(ANNA, "friends", 2)
    given(POST, SHUOSHUO).when(change_commenting, ANNA, "friends").then(limited)
    given(POST, SHUOSHUO).when(change_commenting, ANNA, "everyone").then_nothing()
    given(POST, SHUOSHUO, limited).when(change_commenting, ANNA, "friends").then_nothing()
    given(POST, SHUOSHUO).when(change_commenting, BELA, "nobody").then_refused("not-yours")
    given(POST, SHUOSHUO, DELETED).when(change_commenting, ANNA, "nobody").then_refused("not-found")


@pytest.mark.parametrize(
    ("commenting", "author", "friend", "other"),
    [
        ("everyone", True, True, True),
        ("friends", True, True, False),
        ("nobody", False, False, False),
    ],
)
def test_who_may_comment(commenting: Commenting, author: bool, friend: bool, other: bool) -> None:
    live = given(POST, PostPublished(ANNA, "shuoshuo", SAID, Public(), commenting=commenting)).state
    assert isinstance(live, Live)
    assert may_comment(live, ANNA, friends=False) is author
    assert may_comment(live, BELA, friends=True) is friend
    assert may_comment(live, BELA, friends=False) is other
