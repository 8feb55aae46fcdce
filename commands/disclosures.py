"""
The commands about what is disclosed: that staff read sealed data, recorded before anything is
shown; and how much members are told of what is decided.
"""

import msgspec

from commands.work import Outcome, Work
from domain.account import DIRECTORY_CELL
from domain.disclosure import DISCLOSURES, SealedDataRead, disclosures_stream
from domain.disclosure_policy import (
    DISCLOSURE_POLICY,
    DISCLOSURE_POLICY_STREAM,
    Disclosed,
    set_policy,
)
from domain.ids import MemberId, StreamId
from domain.sealed import KeyClass


class RecordDisclosure(msgspec.Struct, frozen=True):
    """What is about to be opened, by which role, and what for."""

    role: str
    purpose: str
    surface: str
    streams: tuple[StreamId, ...]


async def record_disclosure(command: RecordDisclosure, work: Work) -> Outcome:
    """Record a reading of sealed data."""
    staff = work.context.actor
    stream = disclosures_stream(staff)
    await work.load(DISCLOSURES, stream)
    purpose = await work.vault.seal(staff, KeyClass.MODERATION, command.purpose)
    event = SealedDataRead(staff, command.role, purpose, command.surface, command.streams)
    work.append(DISCLOSURES, stream, MemberId(staff), (event,))
    return Outcome(stream, (stream, work.version(stream)))


class SetDisclosurePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of a decision members are told from now on."""

    policy: Disclosed


async def set_disclosure_policy(command: SetDisclosurePolicy, work: Work) -> Outcome:
    """Set how much members are told."""
    work.cell = DIRECTORY_CELL
    staff, stream = work.context.actor, DISCLOSURE_POLICY_STREAM
    told = await work.load(DISCLOSURE_POLICY, stream)
    work.append(DISCLOSURE_POLICY, stream, MemberId(staff), set_policy(told, command.policy, staff))
    return Outcome(stream, (stream, told.version), state=command.policy)
