"""
The object store: one suite for folders, buckets and the twin in memory.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.objects import ObjectsFault, bucket, folder
from commands.pictures import ObjectExists, Objects, ObjectsUnavailable, Stored


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _whole(objects: Objects, name: str, chunk_bytes: int = 1 << 20) -> list[bytes]:
    return [piece async for piece in objects.stream(name, chunk_bytes)]


def test_what_is_put_is_got(objects: Objects) -> None:
    async def run() -> None:
        assert await objects.get("a/b") is None
        await objects.put("a/b", b"one")
        await objects.put("a/b", bytearray(b"two"))
        assert await objects.get("a/b") == b"two"
        await objects.check()

    asyncio.run(run())


def test_a_new_object_takes_nobodys_place(objects: Objects) -> None:
    async def run() -> None:
        await objects.put("a/b", b"first", new=True)
        with pytest.raises(ObjectExists):
            await objects.put("a/b", b"second", new=True)
        assert await objects.get("a/b") == b"first"

    asyncio.run(run())


def test_a_large_object_is_streamed_in_and_out(objects: Objects) -> None:
    data = os.urandom((12 << 20) + 7)

    async def run() -> None:
        pieces = [data[at : at + 700_001] for at in range(0, len(data), 700_001)]
        await objects.put_stream("large/one", _chunks(*pieces))
        assert b"".join(await _whole(objects, "large/one")) == data
        lengths = [len(piece) for piece in await _whole(objects, "large/one", 1 << 20)]
        assert lengths == [1 << 20] * 12 + [7]
        assert await _whole(objects, "large/none") == []

    asyncio.run(run())


def test_a_stream_that_breaks_off_leaves_nothing(objects: Objects) -> None:
    async def broken() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield bytes(1 << 20)
        raise EOFError("the client has left")

    async def run() -> None:
        with pytest.raises(EOFError):
            await objects.put_stream("large/one", broken())
        assert await objects.get("large/one") is None
        assert await objects.list("large/") == []

    asyncio.run(run())


def test_lists_are_of_one_prefix_and_by_name(objects: Objects) -> None:
    async def run() -> None:
        for name in ("u/2/x", "u/1/b", "u/1/a", "u/10/z"):
            await objects.put(name, name.encode())
        assert await objects.list("u/1/") == [Stored("u/1/a", 5), Stored("u/1/b", 5)]
        assert await objects.list("v/") == []

    asyncio.run(run())


def test_moving_and_deleting_again_is_no_error(objects: Objects) -> None:
    async def run() -> None:
        await objects.put("from/x", b"data")
        for _ in range(2):
            await objects.move("from/x", "to/deep/x")
            assert await objects.get("to/deep/x") == b"data"
            assert await objects.get("from/x") is None
        for _ in range(2):
            await objects.delete(["to/deep/x", "never/was"])
            assert await objects.get("to/deep/x") is None

    asyncio.run(run())


def test_a_bucket_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-ours")
    store = bucket("s3://nowhere/homezone")

    async def run() -> None:
        with pytest.raises(ObjectsUnavailable) as refused:
            await store.put("a", b"b")
        assert "secret-of-ours" not in str(refused.value)
        with pytest.raises(ObjectsUnavailable):
            await store.check()

    asyncio.run(run())


@pytest.mark.parametrize("url", ["http://here", "s3:", "file:///tmp", ""])
def test_only_buckets_have_urls(url: str) -> None:
    with pytest.raises(ObjectsFault):
        bucket(url)


_KILLED = """
import asyncio, os, sys
from pathlib import Path
from adapters.objects import folder

async def chunks():
    for _ in range(12):
        yield bytes(1 << 20)
    os._exit(9)

asyncio.run(folder(Path(sys.argv[1])).put_stream("uploads/m/u/part-0", chunks()))
"""


def test_what_a_killed_process_was_writing_is_removed_once_it_is_old(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], check=False)
    assert killed.returncode == 9
    (left,) = [one for one in tmp_path.rglob("*") if one.is_file()]
    kept = left.with_name("part-1")
    kept.write_bytes(b"an object")
    (left.parent / "no#number").write_bytes(b"not its")
    store = folder(tmp_path)

    async def run() -> None:
        begun = datetime.fromtimestamp(left.stat().st_mtime, UTC)
        assert await store.tidy("uploads/", begun - timedelta(seconds=1)) == 0
        assert left.exists(), "somebody may be writing it"
        assert await store.tidy("none/", begun + timedelta(seconds=1)) == 0
        assert await store.tidy("uploads/", begun + timedelta(seconds=1)) == 1
        assert not left.exists()
        assert kept.exists()
        await store.delete(["uploads/m/u/part-1"])
        assert await store.tidy("uploads/", begun + timedelta(seconds=1)) == 0
        alone = left.with_name("part-2#3")
        (left.parent / "no#number").unlink(missing_ok=True)
        alone.parent.mkdir(parents=True, exist_ok=True)
        alone.touch()
        assert await store.tidy("uploads/", datetime.now(UTC) + timedelta(days=1)) == 1
        assert list((tmp_path / "uploads").iterdir()) == [], "nor its folders remain"

    asyncio.run(run())


def test_every_store_can_be_tidied(objects: Objects) -> None:
    async def run() -> None:
        await objects.put("uploads/a", b"one")
        assert await objects.tidy("uploads/", datetime.now(UTC) + timedelta(days=1)) == 0
        assert await objects.get("uploads/a") == b"one"

    asyncio.run(run())
