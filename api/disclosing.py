"""
What staff see of events: metadata always, sealed fields only for a stated and recorded purpose.
"""

from base64 import b64decode
from typing import Any
from uuid import UUID

import msgspec

from api.services import Ask, Services
from commands.disclosures import RecordDisclosure, record_disclosure
from commands.executor import Answer
from commands.types import Moment
from commands.work import Context
from domain.catalogue import EVENTS
from domain.event import Recorded, type_of
from domain.ids import StreamId, cell_of
from domain.sealed import Sealed

_HIDDEN = {"sealed": True}
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
        return _HIDDEN if self._purpose is None else self._app.vault.open(sealed)

    def _opened(self, envelope: str, name: str) -> Any:
        if self._purpose is None or (name == _COMPLIANCE_ALONE and self._role != "compliance"):
            return _HIDDEN
        return self._app.vault.open(Sealed(b64decode(envelope)))


async def disclose(call: Ask[Any, Any], recorded: list[Recorded]) -> Disclosure:
    """How to show these events to the caller, after recording that they will be opened."""
    purpose = call.purpose
    if purpose is not None and recorded:
        streams = tuple(sorted({StreamId(one.stream) for one in recorded}))
        await record(call, purpose, streams)
    return Disclosure(call.app, call.role, purpose)


async def record(call: Ask[Any, Any], purpose: str, streams: tuple[StreamId, ...]) -> Answer:
    """Record that what is sealed of some streams is opened for the caller, and for what."""
    app, staff = call.app, call.viewer.id
    command_id = app.executor.new_id(cell_of(staff))
    context = Context(
        actor=staff,
        cell=cell_of(staff),
        command=command_id,
        correlation=command_id,
        effective_at=app.clock.now(),
    )
    command = RecordDisclosure(call.role, purpose, call.route.name, streams)
    return await app.executor.execute(record_disclosure, command, context)
