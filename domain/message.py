"""
Messages on the board of a space, in threads. A message lives with the one who wrote it, as a
comment does, so that a popular board is never a hot cell; it belongs to the board, whose owner may
take it away.
"""

from typing import Literal, TypeAlias, assert_never

import msgspec

from domain.event import Aggregate, Event, Refused
from domain.ids import CaseId, DecisionId, MemberId, MessageId, StreamId
from domain.promise import Promise
from domain.screening import Found, Screening, Wait
from domain.sealed import Sealed

MESSAGE_LENGTH_MAX = 2_000


class MessageWritten(Event, frozen=True, tag="message.written.v1"):
    """
    A message stands on the board of ``space``, by the member whose it is. ``thread`` is the
    message that began its thread, itself when it did; ``reply_to`` the one it answers, and
    ``answered`` who wrote that one.
    """

    author: MemberId
    space: MemberId
    text: Sealed[str]
    thread: MessageId
    reply_to: MessageId | None = None
    answered: MemberId | None = None


class MessageDeleted(Event, frozen=True, tag="message.deleted.v1"):
    """Taken away by its author, or by the board's owner."""

    author: MemberId
    space: MemberId
    by: Literal["author", "owner"]
    answered: MemberId | None = None


class MessageHeld(Event, frozen=True, tag="message.held.v1"):
    """Kept back until somebody decides: only its author sees it, and that it waits."""

    author: MemberId
    space: MemberId
    text: Sealed[str]
    thread: MessageId
    how: Wait
    screening: Screening
    promise: Promise
    reply_to: MessageId | None = None
    answered: MemberId | None = None


class MessageTakenBack(Event, frozen=True, tag="message.taken_back.v1"):
    """Taken away by its author while it waited."""

    author: MemberId
    space: MemberId
    answered: MemberId | None = None


class MessageRefused(Event, frozen=True, tag="message.refused.v1"):
    """An attempt that was not published, for nobody to see but those who audit."""

    author: MemberId
    space: MemberId
    text: Sealed[str]
    screening: Screening
    reply_to: MessageId | None = None


class MessageFlagged(Event, frozen=True, tag="message.flagged.v1"):
    """It stands, and somebody is to look at it. Follows the event that wrote it."""

    author: MemberId
    screening: Screening


class MessageRuled(Event, frozen=True):
    """What people decided of a message; whom that concerns, told without looking it up."""

    author: MemberId
    space: MemberId
    case: CaseId
    decision: DecisionId
    answered: MemberId | None = None


class MessageApproved(MessageRuled, frozen=True, tag="message.approved.v1"):
    """
    What was kept back stands on its board now. ``waited`` says that it was waiting until now;
    otherwise a rejection was undone.
    """

    waited: bool = True


class MessageRejected(MessageRuled, frozen=True, tag="message.rejected.v1"):
    """What was kept back is not published."""


class MessageUnpublished(MessageRuled, frozen=True, tag="message.unpublished.v1"):
    """Taken down: nobody sees it."""


class MessageRestored(MessageRuled, frozen=True, tag="message.restored.v1"):
    """Exactly what was there, where it was."""


MessageEvent: TypeAlias = (
    MessageWritten
    | MessageDeleted
    | MessageHeld
    | MessageTakenBack
    | MessageRefused
    | MessageFlagged
    | MessageApproved
    | MessageRejected
    | MessageUnpublished
    | MessageRestored
)


class Unwritten(msgspec.Struct, frozen=True, gc=False):
    """No such message."""


class Live(msgspec.Struct, frozen=True, gc=False):
    """A message that whoever sees its board may see."""

    author: MemberId
    space: MemberId
    thread: MessageId
    answered: MemberId | None = None


class Held(msgspec.Struct, frozen=True, gc=False):
    """A message that waits: ``message`` is what it will be once approved."""

    message: Live
    how: Wait
    since: int


class TakenDown(msgspec.Struct, frozen=True, gc=False):
    """
    A message that people decided nobody is to see, at version ``since``; ``message`` is what comes
    back with a restoration, ``was`` what it was before.
    """

    message: Live
    was: Literal["held", "published"]
    since: int


