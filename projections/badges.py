"""
Badges, and how much each member has done of what they are awarded for.

A deed counts once others could see it, and for good: a count never goes down, so whoever looks at
it later than at the deed that made it full finds it full.
"""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Column, Table, Text

from domain.badge import BadgeAwarded, Deed
from domain.comment import CommentApproved, CommentWritten
from domain.event import Event, Recorded
from domain.ids import MemberId
from domain.photo_events import PhotoAdded, PhotoApproved
from domain.post_events import PostApproved, PostPublished
from projections.rows import Add, Change, Put
from projections.tables import METADATA, MOMENT, cell, key

#: What counts as which deed; of whom, the event says as its ``author``.
COUNTED: Final[dict[type[Event], Deed]] = {
    PostPublished: "posts",
    PostApproved: "posts",
    CommentWritten: "comments",
    CommentApproved: "comments",
    PhotoAdded: "photos",
    PhotoApproved: "photos",
}

DEEDS = Table(
    "deeds",
    METADATA,
    cell(),
    key("member"),
    Column("posts", BigInteger, nullable=False, server_default="0"),
    Column("comments", BigInteger, nullable=False, server_default="0"),
    Column("photos", BigInteger, nullable=False, server_default="0"),
)

BADGES = Table(
    "badges",
    METADATA,
    cell(),
    key("member"),
    Column("badge", Text, primary_key=True),
    Column("at", MOMENT, nullable=False),
    Column("position", BigInteger, nullable=False),
)


class Badges:
    """The read model."""

    name = "badges"
    tables = (DEEDS, BADGES)
    inline = False
    types: frozenset[type[Event]] = frozenset({*COUNTED, BadgeAwarded})

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        if isinstance(event, BadgeAwarded):
            values = {"at": recorded.recorded_at, "position": recorded.position}
            yield Put(BADGES, (recorded.cell, event.member, event.badge), values)
        elif (deed := COUNTED.get(type(event))) is not None:
            yield Add(DEEDS, (recorded.cell, doer(event)), {deed: 1})


def doer(event: Event) -> MemberId:
    """Whose deed it is that an event of ``COUNTED`` tells of, in whose cell it is recorded."""
    if isinstance(event, PhotoAdded | PhotoApproved):
        return event.owner
    author: UUID = getattr(event, "author")  # noqa: B009 - all others have one, no base class
    return MemberId(author)
