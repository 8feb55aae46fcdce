"""
The ``eventsourcing`` library's recorders, bound to one cell of a log.

So whatever is built on the library (its applications, repositories, followers) runs on our log, and
its conformance suite watches over both our stores. Which cell is decided before a recorder is
reached. An upstream's name for tracking is ``name/cell``, since its ids are those of one cell.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    Notification,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    Tracking,
    TrackingRecorder,
)

from adapters.log.notify import Wake

_SUBSCRIPTION_EVENTS = 500
_POLL_SECONDS = 0.25


class Storage(Protocol):
    """One cell of a store, as the library sees it. Errors are the library's own."""

    @property
    def cell(self) -> int: ...

    @property
    def wake(self) -> Wake: ...

    def insert(self, events: Sequence[StoredEvent], tracking: Tracking | None) -> list[int]:
        """Append events and move a tracking on, both or neither; the events' positions."""

    def insert_snapshots(self, snapshots: Sequence[StoredEvent]) -> None: ...

    def select(
        self,
        originator: UUID,
        gt: int | None,
        lte: int | None,
        *,
        desc: bool,
        limit: int | None,
        snapshots: bool,
    ) -> list[StoredEvent]: ...

    def notifications(
        self, first: int, limit: int, stop: int | None, topics: Sequence[str]
    ) -> list[Notification]: ...

    def head(self) -> int: ...

    def tracked(self, name: str) -> int | None: ...


class _Bound:
    """What every recorder holds."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage


class CellAggregateRecorder(_Bound, AggregateRecorder):
    """Streams of one cell, without a sequence; or snapshots of them, in their own table."""

    _snapshots = False

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Append events; IntegrityError when one of the versions is taken."""
        if self._snapshots:
            self._storage.insert_snapshots(stored_events)
        else:
            self._storage.insert(stored_events, kwargs.get("tracking"))
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """A stream's events."""
        originator = UUID(str(originator_id))
        return self._storage.select(
            originator, gt, lte, desc=desc, limit=limit, snapshots=self._snapshots
        )


class CellSnapshotRecorder(CellAggregateRecorder):
    """Snapshots: a cache that may be deleted."""

    _snapshots = True


class CellApplicationRecorder(CellAggregateRecorder, ApplicationRecorder):
    """Streams of one cell and its sequence of positions."""

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Append events; their positions."""
        return self._storage.insert(stored_events, kwargs.get("tracking"))

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events by position."""
        first = (start or 0) + (0 if inclusive_of_start or start is None else 1)
        return self._storage.notifications(first, limit, stop, topics)

    def max_notification_id(self) -> int | None:
        """The cell's last position; None when it is empty."""
        return self._storage.head() or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Every event after a position, and those to come."""
        return CellSubscription(self, self._storage, gt, topics)


class CellTrackingRecorder(_Bound, TrackingRecorder):
    """How far an upstream was processed."""

    def insert_tracking(self, tracking: Tracking) -> None:
        """Move on; IntegrityError when that, or more, was processed before."""
        self._storage.insert((), tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        """How far an upstream was processed; None when never."""
        return self._storage.tracked(application_name)


class CellProcessRecorder(CellTrackingRecorder, CellApplicationRecorder, ProcessRecorder):
    """Events and the tracking of what led to them, atomically."""


class CellSubscription(Subscription[ApplicationRecorder]):
    """Reads on as the cell grows: woken by this process's commits, by hints, or by polling."""

    def __init__(
        self,
        recorder: ApplicationRecorder,
        storage: Storage,
        gt: int | None,
        topics: Sequence[str],
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._storage = storage
        self._at = gt or 0
        self._read: deque[Notification] = deque()

    def stop(self) -> None:
        """End the iteration, from any thread."""
        super().stop()
        self._storage.wake.hint()

    def __next__(self) -> Notification:
        while not self._has_been_stopped:
            if self._read:
                return self._read.popleft()
            hints = self._storage.wake.hints()
            head = self._storage.head()
            found = self._storage.notifications(
                self._at + 1, _SUBSCRIPTION_EVENTS, head, self._topics
            )
            self._read.extend(found)
            if len(found) == _SUBSCRIPTION_EVENTS:
                self._at = found[-1].id
            else:
                self._at = max(self._at, head)
            if not found:
                self._storage.wake.wait({self._storage.cell: self._at}, hints, _POLL_SECONDS)
        raise StopIteration
