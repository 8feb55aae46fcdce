"""
A store to back up, on a real PostgreSQL.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.backup.stores import Store
from tests.support.database import database_url, server_url

__all__ = ["database_url", "server_url", "store"]


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[Store]:
    store = Store(database_url, tmp_path)
    yield store
    store.close()
