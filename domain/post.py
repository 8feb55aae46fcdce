"""
Posts: a shuoshuo (a short post), a diary, a share of another post, or a poll.

What the rules say of a post is part of the decision to publish it: it may be published, published
and flagged, kept back, or refused. What people then decide of it is in :mod:`domain.verdicts`.
"""

from datetime import datetime
from typing import Literal, TypeAlias, assert_never

import msgspec

from domain.audience import Audience, OnlyMe
from domain.event import Aggregate, Refused
from domain.ids import MemberId, PostId, StreamId
from domain.poll import Poll
from domain.post_events import (
    FIRST_EDITION,
    FIRST_WAITING,
    Commenting,
    PostApproved,
    PostAudienceChanged,
    PostAudienceIntended,
    PostCommentingChanged,
    PostContent,
    PostDeleted,
    PostEditApproved,
    PostEdited,
    PostEditHeld,
    PostEditRefused,
    PostEditRejected,
    PostEvent,
    PostFlagged,
    PostHeld,
    PostKind,
    PostPollClosed,
    PostPublished,
    PostRefused,
    PostRejected,
    PostRestored,
    PostUnpublished,
    edition_after,
    newly,
)
from domain.screening import Found, Wait

SHUOSHUO_LENGTH_MAX = 10_000
DIARY_LENGTH_MAX = 200_000
TITLE_LENGTH_MAX = 100
IMAGES_MAX = 9


class Unwritten(msgspec.Struct, frozen=True, gc=False):
    """No such post."""


class Live(msgspec.Struct, frozen=True, gc=False):
    """
    A post that its audience sees. ``audience_since`` is the version that set the audience,
    ``version`` the last one that changed anything for those who see it: what waits, and what
    screening found, shows to nobody. ``edition`` counts those changes, as clients know them.
    ``pending`` is what it is to say once an edit is approved; ``said`` the version in which its
    author last gave it words, be they seen or waiting.
    """

    author: MemberId
    kind: PostKind
    content: PostContent
    audience: Audience
    audience_since: int
    share_of: PostId | None
    version: int
    said: int
    edition: int
    pending: PostContent | None = None
    poll: Poll | None = None
    commenting: Commenting = "everyone"
    poll_closed: bool = False
    original_author: MemberId | None = None

    @property
    def counts_at(self) -> PostId | None:
        """The post among whose shares it counts: it is one, and there for others."""
        return None if isinstance(self.audience, OnlyMe) else self.share_of

    @property
    def next_edition(self) -> int:
        """Away from zero, on whichever side of it."""
        return self.edition + (1 if self.edition > 0 else -1)


class Held(msgspec.Struct, frozen=True, gc=False):
    """A post that waits: ``post`` is what it will be once approved."""

    post: Live
    how: Wait
    since: int

    @property
    def author(self) -> MemberId:
        """Whose it is."""
        return self.post.author


class TakenDown(msgspec.Struct, frozen=True, gc=False):
    """
    A post that people decided nobody is to see, at version ``since``; ``post`` is what comes back
    with a restoration, ``was`` what it was before.
    """

    post: Live
    was: Literal["held", "published"]
    since: int

    @property
    def author(self) -> MemberId:
        """Whose it is."""
        return self.post.author


class NeverPublished(msgspec.Struct, frozen=True, gc=False):
    """An attempt that was refused."""

    author: MemberId
    since: int


class Deleted(msgspec.Struct, frozen=True, gc=False):
    """Gone, by its author's hand, at version ``since``."""

    author: MemberId
    since: int


Post: TypeAlias = Unwritten | Live | Held | TakenDown | NeverPublished | Deleted


