"""
Comments, in threads: a comment lives with the one who made it, so that a popular page is never a
hot cell.
"""

from typing import Literal, TypeAlias, assert_never

import msgspec

from domain.event import Aggregate, Event, Refused
from domain.ids import CaseId, CommentId, DecisionId, MemberId, PostId, StreamId
from domain.promise import Promise
from domain.screening import Found, Screening, Wait
from domain.sealed import Sealed

COMMENT_LENGTH_MAX = 2_000


class CommentWritten(Event, frozen=True, tag="comment.written.v1"):
    """
    A comment stands under a post. ``thread`` is the comment that began its thread, itself when it
    did; ``reply_to`` the one it answers, and ``answered`` who wrote that one, so that they can be
    told without looking it up.
    """

    author: MemberId
    post: PostId
    post_author: MemberId
    text: Sealed[str]
    thread: CommentId
    reply_to: CommentId | None = None
    answered: MemberId | None = None


class CommentDeleted(Event, frozen=True, tag="comment.deleted.v1"):
    """
    Taken away by its author, or by the post's. One that was taken down before does not count among
    the post's comments any longer, ``counted``, and goes all the same when its author is forgotten.
    """

    author: MemberId
    post: PostId
    post_author: MemberId
    by: Literal["author", "post_author"]
    answered: MemberId | None = None
    counted: bool = True


class CommentHeld(Event, frozen=True, tag="comment.held.v1"):
    """Kept back until somebody decides: only its author sees it, and that it waits."""

    author: MemberId
    post: PostId
    post_author: MemberId
    text: Sealed[str]
    thread: CommentId
    how: Wait
    screening: Screening
    promise: Promise
    reply_to: CommentId | None = None
    answered: MemberId | None = None


class CommentTakenBack(Event, frozen=True, tag="comment.taken_back.v1"):
    """Taken away by its author while it waited."""

    author: MemberId
    post: PostId
    post_author: MemberId
    answered: MemberId | None = None


class CommentRefused(Event, frozen=True, tag="comment.refused.v1"):
    """An attempt that was not published, for nobody to see but those who audit."""

    author: MemberId
    post: PostId
    post_author: MemberId
    text: Sealed[str]
    screening: Screening
    reply_to: CommentId | None = None


class CommentFlagged(Event, frozen=True, tag="comment.flagged.v1"):
    """It stands, and somebody is to look at it. Follows the event that wrote it."""

    author: MemberId
    screening: Screening


class CommentRuled(Event, frozen=True):
    """What people decided of a comment; whom that concerns, told without looking it up."""

    author: MemberId
    post: PostId
    post_author: MemberId
    case: CaseId
    decision: DecisionId
    answered: MemberId | None = None


class CommentApproved(CommentRuled, frozen=True, tag="comment.approved.v1"):
    """
    What was kept back stands under its post now. ``waited`` says that it was waiting until now;
    otherwise a rejection was undone.
    """

    waited: bool = True


class CommentRejected(CommentRuled, frozen=True, tag="comment.rejected.v1"):
    """What was kept back is not published."""


class CommentUnpublished(CommentRuled, frozen=True, tag="comment.unpublished.v1"):
    """Taken down: nobody sees it."""


class CommentRestored(CommentRuled, frozen=True, tag="comment.restored.v1"):
    """Exactly what was there, where it was."""


CommentEvent: TypeAlias = (
    CommentWritten
    | CommentDeleted
    | CommentHeld
    | CommentTakenBack
    | CommentRefused
    | CommentFlagged
    | CommentApproved
    | CommentRejected
    | CommentUnpublished
    | CommentRestored
)


class Unwritten(msgspec.Struct, frozen=True, gc=False):
    """No such comment."""


class Live(msgspec.Struct, frozen=True, gc=False):
    """A comment that whoever sees its post may see."""

    author: MemberId
    post: PostId
    post_author: MemberId
    thread: CommentId
    answered: MemberId | None = None


class Held(msgspec.Struct, frozen=True, gc=False):
    """A comment that waits: ``comment`` is what it will be once approved."""

    comment: Live
    how: Wait
    since: int


class TakenDown(msgspec.Struct, frozen=True, gc=False):
    """
    A comment that people decided nobody is to see, at version ``since``; ``comment`` is what comes
    back with a restoration, ``was`` what it was before.
    """

    comment: Live
    was: Literal["held", "published"]
    since: int


