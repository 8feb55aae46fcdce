"""
Lists: who is on the named lists of an author, and on the lists given with a post. Written inline.

A post's own list is named by the event that gave it and never changes; a change of audience makes
another. So its rows are their own history.
"""

from collections.abc import Iterable, Iterator
from typing import Literal
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Integer, Table

from domain.album_events import (
    AlbumApproved,
    AlbumAudienceChanged,
    AlbumCreated,
    AlbumRestored,
)
from domain.audience import Audience, Listed
from domain.event import Recorded
from domain.ids import ListId, MemberId, derive
from domain.named_list import ListDeleted, ListSaved
from domain.post_events import PostApproved, PostAudienceChanged, PostPublished, PostRestored
from projections.rows import Change, Drop, Put
from projections.tables import METADATA, MOMENT, cell, key, sealed

LISTS = Table(
    "lists",
    METADATA,
    cell(),
    key("owner"),
    key("list"),
    sealed("name"),
    Column("size", Integer, nullable=False),
    Column("saved_at", MOMENT, nullable=False),
)

LIST_MEMBERS = Table("list_members", METADATA, cell(), key("list"), key("member"))

LIST_HISTORY = Table(
    "list_history",
    METADATA,
    cell(),
    key("list"),
    key("member"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("listed", Boolean, nullable=False),
    Column("at", MOMENT, nullable=False),
    info={"append_only": True},
)


def audience_list(recorded: Recorded, audience: Audience) -> UUID | None:
    """The list that an audience, given by this event, stands for."""
    if not isinstance(audience, Listed):
        return None
    if audience.named is not None:
        return audience.named
    return derive(recorded.cell, "given-list", recorded.stream, recorded.version.to_bytes(8, "big"))


class Lists:
    """The read model."""

    name = "lists"
    tables = (LISTS, LIST_MEMBERS, LIST_HISTORY)
    inline = True

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        match event:
            case ListSaved():
                values = {
                    "name": event.name.envelope,
                    "size": len(event.members),
                    "saved_at": recorded.recorded_at,
                }
                yield Put(LISTS, (recorded.cell, event.owner, event.list), values)
                yield from _members(recorded, event.list, event.members, "on")
                yield from _members(recorded, event.list, event.removed, "off")
            case ListDeleted():
                yield Drop(LISTS, (recorded.cell, event.owner, event.list))
                yield from _members(recorded, event.list, event.removed, "off")
            case (
                PostPublished(audience=audience)
                | PostAudienceChanged(audience=audience)
                | PostApproved(audience=audience)
                | PostRestored(audience=audience)
                | AlbumCreated(audience=audience)
                | AlbumAudienceChanged(audience=audience)
                | AlbumApproved(audience=audience)
                | AlbumRestored(audience=audience)
            ):
                which = audience_list(recorded, audience)
                if which is not None and isinstance(audience, Listed) and audience.named is None:
                    yield from _members(recorded, ListId(which), audience.members, "on")
            case _:
                return


def _members(
    recorded: Recorded, which: ListId, members: Iterable[MemberId], side: Literal["on", "off"]
) -> Iterator[Change]:
    for member in members:
        at = (recorded.cell, which, member)
        yield Put(LIST_MEMBERS, at, {}) if side == "on" else Drop(LIST_MEMBERS, at)
        history = {"listed": side == "on", "at": recorded.recorded_at}
        yield Put(LIST_HISTORY, (*at, recorded.position), history)
