"""
One trial: a world, members who use it, faults, and a judgement. What tests and the soak share.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.caller import Seen
from tests.faults.nemesis import Nemesis
from tests.faults.record import Logged
from tests.faults.verdict import judge
from tests.faults.workload import Workload
from tests.faults.world import World
from tests.support.database import enterable_directory, remove_data


class Trial:
    """A world in use."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.seen = Seen()
        self.workload: Workload = world.workload(seed, self.seen)
        self.nemesis = Nemesis(world, self.workload, seed)
        self.log: list[Logged] = []
        self.workload.start()

    def judge(self) -> list[str]:
        """All that was not as promised, once everything has stopped."""
        wrong, self.log = judge(self.world, self.workload, self.seen)
        return self.nemesis.wrong + wrong


@contextmanager
def arena() -> Iterator[Path]:
    """A directory for a world, kept as evidence where anything goes wrong in it."""
    directory = enterable_directory()
    try:
        yield directory
    except BaseException as error:
        error.add_note(f"the evidence is in {directory}")
        raise
    remove_data(directory)


@contextmanager
def trial(world: World, seed: int) -> Iterator[Trial]:
    """
    Start a world and let members use it; judged where the block ends.

    :raises AssertionError: something was not as promised.
    """
    made: Trial | None = None
    try:
        world.start_all()
        world.settle_members()
        made = Trial(world, seed)
        yield made
        wrong = made.judge()
        assert not wrong, "\n".join(["not as promised:", *wrong])
    finally:
        if made is not None:
            made.workload.abandon()
        world.close()