class NeverPublished(msgspec.Struct, frozen=True, gc=False):
    """An attempt that was refused."""

    author: MemberId
    since: int


class Deleted(msgspec.Struct, frozen=True, gc=False):
    """Gone at version ``since``."""

    author: MemberId
    post_author: MemberId
    since: int


Comment: TypeAlias = Unwritten | Live | Held | TakenDown | NeverPublished | Deleted


def evolve(comment: Comment, event: CommentEvent, version: int) -> Comment:
    """The comment after one more event."""
    match event, comment:
        case ((CommentWritten() | CommentHeld()), _):
            live = Live(event.author, event.post, event.post_author, event.thread, event.answered)
            return Held(live, event.how, version) if isinstance(event, CommentHeld) else live
        case CommentRefused(author=author), _:
            return NeverPublished(author, version)
        case ((CommentDeleted() | CommentTakenBack()), _):
            return Deleted(event.author, event.post_author, version)
        case CommentApproved(), (Held(comment=live) | TakenDown(comment=live)):
            return live
        case CommentRejected(), Held(comment=live):
            return TakenDown(live, "held", version)
        case CommentUnpublished(), Live():
            return TakenDown(comment, "published", version)
        case CommentRestored(), TakenDown(comment=live):
            return live
        case _:
            return comment


COMMENT: Aggregate[Comment] = Aggregate("comment", Unwritten(), evolve)


def comment_stream(comment: CommentId) -> StreamId:
    """A comment's stream bears the comment's own id."""
    return StreamId(comment)


# Decisions


def write(
    id: CommentId,
    author: MemberId,
    post: PostId,
    post_author: MemberId,
    text: Sealed[str],
    reply_to: CommentId | None,
    answered: Comment,
    found: Found | None = None,
) -> tuple[CommentEvent, ...]:
    """
    Comment on a post that the author sees, or what becomes of that instead.

    :param answered: the comment that ``reply_to`` names.
    :param found: what the rules found in it; None when they found nothing.
    """
    thread, whom = id, None
    if reply_to is not None:
        if not isinstance(answered, Live) or answered.post != post:
            raise Refused("no-such-comment", "There is no such comment here.", "/reply_to")
        thread, whom = answered.thread, answered.author
    written = CommentWritten(author, post, post_author, text, thread, reply_to, whom)
    if found is None:
        return (written,)
    screening, promise = found.screening, found.promise
    match found.outcome:
        case "refused":
            return (CommentRefused(author, post, post_author, text, screening, reply_to),)
        case ("held" | "private_view") as how:
            held = CommentHeld(
                author, post, post_author, text, thread, how, screening, promise, reply_to, whom
            )
            return (held,)
        case "flagged":
            return (written, CommentFlagged(author, screening))
        case "published":
            return (written,)
        case _ as never:
            assert_never(never)


def delete(comment: Comment, editor: MemberId) -> tuple[CommentEvent, ...]:
    """Take a comment away: one's own, or any under one's own post."""
    match comment:
        case Live() if editor in (comment.author, comment.post_author):
            by: Literal["author", "post_author"] = (
                "author" if editor == comment.author else "post_author"
            )
            return (
                CommentDeleted(
                    comment.author, comment.post, comment.post_author, by, comment.answered
                ),
            )
        case Held(comment=waiting) if editor == waiting.author:
            taken = CommentTakenBack(
                waiting.author, waiting.post, waiting.post_author, waiting.answered
            )
            return (taken,)
        case Deleted() if editor in (comment.author, comment.post_author):
            return ()
        case TakenDown(comment=live, was="published") if editor in (live.author, live.post_author):
            # It is gone already; by whose hand, the answer does not tell.
            return ()
        case Live():
            raise Refused("not-yours", "Only its author or the post's may delete a comment.")
        case Unwritten() | Held() | TakenDown() | NeverPublished() | Deleted():
            raise Refused("not-found")
        case _:
            assert_never(comment)


def erase(comment: Comment, author: MemberId) -> tuple[CommentEvent, ...]:
    """Take a comment away whose author is forgotten, also one that was taken down."""
    match comment:
        case Live() if comment.author == author:
            return delete(comment, author)
        case Held(comment=waiting) if waiting.author == author:
            return delete(comment, author)
        case TakenDown(comment=live) if live.author == author:
            answered = live.answered
            return (
                CommentDeleted(
                    author, live.post, live.post_author, "author", answered, counted=False
                ),
            )
        case _:
            return ()
