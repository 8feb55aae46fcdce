"""
A running Homezone for tests of the API.
"""

from collections.abc import Iterator

import pytest

from tests.support.database import database_url, fresh_database, server_url
from tests.support.homezone import RunningHomezone, running_homezone

__all__ = ["database_url", "homezone", "server_url"]


@pytest.fixture(scope="session")
def homezone(
    server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHomezone]:
    """A server of 16 cells for all tests of a session; each brings members of its own."""
    directory = tmp_path_factory.mktemp("homezone")
    with (
        fresh_database(server_url) as url,
        running_homezone(url, directory) as running,
    ):
        yield running
