"""
How far a long piece of work is, for whoever shows it.
"""

from collections.abc import Callable
from typing import NamedTuple


class Work(NamedTuple):
    """A step and how much of it is done; what is counted is up to the step."""

    step: str
    done: int
    total: int


OnWork = Callable[[Work], None]


def unseen(_: Work) -> None:
    """For callers who show nothing."""
