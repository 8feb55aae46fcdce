"""
What the drivers of the ``eventsourcing`` library's recorders share, whatever these store to.

Callers are threads, as in the library's own applications; each appends through the recorder's
``insert_events``, whose unique index on (originator, version) is the condition.
"""

import json
import time
from typing import Any
from uuid import UUID

from eventsourcing.persistence import ApplicationRecorder, InfrastructureFactory, StoredEvent
from eventsourcing.utils import Environment

from benchmarks.peers.protocol import Round, Step, Stream, closed_loop

_TOPIC = "post.published.v1"
_PAGE = 1_000


class LibraryDriver:
    """One application recorder at a time."""

    def __init__(self) -> None:
        self._factory: InfrastructureFactory[Any] | None = None
        self._recorder: ApplicationRecorder | None = None
        self._settings: dict[str, Any] | None = None

    def environment(self, config: dict[str, Any], settings: dict[str, Any]) -> dict[str, str]:
        """The library's settings; the driver of each storage has its own."""
        raise NotImplementedError

    def release(self, factory: "InfrastructureFactory[Any]") -> None:
        """Close a factory's connections."""
        factory.close()

    def open(self, config: dict[str, Any]) -> dict[str, Any]:
        """Remember where the database is."""
        self._config = config
        self._state = config["payload"].encode()
        return {}

    def prepare(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Make the recorder, and its tables or functions where they are missing."""
        self.recorder(settings)
        return {}

    def append(self, callers: int, batch: int, seconds: float, settings: dict[str, Any]) -> Round:
        """A thread a caller."""
        recorder = self.recorder(settings)

        def make(_: int) -> Step:
            stream = Stream(own=False)

            def step() -> None:
                originator, before = stream.next(batch)
                recorder.insert_events(self._events(originator, before, batch))

            return step

        return closed_loop(callers, batch, seconds, make)

    def read(self, limit: int, settings: dict[str, Any]) -> Round:
        """Notifications in order, the JSON of each decoded."""
        recorder = self.recorder(settings)
        began, read, after = time.perf_counter(), 0, 0
        while read < limit:
            page = recorder.select_notifications(
                after, min(_PAGE, limit - read), inclusive_of_start=False
            )
            if not page:
                break
            for each in page:
                json.loads(each.state)
            read += len(page)
            after = page[-1].id
        return Round(read, time.perf_counter() - began)

    def close(self) -> None:
        """Close the connections."""
        if self._factory is not None:
            self.release(self._factory)
            self._factory = self._recorder = None

    def recorder(self, settings: dict[str, Any]) -> ApplicationRecorder:
        """A recorder with these settings; the one before is closed."""
        if self._recorder is None or settings != self._settings:
            self.close()
            env = Environment("bench", self.environment(self._config, settings))
            self._factory = InfrastructureFactory[Any].construct(env)
            self._recorder = self._factory.application_recorder()
            self._settings = settings
        return self._recorder

    def _events(self, originator: UUID, before: int, batch: int) -> list[StoredEvent]:
        return [
            StoredEvent(originator, version, _TOPIC, self._state)
            for version in range(before + 1, before + 1 + batch)
        ]
