"""
Bugs that are planted: the simulator finds each of them, or it has lost its edge.
"""

from typing import Any

from tests.simulation.history import Plan
from tests.simulation.run import Failed, live, with_capacity

#: Each is found within so many seeds.
SEEDS_MAX = 60


def first_failure(plant: Any, plan: Plan) -> tuple[int, str] | None:
    """The first seed that shows what is planted, and how; None when none does."""
    for seed in range(1, SEEDS_MAX + 1):
        try:
            with plant():
                live(seed, with_capacity(plan, 1_000 if seed % 2 else 3))
        except Failed as failed:
            return seed, str(failed.__cause__)
    return None
