"""
Posts: a shuoshuo (a short post), a diary, or a share of another post.
"""

from typing import Literal, TypeAlias, assert_never

import msgspec

from domain.audience import Audience
from domain.event import Aggregate, Event, Refused
from domain.ids import MemberId, PostId, StreamId
from domain.sealed import Sealed

SHUOSHUO_LENGTH_MAX = 10_000
DIARY_LENGTH_MAX = 200_000
TITLE_LENGTH_MAX = 100
IMAGES_MAX = 9

PostKind: TypeAlias = Literal["shuoshuo", "diary", "share"]


class PostContent(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a post says; all words sealed. Lengths were checked before they were."""

    text: Sealed[str]
    title: Sealed[str] | None = None
    mood: Sealed[str] | None = None
    location: Sealed[str] | None = None


class PostPublished(Event, frozen=True, tag="post.published.v1"):
    """A post stands in its author's space."""

    author: MemberId
    kind: PostKind
    content: PostContent
    audience: Audience
    share_of: PostId | None = None


class PostEdited(Event, frozen=True, tag="post.edited.v1"):
    """It says this from now on."""

    author: MemberId
    content: PostContent


class PostAudienceChanged(Event, frozen=True, tag="post.audience_changed.v1"):
    """It is for these from now on."""

    author: MemberId
    audience: Audience


class PostDeleted(Event, frozen=True, tag="post.deleted.v1"):
    """Its author took it away."""

    author: MemberId


PostEvent: TypeAlias = PostPublished | PostEdited | PostAudienceChanged | PostDeleted


class Unwritten(msgspec.Struct, frozen=True):
    """No such post."""


class Live(msgspec.Struct, frozen=True):
    """
    A post that its audience sees. ``audience_since`` is the version that set the audience.
    """

    author: MemberId
    kind: PostKind
    content: PostContent
    audience: Audience
    audience_since: int
    share_of: PostId | None


class Deleted(msgspec.Struct, frozen=True):
    """Gone, by its author's hand, at version ``since``."""

    author: MemberId
    since: int


Post: TypeAlias = Unwritten | Live | Deleted


def evolve(post: Post, event: PostEvent, version: int) -> Post:
    """The post after one more event."""
    match event, post:
        case PostPublished(), _:
            return Live(
                event.author, event.kind, event.content, event.audience, version, event.share_of
            )
        case PostEdited(content=content), Live():
            return msgspec.structs.replace(post, content=content)
        case PostAudienceChanged(audience=audience), Live():
            return msgspec.structs.replace(post, audience=audience, audience_since=version)
        case PostDeleted(author=author), _:
            return Deleted(author, version)
        case ((PostEdited() | PostAudienceChanged()), _):
            return post
        case _:
            assert_never(event)


def weigh(post: Post) -> int:
    """A diary's text may be half a megabyte."""
    return len(post.content.text.envelope) if isinstance(post, Live) else 0


POST: Aggregate[Post] = Aggregate("post", Unwritten(), evolve, weigh)


def post_stream(post: PostId) -> StreamId:
    """A post's stream bears the post's own id."""
    return StreamId(post)


# Decisions


def publish(
    post: Post,
    author: MemberId,
    kind: PostKind,
    content: PostContent,
    audience: Audience,
    share_of: PostId | None = None,
) -> tuple[PostEvent, ...]:
    """Publish a post."""
    if not isinstance(post, Unwritten):
        raise Refused("already-published")
    if (kind == "share") != (share_of is not None):
        raise Refused("share-of-what", "A share, and only a share, names a post.", "/share_of")
    if kind == "diary" and content.title is None:
        raise Refused("title-missing", "A diary has a title.", "/title")
    if kind != "diary" and content.title is not None:
        raise Refused("title-unexpected", "Only a diary has a title.", "/title")
    return (PostPublished(author, kind, content, audience, share_of),)


def edit(post: Post, editor: MemberId, content: PostContent) -> tuple[PostEvent, ...]:
    """Change what a post says."""
    live = own(post, editor)
    if live.kind == "diary" and content.title is None:
        raise Refused("title-missing", "A diary has a title.", "/title")
    if live.kind != "diary" and content.title is not None:
        raise Refused("title-unexpected", "Only a diary has a title.", "/title")
    return (PostEdited(editor, content),)


def change_audience(post: Post, editor: MemberId, audience: Audience) -> tuple[PostEvent, ...]:
    """Change whom a post is for."""
    if own(post, editor).audience == audience:
        return ()
    return (PostAudienceChanged(editor, audience),)


def delete(post: Post, editor: MemberId) -> tuple[PostEvent, ...]:
    """Take a post away."""
    if isinstance(post, Deleted) and post.author == editor:
        return ()
    own(post, editor)
    return (PostDeleted(editor),)


def own(post: Post, editor: MemberId) -> Live:
    """The post, if it is there and the editor's."""
    match post:
        case Live(author=author) if author == editor:
            return post
        case Live():
            raise Refused("not-yours", "Only its author may change a post.")
        case Unwritten() | Deleted():
            raise Refused("not-found")
        case _:
            assert_never(post)
