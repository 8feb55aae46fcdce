"""
The commands about keys in an operator's custody: each records a deed that is done outside of the
log, before it is done or as soon as it was.
"""

import msgspec

from commands.work import Outcome, Work
from domain.account import DIRECTORY_CELL
from domain.custody import (
    CUSTODY,
    CUSTODY_STREAM,
    CustodyEvent,
    MasterKeyReplaced,
    MasterRotationBegun,
    NotaryKeyAdded,
    NotaryKeysRetired,
    TreeSetBack,
)
from domain.ids import MemberId
from domain.sealed import KeyClass, Sealed


class BeginMasterRotation(msgspec.Struct, frozen=True):
    """The master key is about to be replaced, and which key services wrap the old and the new."""

    purpose: str
    before: str | None
    after: str | None


class EndMasterRotation(msgspec.Struct, frozen=True):
    """The master key was replaced, by one that wraps so many keys."""

    keys: int
    wrapped_by: str | None


class AddNotaryKey(msgspec.Struct, frozen=True):
    """A key is about to be added to those that sign the tree."""

    purpose: str
    vkey: str


class RetireNotaryKeys(msgspec.Struct, frozen=True):
    """Keys are about to sign no more."""

    purpose: str
    vkeys: tuple[str, ...]


class SetTreeBack(msgspec.Struct, frozen=True):
    """The notary is about to be told to go on from a tree that it did not sign last."""

    purpose: str
    signed: int
    standing: int


async def begin_master_rotation(command: BeginMasterRotation, work: Work) -> Outcome:
    """Record that the master key is about to be replaced."""
    purpose = await _purpose(work, command.purpose)
    by = work.context.actor
    return await _record(work, MasterRotationBegun(by, purpose, command.before, command.after))


async def end_master_rotation(command: EndMasterRotation, work: Work) -> Outcome:
    """Record that it was."""
    event = MasterKeyReplaced(work.context.actor, command.keys, command.wrapped_by)
    return await _record(work, event)


async def add_notary_key(command: AddNotaryKey, work: Work) -> Outcome:
    """Record that a new key is about to sign."""
    purpose = await _purpose(work, command.purpose)
    return await _record(work, NotaryKeyAdded(work.context.actor, purpose, command.vkey))


async def retire_notary_keys(command: RetireNotaryKeys, work: Work) -> Outcome:
    """Record that old keys are about to sign no more."""
    purpose = await _purpose(work, command.purpose)
    return await _record(work, NotaryKeysRetired(work.context.actor, purpose, command.vkeys))


async def set_tree_back(command: SetTreeBack, work: Work) -> Outcome:
    """Record that the notary is about to go on from another tree."""
    purpose = await _purpose(work, command.purpose)
    by = work.context.actor
    return await _record(work, TreeSetBack(by, purpose, command.signed, command.standing))


async def _purpose(work: Work, purpose: str) -> Sealed[str]:
    return await work.vault.seal(work.context.actor, KeyClass.MODERATION, purpose)


async def _record(work: Work, event: CustodyEvent) -> Outcome:
    work.cell = DIRECTORY_CELL
    await work.load(CUSTODY, CUSTODY_STREAM)
    work.append(CUSTODY, CUSTODY_STREAM, MemberId(work.context.actor), (event,))
    return Outcome(CUSTODY_STREAM, (CUSTODY_STREAM, work.version(CUSTODY_STREAM)))
