"""
A member's circle: what one member has declared towards others.

Friendship is two halves, one in each member's circle, in each member's cell. Each half offers a
*bond*, the id of the request that began it; two are friends while both halves offer the same bond,
so either's withdrawal holds at its own commit. Policies carry each move to the other half, late and
perhaps twice or out of turn; a bond that ended is never offered again, so no message can revive it.

A request holds a place among the friends from the moment it is made, so that whoever accepts it
finds the place free: a member's limit is exact although no half counts the other's.
"""

from itertools import islice
from typing import Literal, TypeAlias, assert_never
from uuid import UUID

import msgspec

from domain.event import Aggregate, Event, Refused
from domain.ids import MemberId, StreamId, cell_of, derive

FRIENDS_MAX = 5_000
REQUESTS_MAX = 1_000
BLOCKS_MAX = 5_000
FOLLOWS_MAX = 5_000

Ending: TypeAlias = Literal["withdrawn", "declined", "ended"]


class CircleEvent(Event, frozen=True):
    """Something between ``member``, whose circle it is, and ``other``."""

    member: MemberId
    other: MemberId


class FriendAsked(CircleEvent, frozen=True, tag="friend.asked.v1"):
    """The member asks for friendship."""

    bond: UUID


class FriendRequestReceived(CircleEvent, frozen=True, tag="friend.request_received.v1"):
    """The other has asked."""

    bond: UUID


class FriendAccepted(CircleEvent, frozen=True, tag="friend.accepted.v1"):
    """The member accepts the other's request."""

    bond: UUID


class FriendConfirmed(CircleEvent, frozen=True, tag="friend.confirmed.v1"):
    """The other has accepted the member's request."""

    bond: UUID


class FriendEnded(CircleEvent, frozen=True, tag="friend.ended.v1"):
    """The member withdraws the request, declines the other's, or ends the friendship."""

    bond: UUID
    how: Ending


class FriendLapsed(CircleEvent, frozen=True, tag="friend.lapsed.v1"):
    """The other has done so."""

    bond: UUID
    how: Ending


class MemberBlocked(CircleEvent, frozen=True, tag="member.blocked.v1"):
    """Neither sees the other's space any longer."""


class MemberUnblocked(CircleEvent, frozen=True, tag="member.unblocked.v1"):
    """The block is lifted; a friendship does not come back with it."""


class SpaceFollowed(CircleEvent, frozen=True, tag="space.followed.v1"):
    """The member follows a certified space."""


class SpaceUnfollowed(CircleEvent, frozen=True, tag="space.unfollowed.v1"):
    """No longer."""


class CircleClosed(Event, frozen=True, tag="circle.closed.v1"):
    """
    The member is gone: to everybody it is as if they were blocked, now and whoever comes. The ties
    there were end one by one, after this.
    """

    member: MemberId


AnyCircleEvent: TypeAlias = (
    FriendAsked
    | FriendRequestReceived
    | FriendAccepted
    | FriendConfirmed
    | FriendEnded
    | FriendLapsed
    | MemberBlocked
    | MemberUnblocked
    | SpaceFollowed
    | SpaceUnfollowed
)
#: Of which streams of circles are.
CircleStreamEvent: TypeAlias = AnyCircleEvent | CircleClosed

Standing: TypeAlias = Literal["none", "outgoing", "incoming", "friends"]

_ENDINGS: dict[Standing, Ending] = {
    "outgoing": "withdrawn",
    "incoming": "declined",
    "friends": "ended",
}


class Tie(msgspec.Struct, frozen=True, gc=False):
    """
    One member's half of all there is between two. ``heard`` is the last request of the other's that
    this half took note of: once it is not the bond any more, it is over, even where the other does
    not know yet. ``since`` holds the version that last changed each part: of friendship, block and
    follow.
    """

    standing: Standing = "none"
    bond: UUID | None = None
    heard: UUID | None = None
    blocked: bool = False
    follows: bool = False
    since: tuple[int, int, int] = (0, 0, 0)

    @property
    def offered(self) -> UUID | None:
        """The bond this half stands for: asked for by it, or agreed to."""
        return self.bond if self.standing in ("outgoing", "friends") else None


class Circle(msgspec.Struct, frozen=True, gc=False):
    """All ties of a member, how many there are of each limited kind, and if no more can come."""

    ties: dict[MemberId, Tie] = {}
    friends: int = 0
    outgoing: int = 0
    incoming: int = 0
    blocks: int = 0
    follows: int = 0
    closed: bool = False

    def tie(self, other: MemberId) -> Tie:
        """The tie to another member; a blank one when there is none."""
        tie = self.ties.get(other, _BLANK)
        return msgspec.structs.replace(tie, blocked=True) if self.closed else tie


