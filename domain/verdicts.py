"""
What a verdict makes of the thing it is about: the transitions there are, and no others.

    held, private view → approve → published      published → unpublish → taken down
                       → reject  → taken down     taken down → restore → as it was, or published
    an edit or a name that waits → approve, reject
    anything that does not wait → no action

Nothing goes on waiting once it is decided: what is taken down, or a name that is given back, takes
along the edit or the name that waited.

A post, a comment, a nickname, an album and a photo each have their events; the table is the same
for all.
"""

from typing import Literal, TypeAlias, assert_never

import msgspec

from domain import account as accounts
from domain import album as albums
from domain import comment as comments
from domain import photo as photos
from domain import post as posts
from domain.account import Account
from domain.account_events import (
    AccountEvent,
    NicknameApproved,
    NicknameRejected,
    NicknameRestored,
    NicknameWithdrawn,
)
from domain.album import AnyAlbum
from domain.album_events import AlbumEvent
from domain.comment import Comment, CommentEvent
from domain.event import Refused
from domain.exhibit import Down, Published, Standing, Waiting
from domain.ids import CaseId, DecisionId
from domain.photo import AnyPhoto
from domain.photo_events import PhotoEvent
from domain.post import Post
from domain.post_events import (
    PostApproved,
    PostContent,
    PostEditApproved,
    PostEditRejected,
    PostEvent,
    PostRejected,
    PostRestored,
    PostUnpublished,
    newly,
)

Verdict: TypeAlias = Literal["approve", "reject", "unpublish", "restore", "no_action"]


class NotPossible(Refused):
    """Nothing of that kind can be decided of the thing as it is."""

    def __init__(self, verdict: Verdict, state: str) -> None:
        said = verdict.replace("_", " ")
        super().__init__("verdict-not-possible", f"'{said}' decides nothing here: {state}.")


def _approved(live: posts.Live, case: CaseId, decision: DecisionId) -> PostApproved:
    told = live.share_of, live.original_author, live.content.mentions
    return PostApproved(live.author, live.audience, case, decision, *told)


def of_post(
    post: Post, verdict: Verdict, case: CaseId, decision: DecisionId
) -> tuple[PostEvent, ...]:
    """What a verdict makes of a post."""
    match verdict, post:
        case "approve", posts.Held(post=live):
            return (_approved(live, case, decision),)
        case "approve", posts.Live(pending=PostContent() as content):
            told = post.next_edition, newly(content, post.content)
            return (PostEditApproved(post.author, content, case, decision, *told),)
        case "reject", posts.Held(post=live):
            return (PostRejected(live.author, case, decision),)
        case "reject", posts.Live(pending=PostContent()):
            return _edit_rejected(post, case, decision)
        case "unpublish", posts.Live():
            settled = _edit_rejected(post, case, decision)
            return (*settled, PostUnpublished(post.author, case, decision, post.counts_at))
        case "restore", posts.TakenDown(post=live, was="published"):
            back = PostRestored(
                live.author, live.audience, case, decision, live.next_edition, live.counts_at
            )
            return (back, *_edit_rejected(live, case, decision))
        case "restore", posts.TakenDown(post=live, was="held"):
            return (_approved(live, case, decision),)
        case "no_action", posts.Held():
            raise NotPossible(verdict, "it waits to be approved or rejected")
        case "no_action", posts.Live(pending=PostContent()):
            raise NotPossible(verdict, "an edit waits to be approved or rejected")
        case ("approve", posts.Live()) | ("no_action", _):
            return ()
        case _:
            raise NotPossible(verdict, _state_of_post(post))


def _edit_rejected(
    live: posts.Live, case: CaseId, decision: DecisionId
) -> tuple[PostEditRejected, ...]:
    return () if live.pending is None else (PostEditRejected(live.author, case, decision),)


def _state_of_post(post: Post) -> str:
    match post:
        case posts.Live():
            return "the post is published"
        case posts.Held():
            return "the post waits"
        case posts.TakenDown():
            return "the post is taken down"
        case posts.NeverPublished():
            return "the post was never published"
        case posts.Deleted():
            return "its author has deleted the post"
        case posts.Unwritten():
            return "there is no such post"
        case _:
            assert_never(post)


