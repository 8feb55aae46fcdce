"""
Posts, comments and likes.
"""

from functools import partial
from typing import Any
from uuid import UUID

from api.answers import Comment, Like, Post, Presenter, Written
from api.http.answers import Answer, Page, encode_json
from api.http.queries import Paging
from api.http.routes import Routes
from api.pages import FIRST, LAST, mark_of, with_originals
from api.routes.members import done
from api.services import MEMBERS, Ask
from commands import comments, polls
from commands.comments import WriteComment
from commands.polls import CastVote
from commands.posts import EditPost, PublishPost
from commands.types import AudienceChoice
from domain.event import Refused
from domain.ids import CommentId, MemberId, PostId
from projections.reading import posts as post_reads
from projections.reading import responses
from projections.reading.mentions import mentioning
from projections.reading.posts import PostView
from projections.reading.responses import CommentView, LikeView
from projections.recall import answers as recalled

ROUTES = Routes()
_TAG = "Posts"
_ACTING = ("suspended", "banned", "no-account", "conflict")
_PUBLISHING = (*_ACTING, "restricted", "not-published")
_AUDIENCE = ("no-such-member", "no-such-list", "list-or-name")


@ROUTES.post(
    "/v1/posts",
    tag=_TAG,
    summary="Publish a post",
    body=PublishPost,
    answer=Written,
    roles=MEMBERS,
    problems=(
        *_PUBLISHING,
        *_AUDIENCE,
        "no-such-image",
        "no-such-post",
        "not-published-yet",
        "consent-missing",
        "choose-too-many",
        "in-the-past",
        "too-far-ahead",
    ),
    links=("read_post", "edit_post", "delete_post", "like_post", "list_comments"),
    example={"kind": "shuoshuo", "text": "床前明月光", "audience": {"to": "public"}},
)
async def publish_post(call: Ask[PublishPost, None]) -> Answer:
    """
    A shuoshuo, a diary, a share of a post that you can see, or a poll.

    `@10001` in the text mentions a member, and so do `mentions`; a number that nobody has, and
    whoever may not see the post, is passed over. `location` takes your consent (`PATCH /v1/me`).
    """
    return done(await call.app.execute(call, call.app.posts.publish, call.body))


@ROUTES.get(
    "/v1/posts/{id}",
    tag=_TAG,
    summary="Read a post",
    answer=Post,
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
    versioned=True,
)
async def read_post(call: Ask[None, None]) -> Answer:
    """Withdrawn, deleted, never there and not for you look alike."""
    view = await call.app.recall(call, recalled.post, call.uuid())
    if view is not None:
        (view,) = await with_originals(call, [view])
    else:
        view = await call.app.read(call, _post, call.uuid())
    if view is None:
        raise Refused("not-found")
    # The version is what a change is conditional on. It is no reason for a 304: counts, names and
    # the original of a share change without it, and what was withdrawn must not be shown again.
    (body,) = Presenter(call.app, call.viewer.id).posts([view])
    return Answer(encode_json(body), headers={"ETag": f'"{view.version}"'})


async def _post(connection: Any, viewer: MemberId, post: UUID) -> PostView | None:
    views = await post_reads.hydrate(connection, viewer, [post])
    return next(iter(await post_reads.with_shared(connection, viewer, views.values())), None)


@ROUTES.patch(
    "/v1/posts/{id}",
    tag=_TAG,
    summary="Edit a post",
    body=EditPost,
    answer=Written,
    roles=MEMBERS,
    problems=(
        *_PUBLISHING,
        "not-yours",
        "title-unexpected",
        "too-long",
        "too-short",
        "no-such-image",
        "not-published-yet",
        "consent-missing",
    ),
    conditional=True,
    example={"text": "疑是地上霜"},
)
async def edit_post(call: Ask[EditPost, None]) -> Answer:
    """
    Changes what is named. What a poll asks never changes.

    Whom the new text mentions is found anew; `mentions`, where given, replaces who was named
    beside it.
    """
    post, admits = PostId(call.uuid()), call.admits
    return done(
        await call.app.execute(call, partial(call.app.posts.edit, post, admits=admits), call.body)
    )


@ROUTES.delete(
    "/v1/posts/{id}",
    tag=_TAG,
    summary="Delete a post",
    answer=Written,
    roles=MEMBERS,
    problems=(*_ACTING, "not-yours"),
    conditional=True,
)
async def delete_post(call: Ask[None, None]) -> Answer:
    """It is gone from everywhere, with its comments and likes, when this is answered."""
    post, admits = PostId(call.uuid()), call.admits
    return done(await call.app.execute(call, partial(call.app.posts.delete, admits=admits), post))


@ROUTES.put(
    "/v1/posts/{id}/audience",
    tag=_TAG,
    summary="Change whom a post is for",
    body=AudienceChoice,
    answer=Written,
    roles=MEMBERS,
    problems=(*_ACTING, *_AUDIENCE, "restricted", "not-yours"),
    conditional=True,
    example={"to": "friends"},
)
async def change_audience(call: Ask[AudienceChoice, None]) -> Answer:
    """Whoever may no longer see it has lost it when this is answered."""
    post, admits = PostId(call.uuid()), call.admits
    return done(
        await call.app.execute(
            call, partial(call.app.posts.change_audience, post, admits=admits), call.body
        )
    )