_BLANK = Tie()


def friends(half: Tie, other_half: Tie) -> bool:
    """Whether two halves make a friendship."""
    return half.offered is not None and half.offered == other_half.offered


def _after(tie: Tie, event: AnyCircleEvent, version: int) -> Tie:
    bond_at, block_at, follow_at = tie.since
    bonded = (version, block_at, follow_at)
    match event:
        case FriendAsked(bond=bond):
            return msgspec.structs.replace(tie, standing="outgoing", bond=bond, since=bonded)
        case FriendRequestReceived(bond=bond):
            return msgspec.structs.replace(
                tie, standing="incoming", bond=bond, heard=bond, since=bonded
            )
        case FriendAccepted(bond=bond):
            return msgspec.structs.replace(
                tie, standing="friends", bond=bond, heard=bond, since=bonded
            )
        case FriendConfirmed(bond=bond):
            return msgspec.structs.replace(tie, standing="friends", bond=bond, since=bonded)
        case FriendEnded(bond=bond) if bond != tie.bond:
            # Asked by somebody blocked: declined before it ever stood here.
            return msgspec.structs.replace(tie, heard=bond)
        case FriendEnded() | FriendLapsed():
            return msgspec.structs.replace(tie, standing="none", bond=None, since=bonded)
        case MemberBlocked() | MemberUnblocked():
            blocked = isinstance(event, MemberBlocked)
            return msgspec.structs.replace(
                tie, blocked=blocked, since=(bond_at, version, follow_at)
            )
        case SpaceFollowed() | SpaceUnfollowed():
            follows = isinstance(event, SpaceFollowed)
            return msgspec.structs.replace(tie, follows=follows, since=(bond_at, block_at, version))
        case _:
            assert_never(event)


def evolve(circle: Circle, event: CircleStreamEvent, version: int) -> Circle:
    """The circle after one more event."""
    if isinstance(event, CircleClosed):
        return msgspec.structs.replace(circle, closed=True)
    before = circle.ties.get(event.other, _BLANK)
    after = _after(before, event, version)
    return Circle(
        {**circle.ties, event.other: after},
        circle.friends + (after.standing == "friends") - (before.standing == "friends"),
        circle.outgoing + (after.standing == "outgoing") - (before.standing == "outgoing"),
        circle.incoming + (after.standing == "incoming") - (before.standing == "incoming"),
        circle.blocks + after.blocked - before.blocked,
        circle.follows + after.follows - before.follows,
        circle.closed,
    )


#: Bytes of a tie in memory, its id and its place in the dictionary included.
_TIE_BYTES = 500


def weigh(circle: Circle) -> int:
    """Thousands of ties are a megabyte or two."""
    return len(circle.ties) * _TIE_BYTES


CIRCLE: Aggregate[Circle] = Aggregate("circle", Circle(), evolve, weigh)


def circle_stream(member: MemberId) -> StreamId:
    """The stream of a member's circle, in the member's cell."""
    return StreamId(derive(cell_of(member), "circle", member))


# Decisions of the member


def befriend(
    circle: Circle, member: MemberId, other: MemberId, other_half: Tie, bond: UUID
) -> tuple[AnyCircleEvent, ...]:
    """
    Ask, or accept if the other asked first.

    :param other_half: the other's tie to the member, as last read.
    :param bond: the id of a new request, should one be made.
    """
    if member == other:
        raise Refused("not-yourself", "You cannot befriend yourself.")
    tie = circle.tie(other)
    if tie.blocked:
        raise Refused("blocked-by-you", "You have blocked this member.")
    if other_half.blocked:
        raise Refused("not-found")
    asked = _asked(tie, other_half)
    if friends(tie, other_half) or (tie.standing == "outgoing" and asked is None):
        return ()
    if tie.offered is None and circle.friends + circle.outgoing >= FRIENDS_MAX:
        raise Refused("too-many-friends", f"At most {FRIENDS_MAX} friends and open requests.")
    if asked is not None:
        return (FriendAccepted(member, other, asked),)
    if circle.outgoing >= REQUESTS_MAX:
        raise Refused("too-many-requests-open", f"At most {REQUESTS_MAX} open requests.")
    return (FriendAsked(member, other, bond),)


def _asked(tie: Tie, other_half: Tie) -> UUID | None:
    """The other's request, unless this half has put an end to it and the other will soon hear."""
    bond = other_half.bond if other_half.standing == "outgoing" else None
    return None if bond == tie.heard and bond != tie.bond else bond


