"""
A migrated database with the toy models' tables, for one test.
"""

from collections.abc import Iterator

import pytest

from tests.projections.engine.toys import World
from tests.support.database import database_url, server_url

__all__ = ["database_url", "server_url", "world"]


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url)
    yield world
    world.close()
