"""
Commands about messages on boards, which live with whoever writes them.
"""

from uuid import UUID

import msgspec

from commands.referrals import nothing_to_decide, published_as
from commands.relations import (
    acting_member,
    check_id,
    other_member,
    publishing_member,
    relation,
)
from commands.retentions import retain
from commands.types import CommentText
from commands.work import Outcome, Work
from domain import message as decisions
from domain.audience import Friends, Public, Relation, visible
from domain.case_events import Subject
from domain.event import Refused
from domain.home import HOME, Home, check_writer, home_stream, open_to
from domain.ids import MemberId, MessageId, cell_of
from domain.message import MESSAGE, Deleted, Held, Live, TakenDown, message_stream
from domain.sealed import KeyClass


class WriteMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message, or an answer to one."""

    text: CommentText
    reply_to: UUID | None = None


async def write(space: MemberId, command: WriteMessage, work: Work) -> Outcome:
    """Write on a board that one can see and may write on."""
    author = await publishing_member(work)
    owner = await other_member(work, space)
    home, stands = await visible_board(work, author, owner)
    check_writer(home, stands)
    reply_to = None if command.reply_to is None else MessageId(command.reply_to)
    answered: decisions.Message = decisions.Unwritten()
    if reply_to is not None:
        check_id(work, reply_to, "no-such-message", "/reply_to")
        answered = await work.load(MESSAGE, message_stream(reply_to))
        if not await _is_visible(work, author, answered):
            answered = decisions.Unwritten()
    message = MessageId(work.mint(cell_of(author)))
    stream = message_stream(message)
    work.fresh(MESSAGE, stream)
    found = await work.screen(cell_of(author), {"text": command.text})
    text = await work.vault.seal(author, KeyClass.CONTENT, command.text, message)
    events = decisions.write(message, author, owner, text, reply_to, answered, found)
    work.append(MESSAGE, stream, author, events)
    subject = Subject("message", message, author)
    state, refused = await published_as(work, subject, found, len(events))
    return Outcome(message, (stream, 1), state=state, status=201, refused=refused)


async def delete(message: MessageId, work: Work) -> Outcome:
    """Take away one's own message, or any on one's own board."""
    stream = message_stream(message)
    check_id(work, stream)
    work.cell = cell_of(stream)
    editor = await acting_member(work)
    state = await work.load(MESSAGE, stream)
    if isinstance(state, Held) and editor != state.message.author:
        raise Refused("not-found")
    if isinstance(state, Live) and editor not in (state.author, state.space):
        await visible_board(work, editor, state.space)
        if not await _is_visible(work, editor, state):
            raise Refused("not-found")
    events = decisions.delete(state, editor)
    if events:
        author = events[0].author
        work.append(MESSAGE, stream, author, events)
        await retain(work, author, "message", message)
        await nothing_to_decide(work, Subject("message", message, author), "deleted")
    since = state.since if isinstance(state, Deleted | TakenDown) else work.version(stream) + 1
    return Outcome(message, (stream, since), state="deleted")


async def visible_board(
    work: Work, viewer: MemberId, owner: MemberId, field: str | None = None
) -> tuple[Home, Relation]:
    """
    A board that the viewer may see, and how they stand to its owner.

    :raises Refused: it is not for the viewer, which looks as if there were none.
    """
    home = (await work.load(HOME, home_stream(owner))).home
    stands = await relation(work, viewer, owner, Friends())
    if not open_to(home, "messages", stands):
        raise Refused("not-found", field=field)
    return home, stands


async def _is_visible(work: Work, viewer: MemberId, message: decisions.Message) -> bool:
    """Whether the gate of a message, on a board that is visible, is open to the viewer."""
    if not isinstance(message, Live):
        return False
    return visible(True, Public(), await relation(work, viewer, message.author, Public()))
