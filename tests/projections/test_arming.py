"""
Deadlines, as events arm and disarm them: nothing stays armed that no event will ever answer.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from domain.event import Event, Recorded
from domain.rulebook import RULEBOOK_STREAM, LevelEnded, LevelRaised
from domain.sealed import Sealed
from projections.arming import ARMING
from projections.engine.deadlines import Deadlines
from projections.rows import Drop, Put, fold
from tests.projections.recorded import NOON, recorded

_SEALED: Sealed[str] = Sealed(b"reason")
_LATER = NOON + timedelta(hours=1)


def armed(*events: Event) -> dict[Any, Any]:
    """The kinds of what is left armed, and when they are due."""
    model = Deadlines(ARMING)
    changes = [
        change
        for position, event in enumerate(events, 1)
        for change in model.rows(_on_the_rulebook(event, position))
    ]
    (by_key,) = fold(changes).values()
    left = [change for change in by_key.values() if isinstance(change, Put)]
    assert all(isinstance(change, Put | Drop) for change in by_key.values())
    return {change.values["kind"]: change.values["due"] for change in left}


def _on_the_rulebook(event: Event, position: int) -> Recorded:
    return msgspec.structs.replace(recorded(event, position, position), stream=RULEBOOK_STREAM)


def test_a_level_that_is_raised_again_ends_once() -> None:
    first = LevelRaised(UUID(int=1), 1, NOON, _SEALED)
    second = LevelRaised(UUID(int=2), 2, _LATER, _SEALED)
    assert armed(first, second) == {"level-ends": _LATER}
    assert armed(first, second, LevelEnded(UUID(int=2), _LATER)) == {}
