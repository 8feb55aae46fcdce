"""
The three kinds of object store: a folder, a bucket of a local S3, and the twin in memory.
"""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.objects import MemoryObjects, bucket, folder
from commands.pictures import Objects
from tests.support.s3 import S3, running_s3


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """An S3 on this machine."""
    with running_s3() as server:
        yield server


@pytest.fixture(params=["folder", "bucket", "memory"])
def objects(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Objects:
    """An empty store of each kind."""
    match request.param:
        case "folder":
            return folder(tmp_path / "objects")
        case "memory":
            return MemoryObjects()
        case _:
            server: S3 = request.getfixturevalue("s3")
            for name, value in server.environment.items():
                monkeypatch.setenv(name, value)
            return bucket(server.make_bucket(f"b{uuid4().hex}"))
