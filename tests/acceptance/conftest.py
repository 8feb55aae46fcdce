"""
The product from outside: running servers of 16 cells and of 1, shared by all sections.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from tests.support.database import database_url, fresh_database, server_url
from tests.support.homezone import RunningHomezone, running_homezone

__all__ = ["database_url", "homezone", "homezones", "later", "moved", "server_url"]

Homezones = Callable[[int], RunningHomezone]


@pytest.fixture(scope="session")
def homezones(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homezones]:
    """A server by its number of cells, started when it is first asked for."""
    with ExitStack() as stack:

        @cache
        def start(cells: int) -> RunningHomezone:
            url = stack.enter_context(fresh_database(server_url))
            directory = tmp_path_factory.mktemp(f"homezone{cells}")
            return stack.enter_context(running_homezone(url, directory, cells=cells))

        yield start


@pytest.fixture
def homezone(homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells; each test brings members of its own."""
    return homezones(16)


class Moved:
    """The machine's clock, moved ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        """UTC, timezone-aware."""
        return datetime.now(UTC) + self.ahead


@pytest.fixture(scope="module")
def moved() -> Moved:
    """The clock of this module's own server."""
    return Moved()


@pytest.fixture(scope="module")
def later(
    moved: Moved, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHomezone]:
    """A server whose clock can be moved."""
    directory: Path = tmp_path_factory.mktemp("moved")
    with (
        fresh_database(server_url) as url,
        running_homezone(url, directory, clock=moved) as homezone,
    ):
        yield homezone
