"""
Notices: what others did that a member wants to know of, as references; each passes its gate when it
is read. Rows stand in the recipient's cell, each written by the cell of whoever did it.

A notice is of one kind and about one subject: all likes of a post are one notice. It has a row for
each thing that came to it (``notices``), and a head for each cell that they came from
(``notice_heads``), so that a page takes as many steps as it has notices, however many like a post.

A new kind is a name in :mod:`domain.notices`, an entry in ``HOW`` and a branch in ``_news``.
"""

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Column, Index, SmallInteger, Table, Text, Uuid

from domain.badge import BadgeAwarded
from domain.case_events import CaseDecided
from domain.circle import (
    FriendAccepted,
    FriendConfirmed,
    FriendEnded,
    FriendLapsed,
    FriendRequestReceived,
)
from domain.comment import CommentApproved, CommentDeleted, CommentTakenBack, CommentWritten
from domain.event import Event, Recorded
from domain.ids import MemberId, cell_of, derive
from domain.like import LikeGiven, LikeWithdrawn
from domain.message import MessageApproved, MessageDeleted, MessageTakenBack, MessageWritten
from domain.notices import NoticeKind, NoticePreferencesChanged, NoticesRead
from domain.post_events import PostApproved, PostEditApproved, PostEdited, PostPublished
from domain.received_gift import GiftReceived
from projections.decisions import concerns_owner
from projections.rows import Change, Drop, Put
from projections.tables import METADATA, MOMENT, cell, key

#: What has to be so for a thing to show: it is a comment that can be seen, a like, a post that can
#: be seen, a request that is open, a friendship that stands, something from a member who is not
#: blocked, or the member's own. Where it is about a post, that has to be visible as well.
How: TypeAlias = Literal["comment", "like", "post", "request", "friends", "sender", "own"]
HOW: Final[dict[NoticeKind, How]] = {
    "comment": "comment",
    "reply": "comment",
    "like": "like",
    "share": "post",
    "mention": "post",
    "message": "comment",
    "friend_request": "request",
    "friend_accepted": "friends",
    "gift": "sender",
    "decision": "own",
    "badge": "own",
}

