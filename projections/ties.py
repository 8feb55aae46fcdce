"""
Ties: what members have declared towards each other, by halves. Written inline, so that what a
friendship opened is closed at the commit that ends it.

Every change is kept as a history row as well: they answer who could see what, and when.
"""

from collections.abc import Iterator
from typing import assert_never, cast
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Index, SmallInteger, Table, Text, Uuid

from domain.circle import (
    AnyCircleEvent,
    CircleEvent,
    FriendAccepted,
    FriendAsked,
    FriendConfirmed,
    FriendEnded,
    FriendLapsed,
    FriendRequestReceived,
    MemberBlocked,
    MemberUnblocked,
    SpaceFollowed,
    SpaceUnfollowed,
)
from domain.event import Recorded
from domain.ids import cell_of
from projections.rows import Change, Drop, Put
from projections.tables import METADATA, MOMENT, cell, key

FRIENDSHIPS = Table(
    "friendships",
    METADATA,
    cell(),
    key("member"),
    key("other"),
    Column("other_cell", SmallInteger, nullable=False),
    Column("standing", Text, nullable=False),
    Column("bond", Uuid, nullable=False),
    Column("since", MOMENT, nullable=False),
    Index("friendships_by_bond", "cell", "member", "bond"),
)

BLOCKS = Table(
    "blocks", METADATA, cell(), key("member"), key("other"), Column("since", MOMENT, nullable=False)
)

FOLLOWS = Table(
    "follows",
    METADATA,
    cell(),
    key("member"),
    key("other"),
    Column("other_cell", SmallInteger, nullable=False),
    Column("since", MOMENT, nullable=False),
)

TIE_HISTORY = Table(
    "tie_history",
    METADATA,
    cell(),
    key("member"),
    key("other"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("part", Text, nullable=False),
    Column("standing", Boolean, nullable=False),
    Column("bond", Uuid),
    Column("at", MOMENT, nullable=False),
    info={"append_only": True},
)


class Ties:
    """The read model."""

    name = "ties"
    tables = (FRIENDSHIPS, BLOCKS, FOLLOWS, TIE_HISTORY)
    inline = True

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        if not isinstance(recorded.event, CircleEvent):
            return
        event = cast(AnyCircleEvent, recorded.event)
        at = (recorded.cell, event.member, event.other)
        part, standing = "friendship", False
        match event:
            case FriendAsked(bond=bond):
                standing = True
                yield _friendship(recorded, event, "outgoing", bond)
            case FriendRequestReceived(bond=bond):
                yield _friendship(recorded, event, "incoming", bond)
            case FriendAccepted(bond=bond) | FriendConfirmed(bond=bond):
                standing = True
                yield _friendship(recorded, event, "friends", bond)
            case FriendEnded(bond=bond) | FriendLapsed(bond=bond):
                yield Drop(FRIENDSHIPS, at)
            case MemberBlocked():
                part, standing = "block", True
                yield Put(BLOCKS, at, {"since": recorded.recorded_at})
            case MemberUnblocked():
                part = "block"
                yield Drop(BLOCKS, at)
            case SpaceFollowed():
                part, standing = "follow", True
                values = {"other_cell": cell_of(event.other), "since": recorded.recorded_at}
                yield Put(FOLLOWS, at, values)
            case SpaceUnfollowed():
                part = "follow"
                yield Drop(FOLLOWS, at)
            case _:
                assert_never(event)
        history = {
            "part": part,
            "standing": standing,
            "bond": getattr(event, "bond", None),
            "at": recorded.recorded_at,
        }
        yield Put(TIE_HISTORY, (*at, recorded.position), history)


def _friendship(recorded: Recorded, event: CircleEvent, standing: str, bond: UUID) -> Put:
    values = {
        "other_cell": cell_of(event.other),
        "standing": standing,
        "bond": bond,
        "since": recorded.recorded_at,
    }
    return Put(FRIENDSHIPS, (recorded.cell, event.member, event.other), values)
