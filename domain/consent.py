"""
Consents: what a member has agreed to be kept of them beyond what they write, one stream a member.

To agree is an event and to take it back another, so that for whatever was kept the log says by
which consent. Taking it back ends it from then on; what was published under it stays until its
author takes that away.
"""

from typing import Literal, TypeAlias

import msgspec

from domain.event import Aggregate, Event, Refused
from domain.ids import MemberId, StreamId, cell_of, derive

#: What one may agree to: that posts and pictures say where they were made.
Purpose: TypeAlias = Literal["location"]


class ConsentGiven(Event, frozen=True, tag="consent.given.v1"):
    """The member agrees."""

    member: MemberId
    purpose: Purpose


class ConsentWithdrawn(Event, frozen=True, tag="consent.withdrawn.v1"):
    """No longer."""

    member: MemberId
    purpose: Purpose


ConsentEvent: TypeAlias = ConsentGiven | ConsentWithdrawn


class Consents(msgspec.Struct, frozen=True, gc=False):
    """What a member agrees to; ``since`` is the version of the last change."""

    given: frozenset[Purpose] = frozenset()
    since: int = 0


def evolve(consents: Consents, event: ConsentEvent, version: int) -> Consents:
    """The consents after one more event."""
    purpose = frozenset({event.purpose})
    given = (
        consents.given | purpose if isinstance(event, ConsentGiven) else consents.given - purpose
    )
    return Consents(given, version)


CONSENTS: Aggregate[Consents] = Aggregate("consents", Consents(), evolve)


def consents_stream(member: MemberId) -> StreamId:
    """A member's consents, in the member's cell."""
    return StreamId(derive(cell_of(member), "consents", member))


# Decisions


def settle(
    consents: Consents, member: MemberId, purpose: Purpose, *, agrees: bool
) -> tuple[ConsentEvent, ...]:
    """Agree, or no longer; nothing where it is so already."""
    if (purpose in consents.given) == agrees:
        return ()
    return (ConsentGiven(member, purpose) if agrees else ConsentWithdrawn(member, purpose),)


def require(consents: Consents, purpose: Purpose, field: str) -> None:
    """
    Whether something may be kept.

    :raises Refused: consent-missing, at ``field``.
    """
    if purpose not in consents.given:
        raise Refused("consent-missing", "This takes your consent, recorded before.", field)
