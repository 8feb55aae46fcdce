"""
Gates: for each piece of content, whether it is there and for whom. Written inline, so that what is
withdrawn is gone from everywhere at the commit: feeds, pages and streams hold only references, and
each passes the gate when it is read.

Every state a gate ever had is kept as a history row, from its position until the next; its time
puts it in one order with what other cells recorded.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, Uuid, text

from domain.album_events import (
    AlbumApproved,
    AlbumAudienceChanged,
    AlbumCreated,
    AlbumDeleted,
    AlbumHeld,
    AlbumRejected,
    AlbumRestored,
    AlbumUnpublished,
)
from domain.audience import Audience, Friends, Listed, OnlyMe, Public
from domain.comment import (
    CommentApproved,
    CommentDeleted,
    CommentHeld,
    CommentRejected,
    CommentRestored,
    CommentTakenBack,
    CommentUnpublished,
    CommentWritten,
)
from domain.event import Event, Recorded
from domain.ids import MemberId
from domain.message import (
    MessageApproved,
    MessageDeleted,
    MessageHeld,
    MessageRejected,
    MessageRestored,
    MessageTakenBack,
    MessageUnpublished,
    MessageWritten,
)
from domain.photo_events import (
    PhotoAdded,
    PhotoApproved,
    PhotoDeleted,
    PhotoHeld,
    PhotoMoved,
    PhotoRejected,
    PhotoRestored,
    PhotoUnpublished,
)
from domain.post_events import (
    PostApproved,
    PostAudienceChanged,
    PostAudienceIntended,
    PostCommentingChanged,
    PostDeleted,
    PostEditApproved,
    PostEdited,
    PostHeld,
    PostPublished,
    PostRejected,
    PostRestored,
    PostUnpublished,
)
from projections.lists import audience_list
from projections.rows import Change, Patch, Put
from projections.tables import METADATA, MOMENT, cell, key

GATES = Table(
    "gates",
    METADATA,
    cell(),
    key("content"),
    Column("author", Uuid, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("audience", Text, nullable=False),
    Column("list", Uuid),
    Column("parent", Uuid),
    Column("version", Integer, nullable=False),
)

GATE_HISTORY = Table(
    "gate_history",
    METADATA,
    cell(),
    key("content"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("author", Uuid, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("audience", Text),
    Column("list", Uuid),
    Column("at", MOMENT, nullable=False),
    Index("gate_history_by_list", "cell", "list", postgresql_where=text("list IS NOT NULL")),
    info={"append_only": True},
)

_NAMES: dict[type[Audience], str] = {
    Public: "public",
    Friends: "friends",
    OnlyMe: "only_me",
    Listed: "list",
}


def audience_name(audience: Audience) -> str:
    """The word for an audience, in rows and answers alike."""
    return _NAMES[type(audience)]


_AUDIENCES: dict[str, Audience] = {
    "public": Public(),
    "friends": Friends(),
    "only_me": OnlyMe(),
    "list": Listed(),
}


def audience_of(name: str) -> Audience:
    """The audience that a row names; who is listed is in the relation."""
    return _AUDIENCES[name]


class Gates:
    """The read model."""

    name = "gates"
    tables = (GATES, GATE_HISTORY)
    inline = True

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        match event:
            case PostPublished(author=author, audience=audience):
                which = audience_list(recorded, audience)
                yield _gate(recorded, author, audience_name(audience), which, None)
                yield _past(recorded, author, True, audience_name(audience), which)
            case PostHeld(author=author) | CommentHeld(author=author) | MessageHeld(author=author):
                # What waits is for its author alone; whom it is for, once it no longer
                # waits, the event says that ends it.
                parent = _parent(event)
                yield _gate(recorded, author, "only_me", None, parent)
                yield _past(recorded, author, True, "only_me", None)
            case (
                PostAudienceChanged(author=author, audience=audience)
                | PostApproved(author=author, audience=audience)
                | PostRestored(author=author, audience=audience)
            ):
                which = audience_list(recorded, audience)
                named = {"live": True, "audience": audience_name(audience), "list": which}
                yield _patch(recorded, named)
                yield _past(recorded, author, True, audience_name(audience), which)
            case (
                PostEdited() | PostEditApproved() | PostAudienceIntended() | PostCommentingChanged()
            ):
                yield _patch(recorded, {})
            case (
                PostDeleted(author=author)
                | PostRejected(author=author)
                | PostUnpublished(author=author)
                | CommentDeleted(author=author)
                | CommentTakenBack(author=author)
                | CommentRejected(author=author)
                | CommentUnpublished(author=author)
                | MessageDeleted(author=author)
                | MessageTakenBack(author=author)
                | MessageRejected(author=author)
                | MessageUnpublished(author=author)
            ):
                yield _patch(recorded, {"live": False})
                yield _past(recorded, author, False, None, None)
            case CommentWritten(author=author) | MessageWritten(author=author):
                yield _gate(recorded, author, "public", None, _parent(event))
                yield _past(recorded, author, True, "public", None)
            case (
                CommentApproved(author=author)
                | CommentRestored(author=author)
                | MessageApproved(author=author)
                | MessageRestored(author=author)
            ):
                yield _patch(recorded, {"live": True, "audience": "public"})
                yield _past(recorded, author, True, "public", None)
            case _:
                yield from _of_exhibits(recorded)


def _of_exhibits(recorded: Recorded) -> Iterator[Change]:
    """
    What an event changes in the gate of an album, or of a photo, whose parent is its album: whoever
    may see that may see it.
    """
    event = recorded.event
    match event:
        case AlbumCreated(owner=owner, audience=audience):
            which = audience_list(recorded, audience)
            yield _gate(recorded, owner, audience_name(audience), which, None)
            yield _past(recorded, owner, True, audience_name(audience), which)
        case AlbumHeld(owner=owner):
            yield _gate(recorded, owner, "only_me", None, None)
            yield _past(recorded, owner, True, "only_me", None)
        case (
            AlbumAudienceChanged(owner=owner, audience=audience)
            | AlbumApproved(owner=owner, audience=audience)
            | AlbumRestored(owner=owner, audience=audience)
        ):
            which = audience_list(recorded, audience)
            named = {"live": True, "audience": audience_name(audience), "list": which}
            yield _patch(recorded, named)
            yield _past(recorded, owner, True, audience_name(audience), which)
        case PhotoAdded(owner=owner, album=album):
            yield _gate(recorded, owner, "public", None, album)
            yield _past(recorded, owner, True, "public", None)
        case PhotoHeld(owner=owner, album=album):
            yield _gate(recorded, owner, "only_me", None, album)
            yield _past(recorded, owner, True, "only_me", None)
        case PhotoMoved(album=album):
            yield _patch(recorded, {"parent": album})
        case PhotoApproved(owner=owner) | PhotoRestored(owner=owner):
            yield _patch(recorded, {"live": True, "audience": "public"})
            yield _past(recorded, owner, True, "public", None)
        case (
            AlbumDeleted(owner=owner)
            | AlbumRejected(owner=owner)
            | AlbumUnpublished(owner=owner)
            | PhotoDeleted(owner=owner)
            | PhotoRejected(owner=owner)
            | PhotoUnpublished(owner=owner)
        ):
            yield _patch(recorded, {"live": False})
            yield _past(recorded, owner, False, None, None)
        case _:
            return


def _parent(event: Event) -> UUID | None:
    """What something stands under: a comment under its post, a message on its owner's board."""
    match event:
        case CommentWritten(post=parent) | CommentHeld(post=parent):
            return parent
        case MessageWritten(space=parent) | MessageHeld(space=parent):
            return parent
        case _:
            return None


def _gate(
    recorded: Recorded, author: MemberId, audience: str, which: UUID | None, parent: UUID | None
) -> Put:
    values = {
        "author": author,
        "live": True,
        "audience": audience,
        "list": which,
        "parent": parent,
        "version": recorded.version,
    }
    return Put(GATES, (recorded.cell, recorded.stream), values)


def _patch(recorded: Recorded, values: dict[str, Any]) -> Patch:
    key_ = (recorded.cell, recorded.stream)
    return Patch(GATES, key_, {**values, "version": recorded.version})


def _past(
    recorded: Recorded, author: MemberId, live: bool, audience: str | None, which: UUID | None
) -> Change:
    values = {
        "author": author,
        "live": live,
        "audience": audience,
        "list": which,
        "at": recorded.recorded_at,
    }
    return Put(GATE_HISTORY, (recorded.cell, recorded.stream, recorded.position), values)
