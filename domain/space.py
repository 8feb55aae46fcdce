"""
A member's space, and whether it is certified: verified as a brand's, an agency's, a shop's, a
medium's or a celebrity's, so that anyone may follow it.
"""

from typing import Literal, TypeAlias, assert_never

import msgspec

from domain.event import Aggregate, Event
from domain.ids import MemberId, StreamId, cell_of, derive
from domain.sealed import Sealed

SpaceType: TypeAlias = Literal["brand", "agency", "shop", "media", "celebrity"]


class SpaceCertified(Event, frozen=True, tag="space.certified.v1"):
    """The space is what it says it is. ``digest`` is the keyed digest of the name."""

    member: MemberId
    certified_as: SpaceType
    name: Sealed[str]
    digest: bytes


class CertificationWithdrawn(Event, frozen=True, tag="space.certification_withdrawn.v1"):
    """It is an ordinary space again."""

    member: MemberId


SpaceEvent: TypeAlias = SpaceCertified | CertificationWithdrawn


class Ordinary(msgspec.Struct, frozen=True):
    """A space like any other. ``since`` is the version that made it so; 0 from the beginning."""

    since: int = 0


class Certified(msgspec.Struct, frozen=True):
    """A certified space."""

    certified_as: SpaceType
    digest: bytes
    since: int


Space: TypeAlias = Ordinary | Certified


def evolve(space: Space, event: SpaceEvent, version: int) -> Space:
    """The space after one more event."""
    match event:
        case SpaceCertified(certified_as=certified_as, digest=digest):
            return Certified(certified_as, digest, version)
        case CertificationWithdrawn():
            return Ordinary(version)
        case _:
            assert_never(event)


SPACE: Aggregate[Space] = Aggregate("space", Ordinary(), evolve)


def space_stream(member: MemberId) -> StreamId:
    """The stream of a member's space."""
    return StreamId(derive(cell_of(member), "space", member))


def certify(
    space: Space, member: MemberId, certified_as: SpaceType, name: Sealed[str], digest: bytes
) -> tuple[SpaceEvent, ...]:
    """Certify a space, or change what it is certified as."""
    match space:
        case Certified() if (space.certified_as, space.digest) == (certified_as, digest):
            return ()
        case _:
            return (SpaceCertified(member, certified_as, name, digest),)


def withdraw_certification(space: Space, member: MemberId) -> tuple[SpaceEvent, ...]:
    """Make it an ordinary space again."""
    return (CertificationWithdrawn(member),) if isinstance(space, Certified) else ()