class NeverPublished(msgspec.Struct, frozen=True, gc=False):
    """An attempt that was refused."""

    author: MemberId
    since: int


class Deleted(msgspec.Struct, frozen=True, gc=False):
    """Gone at version ``since``."""

    author: MemberId
    space: MemberId
    since: int


Message: TypeAlias = Unwritten | Live | Held | TakenDown | NeverPublished | Deleted


def evolve(message: Message, event: MessageEvent, version: int) -> Message:
    """The message after one more event."""
    match event, message:
        case ((MessageWritten() | MessageHeld()), _):
            live = Live(event.author, event.space, event.thread, event.answered)
            return Held(live, event.how, version) if isinstance(event, MessageHeld) else live
        case MessageRefused(author=author), _:
            return NeverPublished(author, version)
        case ((MessageDeleted() | MessageTakenBack()), _):
            return Deleted(event.author, event.space, version)
        case MessageApproved(), (Held(message=live) | TakenDown(message=live)):
            return live
        case MessageRejected(), Held(message=live):
            return TakenDown(live, "held", version)
        case MessageUnpublished(), Live():
            return TakenDown(message, "published", version)
        case MessageRestored(), TakenDown(message=live):
            return live
        case _:
            return message


MESSAGE: Aggregate[Message] = Aggregate("message", Unwritten(), evolve)


def message_stream(message: MessageId) -> StreamId:
    """A message's stream bears the message's own id."""
    return StreamId(message)


# Decisions


def write(
    id: MessageId,
    author: MemberId,
    space: MemberId,
    text: Sealed[str],
    reply_to: MessageId | None,
    answered: Message,
    found: Found | None = None,
) -> tuple[MessageEvent, ...]:
    """
    Write on a board that the author sees and may write on, or what becomes of that instead.

    :param answered: the message that ``reply_to`` names.
    :param found: what the rules found in it; None when they found nothing.
    """
    thread, whom = id, None
    if reply_to is not None:
        if not isinstance(answered, Live) or answered.space != space:
            raise Refused("no-such-message", "There is no such message here.", "/reply_to")
        thread, whom = answered.thread, answered.author
    written = MessageWritten(author, space, text, thread, reply_to, whom)
    if found is None:
        return (written,)
    screening, promise = found.screening, found.promise
    match found.outcome:
        case "refused":
            return (MessageRefused(author, space, text, screening, reply_to),)
        case ("held" | "private_view") as how:
            held = MessageHeld(author, space, text, thread, how, screening, promise, reply_to, whom)
            return (held,)
        case "flagged":
            return (written, MessageFlagged(author, screening))
        case "published":
            return (written,)
        case _ as never:
            assert_never(never)


def delete(message: Message, editor: MemberId) -> tuple[MessageEvent, ...]:
    """Take a message away: one's own, or any on one's own board."""
    match message:
        case Live() if editor in (message.author, message.space):
            by: Literal["author", "owner"] = "author" if editor == message.author else "owner"
            return (MessageDeleted(message.author, message.space, by, message.answered),)
        case Held(message=waiting) if editor == waiting.author:
            taken = MessageTakenBack(waiting.author, waiting.space, waiting.answered)
            return (taken,)
        case Deleted() if editor in (message.author, message.space):
            return ()
        case TakenDown(message=live, was="published") if editor in (live.author, live.space):
            # It is gone already; by whose hand, the answer does not tell.
            return ()
        case Live():
            raise Refused("not-yours", "Only its author or the board's owner may delete a message.")
        case Unwritten() | Held() | TakenDown() | NeverPublished() | Deleted():
            raise Refused("not-found")
        case _:
            assert_never(message)


def erase(message: Message, author: MemberId) -> tuple[MessageEvent, ...]:
    """Take a message away whose author is forgotten, also one that was taken down."""
    match message:
        case Live() if message.author == author:
            return delete(message, author)
        case Held(message=waiting) if waiting.author == author:
            return delete(message, author)
        case TakenDown(message=live) if live.author == author:
            return (MessageDeleted(author, live.space, "author", live.answered),)
        case _:
            return ()
