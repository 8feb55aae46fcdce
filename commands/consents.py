"""
Consents, as commands record them and ask for them.
"""

from commands.work import Work
from domain.consent import CONSENTS, Purpose, consents_stream, require, settle
from domain.ids import MemberId, StreamId


async def consenting(work: Work, member: MemberId, purpose: Purpose, field: str) -> None:
    """
    Go on only with the member's consent; the command stands or falls with it.

    :raises Refused: consent-missing, at ``field``.
    """
    require(await work.load(CONSENTS, consents_stream(member)), purpose, field)


async def settle_consent(
    work: Work, member: MemberId, purpose: Purpose, *, agrees: bool
) -> tuple[StreamId, int]:
    """Record that a member agrees, or no longer; the stream and version that made it so."""
    stream = consents_stream(member)
    consents = await work.load(CONSENTS, stream)
    events = settle(consents, member, purpose, agrees=agrees)
    work.append(CONSENTS, stream, member, events)
    return stream, work.version(stream) + 1 if events else consents.since