@ROUTES.post(
    "/v1/posts/{id}/comments",
    tag=_TAG,
    summary="Comment on a post",
    body=WriteComment,
    answer=Written,
    roles=MEMBERS,
    problems=(*_PUBLISHING, "no-such-comment", "not-published-yet", "comments-closed"),
    links=("delete_comment",),
    example={"text": "举头望明月"},
)
async def write_comment(call: Ask[WriteComment, None]) -> Answer:
    """`reply_to` names the comment it answers, under the same post."""
    post = PostId(call.uuid())
    return done(await call.app.execute(call, partial(comments.write, post), call.body))


@ROUTES.get(
    "/v1/posts/{id}/comments",
    tag=_TAG,
    summary="A post's comments",
    query=Paging,
    answer=Page[Comment],
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
)
async def list_comments(call: Ask[None, Paging]) -> Answer:
    """The oldest first; `thread` groups them."""
    limit = call.query.limit
    after = mark_of(call, FIRST)
    post = PostId(call.uuid())
    views: list[CommentView] | None
    if await call.app.recall(call, recalled.post, post) is not None:
        views = await call.app.read(call, responses.comments_under, post, after, limit + 1)
    else:
        views = await call.app.read(call, responses.comments, post, after, limit + 1)
    if views is None:
        raise Refused("not-found")
    present = Presenter(call.app, call.viewer.id).comment
    place = views[limit - 1].mark if len(views) > limit else None
    return call.page([present(view) for view in views[:limit]], place)


@ROUTES.put(
    "/v1/posts/{id}/vote",
    tag=_TAG,
    summary="Vote on a poll",
    body=CastVote,
    answer=Written,
    roles=MEMBERS,
    problems=(
        *_ACTING,
        "not-published-yet",
        "not-a-poll",
        "no-such-option",
        "choose-too-many",
        "poll-closed",
    ),
    example={"options": [0]},
)
async def vote(call: Ask[CastVote, None]) -> Answer:
    """
    One vote each, for as many options as the poll lets choose; until it closes, another vote takes
    the place of yours. The post shows the results to you from then on.
    """
    post = PostId(call.uuid())
    return done(await call.app.execute(call, partial(polls.vote, post), call.body))


@ROUTES.get(
    "/v1/me/mentions",
    tag=_TAG,
    summary="Posts that mention you",
    query=Paging,
    answer=Page[Post],
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
)
async def list_mentions(call: Ask[None, Paging]) -> Answer:
    """Those that you may see, newest first."""
    limit = call.query.limit
    before = call.after(UUID) or LAST[1]
    views = await call.app.read(call, mentioning, before, limit + 1)
    place = views[limit - 1].post if len(views) > limit else None
    return call.page(Presenter(call.app, call.viewer.id).posts(views[:limit]), place)


@ROUTES.delete(
    "/v1/comments/{id}",
    tag=_TAG,
    summary="Delete a comment",
    answer=Written,
    roles=MEMBERS,
    problems=(*_ACTING, "not-yours"),
)
async def delete_comment(call: Ask[None, None]) -> Answer:
    """Your own, or any under your own post."""
    comment = CommentId(call.uuid())
    return done(await call.app.execute(call, comments.delete, comment))


@ROUTES.put(
    "/v1/posts/{id}/like",
    tag=_TAG,
    summary="Like a post",
    answer=Written,
    roles=MEMBERS,
    problems=(*_ACTING, "not-published-yet"),
)
async def like_post(call: Ask[None, None]) -> Answer:
    """Said twice, it counts once."""
    post = PostId(call.uuid())
    return done(await call.app.execute(call, comments.like, post))


@ROUTES.delete(
    "/v1/posts/{id}/like",
    tag=_TAG,
    summary="Like a post no longer",
    answer=Written,
    roles=MEMBERS,
    problems=(*_ACTING, "not-published-yet"),
)
async def unlike_post(call: Ask[None, None]) -> Answer:
    """Also of a post that you no longer see."""
    post = PostId(call.uuid())
    return done(await call.app.execute(call, comments.unlike, post))


@ROUTES.get(
    "/v1/posts/{id}/likes",
    tag=_TAG,
    summary="Who likes a post",
    query=Paging,
    answer=Page[Like],
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
)
async def list_likes(call: Ask[None, Paging]) -> Answer:
    """The latest first."""
    limit = call.query.limit
    before = mark_of(call, LAST)
    post = PostId(call.uuid())
    views: list[LikeView] | None
    if await call.app.recall(call, recalled.post, post) is not None:
        views = await call.app.read(call, responses.likes_under, post, before, limit + 1)
    else:
        views = await call.app.read(call, responses.likes, post, before, limit + 1)
    if views is None:
        raise Refused("not-found")
    present = Presenter(call.app, call.viewer.id).like
    place = views[limit - 1].mark if len(views) > limit else None
    return call.page([present(view) for view in views[:limit]], place)
