"""
Which events arm and disarm which deadlines.
"""

from collections.abc import Iterator, Mapping

from domain.account_events import AccountReinstated, AccountSuspended
from domain.event import Event, Recorded
from domain.rulebook import LevelEnded, LevelRaised
from projections.engine.deadlines import Arm, Arming, Disarm


def _suspended(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, AccountSuspended)
    if event.until is not None:
        yield Arm(event.suspension, event.until, "suspension-ends", event.member)


def _reinstated(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, AccountReinstated)
    yield Disarm(event.suspension)


def _raised(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, LevelRaised)
    yield Arm(event.raising, event.until, "level-ends", recorded.stream)


def _lowered(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, LevelEnded)
    yield Disarm(event.raising)


ARMING: Mapping[type[Event], Arming] = {
    AccountSuspended: _suspended,
    AccountReinstated: _reinstated,
    LevelRaised: _raised,
    LevelEnded: _lowered,
}
