"""
Events as the log would hand them to a read model.
"""

from datetime import UTC, datetime
from uuid import UUID

from domain.account import DIRECTORY_CELL
from domain.account_events import NumberClaimed
from domain.case_events import CaseDecided, CaseOpened
from domain.event import Event, Recorded, type_of
from domain.ids import MemberId, StreamId, cell_of, derive, mint

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

#: The field that names the member whose stream an event is on.
_WHOSE = ("member", "author", "owner", "staff")

#: Whose the rest is: nobody's, so a made-up member of staff's.
_STAFF = MemberId(mint(1_790_000_000_009, 0, 9))


def owner_of(event: Event) -> MemberId:
    """Whose stream an event is on."""
    if isinstance(event, CaseOpened | CaseDecided):
        return event.subject.owner
    return MemberId(next((getattr(event, one) for one in _WHOSE if hasattr(event, one)), _STAFF))


def recorded(event: Event, position: int = 7, version: int = 1) -> Recorded:
    """An event at a place in its cell, on a stream of the member whose it is."""
    owner = owner_of(event)
    cell = DIRECTORY_CELL if isinstance(event, NumberClaimed) else cell_of(owner)
    noun = type_of(event).partition(".")[0].encode()
    command = UUID(int=position)
    return Recorded(
        cell,
        position,
        StreamId(derive(cell, "stream", owner, noun)),
        version,
        NOON,
        owner,
        owner,
        command,
        command,
        None,
        event,
    )
