"""
The disclosure policy: how much of a decision the member it concerns is told.

How much is a choice of whoever runs the service, within the law of the place, and so an event: each
decision says which policy it was told under. The whole reason is kept, whatever the policy.
"""

from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.account import DIRECTORY_CELL
from domain.event import Aggregate, Event
from domain.ids import StreamId, derive

#: That something was decided; what was decided, and against which clause; everything.
Disclosed: TypeAlias = Literal["opaque", "notice", "full"]


class DisclosurePolicySet(Event, frozen=True, tag="disclosure_policy.set.v1"):
    """Members are told this much of what is decided from now on."""

    policy: Disclosed
    by: UUID


class Told(msgspec.Struct, frozen=True):
    """The policy in force. ``version`` is that of its stream; 0 until it was first set."""

    policy: Disclosed = "full"
    version: int = 0


def evolve(told: Told, event: DisclosurePolicySet, version: int) -> Told:
    """The policy after it was set once more."""
    return Told(event.policy, version)


DISCLOSURE_POLICY: Aggregate[Told] = Aggregate("disclosure policy", Told(), evolve)

#: There is one policy.
DISCLOSURE_POLICY_STREAM = StreamId(derive(DIRECTORY_CELL, "disclosure policy"))


def set_policy(told: Told, policy: Disclosed, by: UUID) -> tuple[DisclosurePolicySet, ...]:
    """Tell members this much from now on."""
    if told.version and told.policy == policy:
        return ()
    return (DisclosurePolicySet(policy, by),)
