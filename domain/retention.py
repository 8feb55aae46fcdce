"""
For how long what somebody deleted can still be read, by those who audit: one stream a thing.

Deleting starts its clock. When that has run out, the thing's own key is destroyed, and of its words
and bytes nothing is left anywhere, in no log, no copy and no backup; whatever else its author wrote
stays as it is. While people have yet to decide about it, or the law wants it kept, the clock is set
again. That it is to be destroyed is the event; a policy destroys the key because of that event. So
the decision stands on what was true at its commit, and a server that is killed in between destroys
the key when it is back.
"""

from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.event import Aggregate, Event
from domain.ids import MemberId, StreamId, cell_of, derive

#: What has a key of its own; an album's photos go with it.
ContentKind: TypeAlias = Literal["post", "comment", "message", "album", "photo"]
#: Why it is kept: for the time after a deletion, for those who decide its case, for the law.
Reason: TypeAlias = Literal["deleted", "case", "hold"]

#: How often it is asked whether a case is decided by now, or a hold released.
AGAIN: Final = timedelta(days=7)


class ContentRetained(Event, frozen=True, tag="content.retained.v1"):
    """A deleted thing of the author's can be read by those who audit until then, or longer."""

    author: MemberId
    kind: ContentKind
    item: UUID
    until: datetime
    because: Reason = "deleted"


class ContentDestroyed(Event, frozen=True, tag="content.destroyed.v1"):
    """
    The key of a deleted thing is destroyed, as of ``effective_at``: nobody reads it any more. An
    album's photos are destroyed with it.
    """

    author: MemberId
    kind: ContentKind
    item: UUID
    effective_at: datetime


RetentionEvent: TypeAlias = ContentRetained | ContentDestroyed


class NotDeleted(msgspec.Struct, frozen=True, gc=False):
    """It is there, or never was."""


class Retained(msgspec.Struct, frozen=True, gc=False):
    """It is deleted, and kept until then."""

    author: MemberId
    kind: ContentKind
    item: UUID
    until: datetime


class Destroyed(msgspec.Struct, frozen=True, gc=False):
    """Nobody reads it any more."""


Retention: TypeAlias = NotDeleted | Retained | Destroyed


def evolve(_: Retention, event: RetentionEvent, version: int) -> Retention:
    """The retention after one more event."""
    match event:
        case ContentRetained(author=author, kind=kind, item=item, until=until):
            return Retained(author, kind, item, until)
        case ContentDestroyed():
            return Destroyed()


RETENTION: Aggregate[Retention] = Aggregate("retention", NotDeleted(), evolve)


def retention_stream(item: UUID) -> StreamId:
    """The stream of a thing's retention, in its cell."""
    return StreamId(derive(cell_of(item), "retention", item))


# Decisions


def retain(
    retention: Retention, author: MemberId, kind: ContentKind, item: UUID, until: datetime
) -> tuple[RetentionEvent, ...]:
    """Start the clock of what is being deleted."""
    if isinstance(retention, NotDeleted):
        return (ContentRetained(author, kind, item, until),)
    return ()


def end(
    retention: Retention, at: datetime, kept_for: Literal["case", "hold"] | None
) -> tuple[RetentionEvent, ...]:
    """
    The clock has run out.

    :param at: the moment it was set to; nothing happens where it has been set to a later one.
    :param kept_for: why it is to be kept all the same.
    """
    if not isinstance(retention, Retained) or retention.until > at:
        return ()
    author, kind, item = retention.author, retention.kind, retention.item
    if kept_for is not None:
        return (ContentRetained(author, kind, item, at + AGAIN, kept_for),)
    return (ContentDestroyed(author, kind, item, at),)
