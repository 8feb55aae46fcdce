"""
The commands about what is disclosed: that staff read sealed data, export or look at the past,
recorded before anything is shown; and how much members are told of what is decided.
"""

from uuid import UUID

import msgspec

from commands.authority_requests import check_waits
from commands.work import Outcome, Work
from domain.account import DIRECTORY_CELL
from domain.disclosure import (
    DISCLOSURES,
    DisclosureEvent,
    PastRead,
    RecordsExported,
    SealedDataRead,
    disclosures_stream,
)
from domain.disclosure_policy import (
    DISCLOSURE_POLICY,
    DISCLOSURE_POLICY_STREAM,
    Disclosed,
    set_policy,
)
from domain.ids import MemberId, StreamId
from domain.sealed import KeyClass, Sealed


class RecordDisclosure(msgspec.Struct, frozen=True):
    """What is about to be opened, by which role, and what for."""

    role: str
    purpose: str
    surface: str
    streams: tuple[StreamId, ...]
    request: UUID | None = None


class RecordExport(msgspec.Struct, frozen=True):
    """What is about to leave as a file, taken by which role, and what for if that was said."""

    role: str
    purpose: str | None
    surface: str
    since: str | None
    until: str | None


class RecordPastRead(msgspec.Struct, frozen=True):
    """What of the past is about to be shown to which role, and what for if that was said."""

    role: str
    purpose: str | None
    surface: str
    at: str | None
    streams: tuple[StreamId, ...]


async def record_disclosure(command: RecordDisclosure, work: Work) -> Outcome:
    """
    Record a reading of sealed data.

    :raises Refused: the request that it is done for is none that waits for an answer.
    """
    if command.request is not None:
        await check_waits(work, command.request)
    staff = work.context.actor
    purpose = await work.vault.seal(staff, KeyClass.MODERATION, command.purpose)
    about = (command.surface, command.streams, command.request)
    return await _record(work, SealedDataRead(staff, command.role, purpose, *about))


async def record_export(command: RecordExport, work: Work) -> Outcome:
    """Record that records leave as a file."""
    staff, purpose = work.context.actor, await _purpose(work, command.purpose)
    between = (command.since, command.until)
    return await _record(
        work, RecordsExported(staff, command.role, command.surface, purpose, *between)
    )


async def record_past_read(command: RecordPastRead, work: Work) -> Outcome:
    """Record a look at the past."""
    staff, purpose = work.context.actor, await _purpose(work, command.purpose)
    about = (command.at, command.streams)
    return await _record(work, PastRead(staff, command.role, command.surface, purpose, *about))


async def _purpose(work: Work, purpose: str | None) -> Sealed[str] | None:
    if purpose is None:
        return None
    return await work.vault.seal(work.context.actor, KeyClass.MODERATION, purpose)


async def _record(work: Work, event: DisclosureEvent) -> Outcome:
    staff = work.context.actor
    stream = disclosures_stream(staff)
    await work.load(DISCLOSURES, stream)
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
