"""
Replays by several processes.
"""

import multiprocessing
import pickle
import threading
from functools import partial

import pytest

from replay import together
from replay.progress import Progress
from replay.refeed import ReplayError
from replay.together import HelperError
from tests.projections.engine.toys import Notes
from tests.replay.conftest import LiveWorld
from tests.replay.helping import Broken, Dying, Fussy, open_toys


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """Helpers are worth it at once; cells by who took them: none of us before one by a helper."""
    taken: dict[str, list[int]] = {"helper": [], "self": []}
    started = threading.Event()
    dealt = together._Deal.next

    def deal(self: together._Deal) -> int | None:
        who = "self" if threading.current_thread() is threading.main_thread() else "helper"
        if who == "self":
            assert started.wait(60), "a helper asks for work"
        cell = dealt(self)
        if cell is not None:
            taken[who].append(cell)
        if who == "helper":
            started.set()
        return cell

    monkeypatch.setattr(together, "EVENTS_WORTH_A_HELPER", 1)
    monkeypatch.setattr(together._Deal, "next", deal)
    return taken


def rebuild(live: LiveWorld, notes: type[Notes] = Notes, **options: object) -> None:
    live.rebuild(open_=partial(open_toys, live.world.url, notes), helpers=1, **options)  # type: ignore[arg-type]


def test_what_several_make_is_what_one_makes(live: LiveWorld, taken: dict[str, list[int]]) -> None:
    live.write(60)
    live.rebuild()
    alone = live.world.content()
    told: list[Progress] = []
    rebuild(live, on_progress=told.append)
    assert live.world.content() == alone
    assert taken["helper"], "one helped"
    assert sorted(taken["helper"] + taken["self"]) == [0, 1, 2], "each cell once"
    assert told[-1].events_done == told[-1].events_total == sum(live.reader.heads().values())
    live.append(0)
    assert not any(checked.differing for checked in live.check().values())


@pytest.mark.parametrize(
    ("notes", "error"),
    [
        (Fussy, "notes cannot take the event at .*: LookupError"),
        (Dying, "a process that helped with the replay was ended"),
        (Broken, "a process that helped with the replay failed: DataError"),
    ],
)
def test_what_a_helper_cannot_do_ends_the_rebuild_before_any_swap(
    live: LiveWorld, taken: dict[str, list[int]], notes: type[Notes], error: str
) -> None:
    live.write(60)
    before = live.world.content()
    with pytest.raises((ReplayError, HelperError), match=error) as caught:
        rebuild(live, notes)
    assert "secret" not in str(caught.value)
    assert live.world.content() == before
    assert not multiprocessing.active_children()
    assert taken["helper"]


def test_helpers_end_with_a_replay_that_fails(live: LiveWorld, taken: dict[str, list[int]]) -> None:
    live.write(60)
    live.models[0] = Fussy()
    with pytest.raises(ReplayError):
        rebuild(live)
    assert not multiprocessing.active_children()
    assert taken["self"]


def test_a_short_log_is_not_worth_a_helper(live: LiveWorld) -> None:
    live.write(3)

    def open_() -> None:
        raise AssertionError("nobody helps")

    live.rebuild(open_=open_, helpers=3)  # type: ignore[arg-type]


def test_what_a_helper_says_of_a_model_arrives_whole() -> None:
    said = pickle.loads(pickle.dumps(ReplayError("notes", "1-2", "LookupError")))
    assert (said.model, said.at, said.error) == ("notes", "1-2", "LookupError")
    assert str(said) == "notes cannot take the event at 1-2: LookupError"