NOTICES = Table(
    "notices",
    METADATA,
    cell(),
    key("member"),
    key("notice"),
    key("source"),
    Column("actor", Uuid, nullable=False),
    Column("source_cell", SmallInteger, nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("notices_newest", "cell", "member", "notice", "at", "source"),
)

NOTICE_HEADS = Table(
    "notice_heads",
    METADATA,
    cell(),
    key("member"),
    key("notice"),
    Column("source_cell", SmallInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("about", Uuid),
    Column("at", MOMENT, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("notice_heads_newest", "cell", "member", "at", "notice", "source_cell"),
    Index("notice_heads_unread", "cell", "member", "source_cell", "position"),
)

#: What a member does not want, and how far all was read: kinds, and pairs of cell and position.
NOTICE_SETTINGS = Table(
    "notice_settings", METADATA, cell(), key("member"), Column("muted", Text, nullable=False)
)
NOTICE_MARKS = Table(
    "notice_marks",
    METADATA,
    cell(),
    key("member"),
    key("notice"),
    Column("until", Text, nullable=False),
)
#: Under this name stands the mark of all notices.
ALL: Final = UUID(int=0)


class News(msgspec.Struct, frozen=True):
    """
    Something to tell a member.

    :param subject: what the notice is about; all news of it are one notice.
    :param source: the thing itself, in the cell of ``actor``, who did it.
    :param about: the post that has to be visible, where there is one.
    """

    member: MemberId
    kind: NoticeKind
    subject: UUID
    source: UUID
    actor: MemberId
    about: UUID | None = None


def notice_id(member: MemberId, kind: str, subject: UUID) -> UUID:
    """The one notice of a kind about a subject."""
    return derive(cell_of(member), f"notice/{kind}", member, subject)


class Notices:
    """The read model."""

    name = "notices"
    tables = (NOTICES, NOTICE_HEADS, NOTICE_SETTINGS, NOTICE_MARKS)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        for one in _news(recorded):
            yield from _told(recorded, one)
        event = recorded.event
        match event:
            case CommentDeleted() | CommentTakenBack():
                for one in _of_comment(recorded, event):
                    yield _gone(one)
            case LikeWithdrawn():
                yield _gone(_of_like(recorded, event))
            case MessageDeleted() | MessageTakenBack():
                yield _gone(_of_message(recorded, event))
            case FriendAccepted() | FriendEnded() | FriendLapsed():
                yield from _over(recorded, "friend_request", event.member, event.other)
                if not isinstance(event, FriendAccepted):
                    yield from _over(recorded, "friend_accepted", event.member, event.other)
            case NoticePreferencesChanged(member=member, muted=muted):
                yield Put(NOTICE_SETTINGS, (recorded.cell, member), {"muted": " ".join(muted)})
            case NoticesRead(member=member, notice=notice, until=until, forgotten=forgotten):
                mark = msgspec.json.encode(until).decode()
                at = (recorded.cell, member, ALL if notice is None else notice)
                yield Put(NOTICE_MARKS, at, {"until": mark})
                for one_id in forgotten:
                    yield Drop(NOTICE_MARKS, (recorded.cell, member, one_id))
            case _:
                return


def _news(recorded: Recorded) -> Iterator[News]:
    event, stream = recorded.event, recorded.stream
    yield from _of_mentions(recorded, event)
    match event:
        case CommentWritten() | CommentApproved():
            yield from _of_comment(recorded, event)
        case MessageWritten() | MessageApproved() if event.author != event.space:
            yield _of_message(recorded, event)
        case LikeGiven() if event.member != event.post_author:
            yield _of_like(recorded, event)
        case (
            PostPublished(author=author, share_of=UUID() as post, original_author=original)
            | PostApproved(author=author, share_of=UUID() as post, original_author=original)
        ) if original is not None and original != author:
            yield News(original, "share", post, stream, author, post)
        case FriendRequestReceived(member=member, other=other):
            yield News(member, "friend_request", other, other, other)
        case FriendConfirmed(member=member, other=other):
            yield News(member, "friend_accepted", other, other, other)
        case GiftReceived(member=member, sender=sender, order=order):
            yield News(member, "gift", order, order, sender)
        case CaseDecided(subject=subject, decision=decision) if concerns_owner(decision):
            owner = subject.owner
            yield News(owner, "decision", decision.id, decision.id, owner)
        case BadgeAwarded(member=member):
            yield News(member, "badge", stream, stream, member)
        case _:
            return


def _of_comment(
    recorded: Recorded,
    event: CommentWritten | CommentApproved | CommentDeleted | CommentTakenBack,
) -> Iterator[News]:
    """Whoever is answered hears of the answer; else whose post it is, of the comment."""
    author, post, answered = event.author, event.post, event.answered
    if answered is not None and answered != author:
        yield News(answered, "reply", post, recorded.stream, author, post)
    if event.post_author not in (author, answered):
        yield News(event.post_author, "comment", post, recorded.stream, author, post)


def _of_mentions(recorded: Recorded, event: Event) -> Iterator[News]:
    """Whom a post mentions that did not before; each is shown it if they see the post."""
    match event:
        case PostPublished(author=author, content=content):
            mentioned = content.mentions
        case (
            PostApproved(author=author, mentioned=mentioned)
            | PostEdited(author=author, mentioned=mentioned)
            | PostEditApproved(author=author, mentioned=mentioned)
        ):
            pass
        case _:
            return
    for member in mentioned:
        yield News(member, "mention", recorded.stream, recorded.stream, author, recorded.stream)


def _of_message(
    recorded: Recorded,
    event: MessageWritten | MessageApproved | MessageDeleted | MessageTakenBack,
) -> News:
    """Whose board it is hears of it."""
    return News(event.space, "message", event.space, recorded.stream, event.author)


def _of_like(recorded: Recorded, event: LikeGiven | LikeWithdrawn) -> News:
    return News(event.post_author, "like", event.post, recorded.stream, event.member, event.post)


def _told(recorded: Recorded, one: News) -> Iterator[Change]:
    notice, home = notice_id(one.member, one.kind, one.subject), cell_of(one.member)
    came = {"at": recorded.recorded_at, "position": recorded.position}
    values = {"actor": one.actor, "source_cell": recorded.cell, **came}
    yield Put(NOTICES, (home, one.member, notice, one.source), values)
    head = {"kind": one.kind, "subject": one.subject, "about": one.about, **came}
    yield Put(NOTICE_HEADS, (home, one.member, notice, recorded.cell), head)


def _gone(one: News) -> Change:
    notice = notice_id(one.member, one.kind, one.subject)
    return Drop(NOTICES, (cell_of(one.member), one.member, notice, one.source))


def _over(
    recorded: Recorded, kind: NoticeKind, member: MemberId, other: MemberId
) -> Iterator[Change]:
    """What is between two members alone goes with its head."""
    notice, home = notice_id(member, kind, other), cell_of(member)
    yield Drop(NOTICES, (home, member, notice, other))
    yield Drop(NOTICE_HEADS, (home, member, notice, recorded.cell))
