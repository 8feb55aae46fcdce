"""
Badges: what a member has come to, awarded once and for good.

An award is a stream that the member and the badge alone name, so however often it is asked for, it
is made once. What is counted is what ever stood for others to see: taking it away takes no badge.
"""

from typing import Literal, TypeAlias, assert_never

import msgspec

from domain.event import Aggregate, Event
from domain.ids import MemberId, StreamId, cell_of, derive

#: What is counted for badges; see projections.badges.
Deed: TypeAlias = Literal["posts", "comments", "photos"]


class Deeds(msgspec.Struct, frozen=True):
    """Awarded for so many of something."""

    deed: Deed
    count: int


class Days(msgspec.Struct, frozen=True):
    """Awarded so many days after joining."""

    days: int


Badge: TypeAlias = Deeds | Days

#: Every badge there is. Names are for ever.
BADGES: dict[str, Badge] = {
    "first_post": Deeds("posts", 1),
    "posts_100": Deeds("posts", 100),
    "posts_1000": Deeds("posts", 1_000),
    "first_comment": Deeds("comments", 1),
    "comments_100": Deeds("comments", 100),
    "first_photo": Deeds("photos", 1),
    "photos_1000": Deeds("photos", 1_000),
    "days_100": Days(100),
    "days_1000": Days(1_000),
}

#: The same, by what they are awarded for.
DEEDS: dict[str, Deeds] = {name: one for name, one in BADGES.items() if isinstance(one, Deeds)}
DAYS: dict[str, Days] = {name: one for name, one in BADGES.items() if isinstance(one, Days)}


class BadgeAwarded(Event, frozen=True, tag="badge.awarded.v1"):
    """The member has earned a badge."""

    member: MemberId
    badge: str


class Award(msgspec.Struct, frozen=True, gc=False):
    """Whether a badge was awarded, and by which version; 0 when it was not."""

    since: int = 0


def evolve(award: Award, event: BadgeAwarded, version: int) -> Award:
    """The award after one more event."""
    match event:
        case BadgeAwarded():
            return Award(version)
        case _:
            assert_never(event)


AWARD: Aggregate[Award] = Aggregate("badge", Award(), evolve)


def badge_stream(member: MemberId, badge: str) -> StreamId:
    """The stream of one member's award of one badge."""
    return StreamId(derive(cell_of(member), "badge", member, badge.encode()))


def award(state: Award, member: MemberId, badge: str) -> tuple[BadgeAwarded, ...]:
    """Award a badge; once."""
    return () if state.since else (BadgeAwarded(member, badge),)
