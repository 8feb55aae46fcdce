"""
What staff see of events: metadata always, sealed fields only for a stated and recorded purpose.
What leaves as a file and what is asked of the past is recorded as well, with the purpose if stated.
"""

from base64 import b64decode
from collections.abc import Iterable
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from api.http.parameters import PURPOSE, REQUEST
from api.services import Ask, Services
from commands.disclosures import (
    RecordDisclosure,
    RecordExport,
    RecordPastRead,
    record_disclosure,
    record_export,
    record_past_read,
)
from commands.executor import Answer, Handler
from commands.types import Moment
from commands.work import Context
from domain.catalogue import EVENTS
from domain.event import Recorded, type_of
from domain.ids import StreamId, cell_of
from domain.sealed import Sealed

C = TypeVar("C")

#: What an operation declares that shows sealed fields to staff.
STATED = (PURPOSE, REQUEST)

#: What is shown of what is sealed.
HIDDEN = {"sealed": True}
_COMPLIANCE_ALONE = "real_name"


class AuditedEvent(msgspec.Struct, frozen=True):
    """An event with its metadata. Sealed fields of ``data`` read ``{"sealed": true}``."""

    position: str
    stream: UUID
    version: int
    type: str
    recorded_at: Moment
    owner: UUID
    actor: UUID
    command: UUID
    correlation: UUID
    causation: UUID | None
    data: dict[str, Any]


class Disclosure:
    """
    One answer to a member of staff.

    :param purpose: what sealed fields are opened for; None leaves them sealed.
    """

    def __init__(self, app: Services, role: str, purpose: str | None) -> None:
        self._app = app
        self._role = role
        self._purpose = purpose

    def event(self, recorded: Recorded) -> AuditedEvent:
        """An event, as this reader may see it."""
        return AuditedEvent(
            position=recorded.at,
            stream=recorded.stream,
            version=recorded.version,
            type=type_of(recorded.event),
            recorded_at=recorded.recorded_at,
            owner=recorded.owner,
            actor=recorded.actor,
            command=recorded.command,
            correlation=recorded.correlation,
            causation=recorded.causation,
            data=self.shown(msgspec.json.decode(EVENTS.encode(recorded.event))),
        )

    def shown(self, value: Any, name: str = "") -> Any:
        """Plain data with its sealed fields opened, or said to be sealed."""
        match value:
            case {"sealed": str(envelope)} if len(value) == 1:
                return self._opened(envelope, name)
            case dict():
                return {key: self.shown(inner, key) for key, inner in value.items()}
            case list():
                return [self.shown(inner, name) for inner in value]
            case _:
                return value

    def opened(self, sealed: Sealed[str]) -> Any:
        """A sealed value's text, or that it is sealed; None when its key was destroyed."""
        return HIDDEN if self._purpose is None else self._app.vault.open(sealed)

    def _opened(self, envelope: str, name: str) -> Any:
        if self._purpose is None or (name == _COMPLIANCE_ALONE and self._role != "compliance"):
            return HIDDEN
        return self._app.vault.open(Sealed(b64decode(envelope)))


async def disclose(call: Ask[Any, Any], recorded: list[Recorded]) -> Disclosure:
    """
    How to show these events to the caller, after recording that they will be opened.

    :raises Refused: what is said to be done for an authority's request is not.
    """
    await may_open(call, [one.stream for one in recorded])
    return Disclosure(call.app, call.role, call.purpose)


async def may_open(call: Ask[Any, Any], streams: Iterable[StreamId]) -> bool:
    """Whether the caller said why sealed fields are opened; it is recorded before any is."""
    purpose, about = call.purpose, tuple(sorted(set(streams)))
    if purpose is None:
        return False
    if about:
        request = call.header(REQUEST)
        reading = RecordDisclosure(call.role, purpose, call.route.name, about, request)
        await _record(call, record_disclosure, reading)
    return True


async def export(call: Ask[Any, Any], since: str | None, until: str | None) -> None:
    """Record that the caller is about to get a file, of between two moments as they were given."""
    taking = RecordExport(call.role, call.purpose, call.route.name, since, until)
    await _record(call, record_export, taking)


async def look_back(call: Ask[Any, Any], at: str | None, streams: Iterable[StreamId]) -> None:
    """
    Record that the caller is about to see how something was.

    :param at: the moment, as it was given; None for all that there were.
    """
    about = tuple(sorted(set(streams)))
    looking = RecordPastRead(call.role, call.purpose, call.route.name, at, about)
    await _record(call, record_past_read, looking)


async def _record(call: Ask[Any, Any], handler: Handler[C], command: C) -> Answer:
    app, staff = call.app, call.viewer.id
    command_id = app.executor.new_id(cell_of(staff))
    context = Context(
        actor=staff,
        cell=cell_of(staff),
        command=command_id,
        correlation=command_id,
        effective_at=app.clock.now(),
    )
    return await app.executor.execute(handler, command, context)
