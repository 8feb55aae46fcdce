"""
The command that records a reading of sealed data by staff, before anything is shown.
"""

import msgspec

from commands.work import Outcome, Work
from domain.disclosure import DISCLOSURES, SealedDataRead, disclosures_stream
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
