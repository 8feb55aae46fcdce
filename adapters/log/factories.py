"""
The library's infrastructure, on either store: ``PERSISTENCE_MODULE`` names one of these classes.
"""

from typing import Any, Final

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    ProcessRecorder,
)
from eventsourcing.utils import Environment, resolve_topic

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.memory import MemoryStore
from adapters.log.recorder import (
    CellAggregateRecorder,
    CellApplicationRecorder,
    CellProcessRecorder,
    CellSnapshotRecorder,
    CellTrackingRecorder,
    Storage,
)
from adapters.log.storage import MemoryStorage, PostgresStorage

#: The environment's names for the database (its schema is there already) and for the cell.
DATABASE_URL: Final = "DATABASE_URL"
CELL: Final = "CELL"


class CellFactory(InfrastructureFactory[CellTrackingRecorder]):
    """Recorders of one cell; where it is stored is its subclasses' matter."""

    def storage(self) -> Storage:
        """The cell."""
        raise NotImplementedError

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """A recorder of streams, or of snapshots when that is the purpose."""
        kind = CellSnapshotRecorder if purpose == "snapshots" else CellAggregateRecorder
        return kind(self.storage())

    def application_recorder(self) -> ApplicationRecorder:
        """A recorder of streams and their sequence."""
        kind = self._named(self.APPLICATION_RECORDER_TOPIC, CellApplicationRecorder)
        recorder: ApplicationRecorder = kind(self.storage())
        return recorder

    def tracking_recorder(
        self, tracking_recorder_class: type[CellTrackingRecorder] | None = None
    ) -> CellTrackingRecorder:
        """A recorder of what was processed."""
        kind = tracking_recorder_class or self._named(
            self.TRACKING_RECORDER_TOPIC, CellTrackingRecorder
        )
        recorder: CellTrackingRecorder = kind(self.storage())
        return recorder

    def process_recorder(self) -> ProcessRecorder:
        """A recorder of both at once."""
        kind = self._named(self.PROCESS_RECORDER_TOPIC, CellProcessRecorder)
        recorder: ProcessRecorder = kind(self.storage())
        return recorder

    def _named(self, name: str, default: type[Any]) -> type[Any]:
        topic = self.env.get(name)
        return resolve_topic(topic) if topic else default

    def _cell(self) -> int:
        return int(self.env.get(CELL, "0"))


class PostgresFactory(CellFactory):
    """Recorders of one cell of a database."""

    def __init__(self, env: Environment) -> None:
        super().__init__(env)
        self._database = Database(env.get(DATABASE_URL, ""))

    def storage(self) -> Storage:
        """The cell."""
        return PostgresStorage(self._database.server, self._cell(), SystemClock())

    def close(self) -> None:
        """Close idle connections."""
        self._database.dispose()


class MemoryFactory(CellFactory):
    """Recorders of one cell of a store in memory, which lives as long as the factory."""

    def __init__(self, env: Environment) -> None:
        super().__init__(env)
        self._store = MemoryStore(self._cell() + 1)

    def storage(self) -> Storage:
        """The cell."""
        return MemoryStorage(self._store, self._cell(), SystemClock())
