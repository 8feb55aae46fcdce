"""
The eventsourcing library's own conformance suite, over both stores, with 1 cell and with 16.
"""

from typing import Any

import pytest
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    ProcessRecorder,
    TrackingRecorder,
)
from eventsourcing.utils import Environment

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.factories import MemoryFactory, PostgresFactory
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
from tests.adapters.log.stores import emptied
from tests.conformance.library import suite

#: The number of cells, and the one the recorders are bound to.
ONE, LAST_OF_16 = (1, 0), (16, 15)


class OnPostgres:
    """A storage in an empty database."""

    cells = ONE

    def storage(self) -> Storage:
        count, cell = self.cells
        self.database = Database(emptied(count))
        return PostgresStorage(self.database.server, cell, SystemClock())

    def tearDown(self) -> None:
        if hasattr(self, "database"):
            self.database.dispose()


class InMemory:
    """A storage in an empty store."""

    cells = ONE

    def storage(self) -> Storage:
        count, cell = self.cells
        return MemoryStorage(MemoryStore(count), cell, SystemClock())


class Aggregates:
    def create_recorder(self) -> AggregateRecorder:
        return CellAggregateRecorder(self.storage())  # type: ignore[attr-defined]


class Snapshots:
    def create_recorder(self) -> AggregateRecorder:
        return CellSnapshotRecorder(self.storage())  # type: ignore[attr-defined]


class Applications:
    def create_recorder(self) -> Any:
        return CellApplicationRecorder(self.storage())  # type: ignore[attr-defined]

    def test_subscribe(self) -> None:
        self.optional_test_insert_subscribe()  # type: ignore[attr-defined]


class Trackings:
    def create_recorder(self) -> TrackingRecorder:
        return CellTrackingRecorder(self.storage())  # type: ignore[attr-defined]


class Processes:
    def create_recorder(self) -> ProcessRecorder:
        return CellProcessRecorder(self.storage())  # type: ignore[attr-defined]


class Sequences:
    def create_recorder(self) -> ApplicationRecorder:
        return CellApplicationRecorder(self.storage())  # type: ignore[attr-defined]


def _suites() -> dict[str, type]:
    """Every fitting case of the suite, on either store and either number of cells."""
    cases: list[tuple[str, type, type]] = [
        ("AggregateRecorder", Aggregates, suite.AggregateRecorderTestCase),
        ("SnapshotRecorder", Snapshots, suite.AggregateRecorderTestCase),
        ("ApplicationRecorder", Applications, suite.ApplicationRecorderTestCase),
        ("TrackingRecorder", Trackings, suite.TrackingRecorderTestCase),
        ("ProcessRecorder", Processes, suite.ProcessRecorderTestCase),
        ("NonInterleaving", Sequences, suite.NonInterleavingNotificationIDsBaseCase),
    ]
    return {
        name: type(name, (recorder, where, case), {"cells": cells, "__module__": __name__})
        for title, recorder, case in cases
        for where in (OnPostgres, InMemory)
        for cells in (ONE, LAST_OF_16)
        for name in (f"Test{title}{where.__name__}With{cells[0]}",)
    }


globals().update(_suites())


class SpecialTracking(CellTrackingRecorder):
    """A recorder of somebody's own making."""


class Factory(suite.InfrastructureFactoryTestCase[Any]):
    kind: type[InfrastructureFactory[Any]]
    __test__ = False

    def expected_factory_class(self) -> type[Any]:
        return self.kind

    def expected_aggregate_recorder_class(self) -> type[AggregateRecorder]:
        return CellAggregateRecorder

    def expected_application_recorder_class(self) -> type[ApplicationRecorder]:
        return CellApplicationRecorder

    def expected_tracking_recorder_class(self) -> type[TrackingRecorder]:
        return CellTrackingRecorder

    def tracking_recorder_subclass(self) -> type[TrackingRecorder]:
        return SpecialTracking

    def expected_process_recorder_class(self) -> type[ProcessRecorder]:
        return CellProcessRecorder

    def setUp(self) -> None:
        where = {} if self.kind is MemoryFactory else {"DATABASE_URL": emptied(16)}
        topic = f"adapters.log.factories:{self.kind.__name__}"
        self.env = Environment("", {"PERSISTENCE_MODULE": topic, "CELL": "3", **where})
        super().setUp()


class TestPostgresFactory(Factory):
    __test__ = True
    kind = PostgresFactory


class TestMemoryFactory(Factory):
    __test__ = True
    kind = MemoryFactory


@pytest.mark.parametrize("name", sorted(_suites()))
def test_no_suite_is_empty(name: str) -> None:
    assert [each for each in dir(globals()[name]) if each.startswith("test")]