def unfriend(circle: Circle, member: MemberId, other: MemberId) -> tuple[AnyCircleEvent, ...]:
    """Withdraw one's request, decline the other's, or end the friendship: whichever stands."""
    tie = circle.tie(other)
    if tie.standing == "none" or tie.bond is None:
        return ()
    how = _ENDINGS[tie.standing]
    return (FriendEnded(member, other, tie.bond, how),)


def block(circle: Circle, member: MemberId, other: MemberId) -> tuple[AnyCircleEvent, ...]:
    """Block a member, which ends what else there was."""
    if member == other:
        raise Refused("not-yourself", "You cannot block yourself.")
    tie = circle.tie(other)
    if tie.blocked:
        return ()
    if circle.blocks >= BLOCKS_MAX:
        raise Refused("too-many-blocks", f"At most {BLOCKS_MAX} blocked members.")
    unfollowed = (SpaceUnfollowed(member, other),) if tie.follows else ()
    return (*unfriend(circle, member, other), *unfollowed, MemberBlocked(member, other))


def unblock(circle: Circle, member: MemberId, other: MemberId) -> tuple[AnyCircleEvent, ...]:
    """Lift a block."""
    return (MemberUnblocked(member, other),) if circle.tie(other).blocked else ()


def follow(
    circle: Circle, member: MemberId, other: MemberId, certified: bool, other_half: Tie
) -> tuple[AnyCircleEvent, ...]:
    """Follow a certified space."""
    if member == other:
        raise Refused("not-yourself", "You cannot follow yourself.")
    tie = circle.tie(other)
    if other_half.blocked:
        raise Refused("not-found")
    if tie.blocked:
        raise Refused("blocked-by-you", "You have blocked this member.")
    if tie.follows:
        return ()
    if not certified:
        raise Refused("not-certified", "Only a certified space can be followed.")
    if circle.follows >= FOLLOWS_MAX:
        raise Refused("too-many-follows", f"At most {FOLLOWS_MAX} followed spaces.")
    return (SpaceFollowed(member, other),)


def unfollow(circle: Circle, member: MemberId, other: MemberId) -> tuple[AnyCircleEvent, ...]:
    """No longer follow a space."""
    return (SpaceUnfollowed(member, other),) if circle.tie(other).follows else ()


def close(circle: Circle, member: MemberId) -> tuple[CircleStreamEvent, ...]:
    """Nobody is there any longer, for anybody."""
    return () if circle.closed else (CircleClosed(member),)


def part(circle: Circle, member: MemberId, count: int) -> tuple[AnyCircleEvent, ...]:
    """End up to ``count`` of the ties of a circle that is closed, whatever they are."""
    events: list[AnyCircleEvent] = []
    standing = (
        (other, tie)
        for other, tie in circle.ties.items()
        if tie.bond is not None or tie.follows or tie.blocked
    )
    for other, tie in islice(standing, count):
        events += unfriend(circle, member, other)
        if tie.follows:
            events.append(SpaceUnfollowed(member, other))
        if tie.blocked:
            events.append(MemberUnblocked(member, other))
    return tuple(events)


# Decisions that a policy carries from the other half


def hear_asked(
    circle: Circle, member: MemberId, other: MemberId, bond: UUID, other_half: Tie
) -> tuple[AnyCircleEvent, ...]:
    """
    The other has asked.

    :param other_half: the other's tie as it is now; a request that no longer stands is dropped.
    """
    tie = circle.tie(other)
    if other_half.offered != bond or bond in (tie.bond, tie.heard):
        return ()
    full = circle.incoming >= REQUESTS_MAX and tie.standing != "incoming"
    if tie.blocked or full:
        return (FriendEnded(member, other, bond, "declined"),)
    return (FriendRequestReceived(member, other, bond),)


def hear_accepted(
    circle: Circle, member: MemberId, other: MemberId, bond: UUID
) -> tuple[AnyCircleEvent, ...]:
    """The other has accepted the member's request, if it still stands."""
    tie = circle.tie(other)
    if tie.standing != "outgoing" or tie.bond != bond:
        return ()
    return (FriendConfirmed(member, other, bond),)


def hear_ended(
    circle: Circle, member: MemberId, other: MemberId, bond: UUID, how: Ending
) -> tuple[AnyCircleEvent, ...]:
    """The other's half no longer stands; neither does this one, if it is the same bond."""
    if circle.tie(other).bond != bond:
        return ()
    return (FriendLapsed(member, other, bond, how),)
