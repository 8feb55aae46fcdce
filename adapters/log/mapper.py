"""
Homezone's events for the library's tools: its event store and repository read and write our log.

The library's own mapper stores ``vars(event)`` under a module path; this one stores what the
registry encodes under the event's tag, so a stored name outlives every renaming of a file.
"""

from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    JSONTranscoder,
    Mapper,
    MapperDeserialisationError,
    StoredEvent,
)

from domain.event import Event, Registry, type_of


class StreamEvent(msgspec.Struct, frozen=True):
    """An event at its place in its stream: what the library calls a domain event."""

    originator_id: UUID
    originator_version: int
    event: Event


class MsgspecMapper(Mapper[UUID]):
    """
    Between stored events and :class:`StreamEvent`, by an explicit registry of tags.
    """

    def __init__(self, registry: Registry) -> None:
        super().__init__(JSONTranscoder())
        self._registry = registry

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """The tag and the bytes of an event."""
        if not isinstance(domain_event, StreamEvent):
            raise TypeError("only a StreamEvent has a tag to be stored under")
        event = domain_event.event
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=type_of(event),
            state=self._registry.encode(event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[Any]:
        """
        The event in its newest shape.

        :raises MapperDeserialisationError: unknown tag, or bytes that are not of it.
        """
        try:
            event = self._registry.decode(stored_event.topic, stored_event.state)
        except (KeyError, msgspec.DecodeError) as error:
            raise MapperDeserialisationError(
                f"version {stored_event.originator_version} of {stored_event.originator_id}"
                f" is no {stored_event.topic}"
            ) from error
        originator = stored_event.originator_id
        assert isinstance(originator, UUID)
        return StreamEvent(originator, stored_event.originator_version, event)