def evolve(post: Post, event: PostEvent, version: int) -> Post:
    """The post after one more event."""
    match event, post:
        case ((PostPublished() | PostHeld()), _):
            live = Live(
                author=event.author,
                kind=event.kind,
                content=event.content,
                audience=event.audience,
                audience_since=version,
                share_of=event.share_of,
                original_author=event.original_author,
                version=version,
                said=version,
                edition=FIRST_WAITING if isinstance(event, PostHeld) else FIRST_EDITION,
                poll=event.poll,
                commenting=event.commenting,
            )
            return Held(live, event.how, version) if isinstance(event, PostHeld) else live
        case ((PostRefused(author=author) | PostEditRefused(author=author)), Unwritten()):
            return NeverPublished(author, version)
        case PostDeleted(author=author), _:
            return Deleted(author, version)
        case PostApproved(), (Held(post=live) | TakenDown(post=live)):
            return msgspec.structs.replace(live, version=version, edition=FIRST_EDITION)
        case PostRejected(), Held(post=live):
            return TakenDown(live, "held", version)
        case PostUnpublished(), Live():
            return TakenDown(post, "published", version)
        case PostRestored(), TakenDown(post=live):
            edition = edition_after(event, version)
            return msgspec.structs.replace(live, version=version, edition=edition)
        case PostPollClosed(), TakenDown(post=live):
            return msgspec.structs.replace(post, post=_changed(live, event, version))
        case _, Held(post=live):
            return msgspec.structs.replace(post, post=_changed(live, event, version))
        case _, Live():
            return _changed(post, event, version)
        case _:
            return post


def _changed(live: Live, event: PostEvent, version: int) -> Live:
    change = msgspec.structs.replace
    match event:
        case PostEdited(content=content):
            edition = edition_after(event, version)
            return change(
                live, content=content, pending=None, version=version, said=version, edition=edition
            )
        case PostEditApproved(content=content):
            edition = edition_after(event, version)
            return change(live, content=content, pending=None, version=version, edition=edition)
        case PostEditHeld(content=content):
            return change(live, pending=content, said=version)
        case PostEditRejected():
            return change(live, pending=None)
        case PostAudienceChanged(audience=audience) | PostAudienceIntended(audience=audience):
            edition = edition_after(event, version)
            return change(
                live, audience=audience, audience_since=version, version=version, edition=edition
            )
        case PostCommentingChanged(commenting=commenting):
            edition = edition_after(event, version)
            return change(live, commenting=commenting, version=version, edition=edition)
        case PostPollClosed():
            return change(live, poll_closed=True)
        case _:
            return live


def weigh(post: Post) -> int:
    """A diary's text may be half a megabyte."""
    match post:
        case Live(content=content, pending=None):
            return len(content.text.envelope)
        case Live(content=content, pending=PostContent(text=waiting)):
            return len(content.text.envelope) + len(waiting.envelope)
        case Held(post=live) | TakenDown(post=live):
            return weigh(live)
        case _:
            return 0


POST: Aggregate[Post] = Aggregate("post", Unwritten(), evolve, weigh)


def post_stream(post: PostId) -> StreamId:
    """A post's stream bears the post's own id."""
    return StreamId(post)


# Decisions


def check_unwritten(post: Post) -> None:
    """
    Whether it may be published.

    :raises Refused: already-published, whatever became of it since.
    """
    if not isinstance(post, Unwritten):
        raise Refused("already-published")


def publish(
    post: Post,
    author: MemberId,
    kind: PostKind,
    content: PostContent,
    audience: Audience,
    share_of: PostId | None = None,
    found: Found | None = None,
    poll: Poll | None = None,
    commenting: Commenting = "everyone",
    written_at: datetime | None = None,
) -> tuple[PostEvent, ...]:
    """
    Publish a post, or what becomes of it instead.

    :param found: what the rules found in it; None when they found nothing.
    :param poll: what it asks, which :func:`domain.poll.check_poll` has let pass.
    :param written_at: when it was published elsewhere; if it has to wait here, it is as new as its
        approval.
    """
    check_unwritten(post)
    if (kind == "share") != (share_of is not None):
        raise Refused("share-of-what", "A share, and only a share, names a post.", "/share_of")
    if (kind == "poll") != (poll is not None):
        raise Refused("poll-of-what", "A poll, and only a poll, has options.", "/poll")
    _check_title(kind, content)
    rest = (share_of, poll, commenting)
    published = PostPublished(author, kind, content, audience, *rest, written_at)
    if found is None:
        return (published,)
    screening, promise = found.screening, found.promise
    match found.outcome:
        case "refused":
            return (PostRefused(author, kind, content, audience, screening, *rest),)
        case ("held" | "private_view") as how:
            return (PostHeld(author, kind, content, audience, how, screening, promise, *rest),)
        case "flagged":
            return (published, PostFlagged(author, screening))
        case "published":
            return (published,)
        case _ as never:
            assert_never(never)


