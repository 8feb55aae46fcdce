"""
Commands about comments and likes, which live with whoever makes them.
"""

from uuid import UUID

import msgspec

from commands.referrals import nothing_to_decide, published_as
from commands.relations import (
    acting_member,
    check_id,
    publishing_member,
    relation,
    visible_post,
)
from commands.retentions import retain
from commands.types import CommentText
from commands.work import Outcome, Work
from domain import comment as decisions
from domain import like as likes
from domain.audience import Friends, Public, visible
from domain.case_events import Subject
from domain.comment import COMMENT, Deleted, TakenDown, comment_stream
from domain.event import Refused
from domain.ids import CommentId, MemberId, PostId, cell_of
from domain.like import LIKE, like_stream
from domain.post import POST, Live, may_comment, post_stream
from domain.post import Deleted as DeletedPost
from domain.post import TakenDown as TakenDownPost
from domain.sealed import KeyClass


class WriteComment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A comment, or an answer to one."""

    text: CommentText
    reply_to: UUID | None = None


async def write(post: PostId, command: WriteComment, work: Work) -> Outcome:
    """Comment on a post that one can see."""
    author = await publishing_member(work)
    under = await visible_post(work, author, post)
    await _may_comment(work, author, under)
    reply_to = None if command.reply_to is None else CommentId(command.reply_to)
    answered: decisions.Comment = decisions.Unwritten()
    if reply_to is not None:
        check_id(work, comment_stream(reply_to), "no-such-comment", "/reply_to")
        answered = await work.load(COMMENT, comment_stream(reply_to))
        if not await _is_visible(work, author, answered):
            answered = decisions.Unwritten()
    comment = CommentId(work.mint(cell_of(author)))
    stream = comment_stream(comment)
    work.fresh(COMMENT, stream)
    found = await work.screen(cell_of(author), {"text": command.text})
    text = await work.vault.seal(author, KeyClass.CONTENT, command.text, comment)
    events = decisions.write(comment, author, post, under.author, text, reply_to, answered, found)
    work.append(COMMENT, stream, author, events)
    subject = Subject("comment", comment, author)
    state, refused = await published_as(work, subject, found, len(events))
    return Outcome(comment, (stream, 1), state=state, status=201, refused=refused)


async def _may_comment(work: Work, author: MemberId, under: Live) -> None:
    if under.commenting == "everyone":
        return
    stands = await relation(work, author, under.author, Friends())
    if not may_comment(under, author, friends=stands.friends):
        raise Refused("comments-closed", "You may not comment on this post.")


async def delete(comment: CommentId, work: Work) -> Outcome:
    """Take away one's own comment, or any under one's own post."""
    stream = comment_stream(comment)
    check_id(work, stream)
    work.cell = cell_of(stream)
    editor = await acting_member(work)
    state = await work.load(COMMENT, stream)
    if isinstance(state, decisions.Held) and editor != state.comment.author:
        raise Refused("not-found")
    if isinstance(state, decisions.Live) and editor not in (state.author, state.post_author):
        await visible_post(work, editor, state.post)
        if not await _is_visible(work, editor, state):
            raise Refused("not-found")
    events = decisions.delete(state, editor)
    if events:
        author = events[0].author
        work.append(COMMENT, stream, author, events)
        await retain(work, author, "comment", comment)
        await nothing_to_decide(work, Subject("comment", comment, author), "deleted")
    since = state.since if isinstance(state, Deleted | TakenDown) else work.version(stream) + 1
    return Outcome(comment, (stream, since), state="deleted")


async def _is_visible(work: Work, viewer: MemberId, comment: decisions.Comment) -> bool:
    """Whether the gate of a comment, under a post that is visible, is open to the viewer."""
    if not isinstance(comment, decisions.Live):
        return False
    return visible(True, Public(), await relation(work, viewer, comment.author, Public()))


async def like(post: PostId, work: Work) -> Outcome:
    """Like a post that one can see."""
    member = await acting_member(work)
    liked = await visible_post(work, member, post)
    stream = like_stream(member, post)
    state = await work.load(LIKE, stream)
    work.append(LIKE, stream, member, likes.give(state, member, post, liked.author))
    return Outcome(post, (stream, state.since), state="liked")


async def unlike(post: PostId, work: Work) -> Outcome:
    """Like a post no longer, whether it can still be seen or not, if one ever did."""
    member = await acting_member(work)
    check_id(work, post)
    stream = like_stream(member, post)
    state = await work.load(LIKE, stream)
    if state.since == 0:
        await visible_post(work, member, post)
        return Outcome(post, (stream, 0), state="not_liked")
    target = await work.load(POST, post_stream(post))
    # From what staff took down as from what its author deleted: nobody is to tell the two apart.
    if not isinstance(target, Live | TakenDownPost | DeletedPost):
        raise Refused("not-found")
    work.append(LIKE, stream, member, likes.withdraw(state, member, post, target.author))
    return Outcome(post, (stream, state.since), state="not_liked")