def of_comment(
    comment: Comment, verdict: Verdict, case: CaseId, decision: DecisionId
) -> tuple[CommentEvent, ...]:
    """What a verdict makes of a comment."""
    match verdict, comment:
        case "approve", comments.Held(comment=live):
            return (_ruled(comments.CommentApproved, live, case, decision),)
        case "approve", comments.Live():
            return ()
        case "reject", comments.Held(comment=live):
            return (_ruled(comments.CommentRejected, live, case, decision),)
        case "unpublish", comments.Live():
            return (_ruled(comments.CommentUnpublished, comment, case, decision),)
        case "restore", comments.TakenDown(comment=live, was="published"):
            return (_ruled(comments.CommentRestored, live, case, decision),)
        case "restore", comments.TakenDown(comment=live, was="held"):
            approved = _ruled(comments.CommentApproved, live, case, decision)
            return (msgspec.structs.replace(approved, waited=False),)
        case "no_action", comments.Held():
            raise NotPossible(verdict, "it waits to be approved or rejected")
        case "no_action", _:
            return ()
        case _:
            raise NotPossible(verdict, _state_of_comment(comment))


_Ruling: TypeAlias = (
    type[comments.CommentApproved]
    | type[comments.CommentRejected]
    | type[comments.CommentUnpublished]
    | type[comments.CommentRestored]
)


def _ruled(kind: _Ruling, live: comments.Live, case: CaseId, decision: DecisionId) -> CommentEvent:
    return kind(live.author, live.post, live.post_author, case, decision, live.answered)


def _state_of_comment(comment: Comment) -> str:
    match comment:
        case comments.Live():
            return "the comment is published"
        case comments.Held():
            return "the comment waits"
        case comments.TakenDown():
            return "the comment is taken down"
        case comments.NeverPublished():
            return "the comment was never published"
        case comments.Deleted():
            return "the comment is deleted"
        case comments.Unwritten():
            return "there is no such comment"
        case _:
            assert_never(comment)


def of_nickname(
    account: Account, verdict: Verdict, case: CaseId, decision: DecisionId
) -> tuple[AccountEvent, ...]:
    """What a verdict makes of a member's nickname."""
    if isinstance(account, accounts.Nobody):
        raise NotPossible(verdict, "there is no such member")
    member, names = account.member, account.names
    waits = names.pending is not None
    rejected = (NicknameRejected(member, case, decision),) if waits else ()
    match verdict:
        case "approve" if names.pending is not None:
            return (NicknameApproved(member, names.pending, case, decision),)
        case "approve" if names.withdrawn is None:
            return ()
        case "reject" if waits:
            return rejected
        case "unpublish" if names.withdrawn is None:
            return (*rejected, NicknameWithdrawn(member, names.qq, case, decision))
        case "restore" if names.withdrawn is not None:
            return (*rejected, NicknameRestored(member, names.withdrawn, case, decision))
        case "no_action" if not waits:
            return ()
        case _:
            raise NotPossible(verdict, _state_of(names))


def _state_of(names: accounts.Names) -> str:
    if names.pending is not None:
        return "a new nickname waits"
    return "the nickname is seen" if names.withdrawn is None else "the nickname is withdrawn"


def of_member(verdict: Verdict) -> tuple[AccountEvent, ...]:
    """A verdict makes nothing of a member; the penalty that comes with it does."""
    if verdict == "no_action":
        return ()
    raise NotPossible(verdict, "a member is not published")


def of_album(
    album: AnyAlbum, verdict: Verdict, case: CaseId, decision: DecisionId
) -> tuple[AlbumEvent, ...]:
    """What a verdict makes of an album."""
    events = albums.judge(album, verdict, case, decision)
    if events is None:
        standing = album.standing if isinstance(album, albums.Album) else None
        raise NotPossible(verdict, f"the album {_how_it_stands(standing)}")
    return events


def of_photo(
    photo: AnyPhoto, verdict: Verdict, case: CaseId, decision: DecisionId
) -> tuple[PhotoEvent, ...]:
    """What a verdict makes of a photo."""
    events = photos.judge(photo, verdict, case, decision)
    if events is None:
        standing = photo.standing if isinstance(photo, photos.Photo) else None
        raise NotPossible(verdict, f"the photo {_how_it_stands(standing)}")
    return events


def _how_it_stands(standing: Standing | None) -> str:
    match standing:
        case None:
            return "is not there"
        case Published():
            return "is published"
        case Waiting():
            return "waits"
        case Down():
            return "is taken down"
        case _:
            assert_never(standing)