def edit(
    post: Post, editor: MemberId, content: PostContent, found: Found | None = None
) -> tuple[PostEvent, ...]:
    """
    Change what a post says, or what becomes of the change instead; what is refused is kept by
    :func:`refuse_edit`. A post that waits goes on waiting, whatever is made of it.
    """
    live = own(post, editor)
    _check_title(live.kind, content)
    edited = PostEdited(editor, content, live.next_edition, newly(content, live.content))
    if found is None or found.outcome == "published":
        return (edited,)
    screening, promise = found.screening, found.promise
    match found.outcome:
        case "refused":
            return ()
        case ("held" | "private_view") as how if isinstance(post, Live):
            return (PostEditHeld(editor, content, how, screening, promise),)
        case _:
            return (edited, PostFlagged(editor, screening))


def refuse_edit(
    attempt: Post, post: PostId, editor: MemberId, content: PostContent, found: Found
) -> tuple[PostEvent, ...]:
    """Keep an edit that is refused, on a stream of its own."""
    if not isinstance(attempt, Unwritten):
        raise Refused("already-published")
    return (PostEditRefused(editor, post, content, found.screening),)


def change_audience(post: Post, editor: MemberId, audience: Audience) -> tuple[PostEvent, ...]:
    """Change whom a post is for."""
    live = own(post, editor)
    if live.audience == audience:
        return ()
    if isinstance(post, Held):
        return (PostAudienceIntended(editor, audience, live.next_edition),)
    # Once for others, or no longer, it counts as a share, or no longer.
    counts = isinstance(audience, OnlyMe) is not isinstance(live.audience, OnlyMe)
    share_of = live.share_of if counts else None
    return (PostAudienceChanged(editor, audience, live.next_edition, share_of),)


def change_commenting(
    post: Post, editor: MemberId, commenting: Commenting
) -> tuple[PostEvent, ...]:
    """Change who may comment."""
    live = own(post, editor)
    if live.commenting == commenting:
        return ()
    return (PostCommentingChanged(editor, commenting, live.next_edition),)


def close_poll(post: Post, at: datetime) -> tuple[PostEvent, ...]:
    """Record that a post's poll has closed, once its time has come."""
    live = post.post if isinstance(post, Held | TakenDown) else post
    if not isinstance(live, Live) or live.poll is None or live.poll_closed or live.poll.open(at):
        return ()
    return (PostPollClosed(live.author),)


def may_comment(live: Live, commenter: MemberId, *, friends: bool) -> bool:
    """Whether somebody who sees the post may comment on it."""
    match live.commenting:
        case "everyone":
            return True
        case "friends":
            return friends or commenter == live.author
        case "nobody":
            return False
        case _:
            assert_never(live.commenting)


def delete(post: Post, editor: MemberId) -> tuple[PostEvent, ...]:
    """Take a post away."""
    if isinstance(post, Deleted) and post.author == editor:
        return ()
    own(post, editor)
    return (PostDeleted(editor, post.counts_at if isinstance(post, Live) else None),)


def erase(post: Post, author: MemberId) -> tuple[PostEvent, ...]:
    """Take a post away whose author is forgotten, also one that was taken down."""
    match post:
        case Live() | Held() if post.author == author:
            return delete(post, author)
        case TakenDown() if post.author == author:
            return (PostDeleted(author),)
        case _:
            return ()


def own(post: Post, editor: MemberId) -> Live:
    """What the post says, or will say when it no longer waits, if it is there and the editor's."""
    match post:
        case Live(author=author) if author == editor:
            return post
        case Held(post=live) if live.author == editor:
            return live
        case Live():
            raise Refused("not-yours", "Only its author may change a post.")
        case Unwritten() | Held() | TakenDown() | NeverPublished() | Deleted():
            raise Refused("not-found")
        case _:
            assert_never(post)


def said_at(post: Post) -> int:
    """The version in which its author last gave it words; 0 when there are none to decide of."""
    match post:
        case Live(said=said) | Held(post=Live(said=said)) | TakenDown(post=Live(said=said)):
            return said
        case _:
            return 0


def _check_title(kind: PostKind, content: PostContent) -> None:
    if kind == "diary" and content.title is None:
        raise Refused("title-missing", "A diary has a title.", "/title")
    if kind != "diary" and content.title is not None:
        raise Refused("title-unexpected", "Only a diary has a title.", "/title")
