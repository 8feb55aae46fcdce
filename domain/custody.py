"""
Custody of the keys that everything stands on: the master key over members' keys, and the keys that
sign the tree. Replacing them is an operator's deed, done for a stated purpose.

It happens outside of the log, so each deed is recorded before it is done, and where that takes a
while once more when it was: a beginning without an end says that somebody has to look.
"""

from typing import TypeAlias
from uuid import UUID

import msgspec

from domain.account import DIRECTORY_CELL
from domain.event import Aggregate, Event
from domain.ids import StreamId, derive
from domain.sealed import Sealed


class MasterRotationBegun(Event, frozen=True, tag="master_key.rotation_begun.v1"):
    """
    An operator is about to replace the master key. ``before`` and ``after`` are the key services
    that wrap the old one and the new one; none where it lies in a file.
    """

    by: UUID
    purpose: Sealed[str]
    before: str | None = None
    after: str | None = None


class MasterKeyReplaced(Event, frozen=True, tag="master_key.replaced.v1"):
    """The master key was replaced; ``keys`` counts those that it wraps."""

    by: UUID
    keys: int
    wrapped_by: str | None = None


class NotaryKeyAdded(Event, frozen=True, tag="notary_key.added.v1"):
    """An operator had the notary sign with a new key, too; ``vkey`` is what checks it."""

    by: UUID
    purpose: Sealed[str]
    vkey: str


class NotaryKeysRetired(Event, frozen=True, tag="notary_key.retired.v1"):
    """An operator had the notary sign with its newest key alone; ``vkeys`` checked the others."""

    by: UUID
    purpose: Sealed[str]
    vkeys: tuple[str, ...]


class TreeSetBack(Event, frozen=True, tag="notary_tree.set_back.v1"):
    """
    An operator had the notary go on from a tree that is not the one it signed last: ``signed`` and
    ``standing`` are their numbers of leaves. Whoever saw the other one sees that the log forked.
    """

    by: UUID
    purpose: Sealed[str]
    signed: int
    standing: int


CustodyEvent: TypeAlias = (
    MasterRotationBegun | MasterKeyReplaced | NotaryKeyAdded | NotaryKeysRetired | TreeSetBack
)


class Custody(msgspec.Struct, frozen=True):
    """How many deeds there were."""

    deeds: int = 0


def evolve(custody: Custody, event: CustodyEvent, version: int) -> Custody:
    """One more."""
    return Custody(custody.deeds + 1)


CUSTODY: Aggregate[Custody] = Aggregate("custody", Custody(), evolve)

#: There is one custody.
CUSTODY_STREAM = StreamId(derive(DIRECTORY_CELL, "custody"))
