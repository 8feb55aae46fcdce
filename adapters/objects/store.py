"""
The object store through obstore: a folder by default, a bucket by its URL.

An object appears whole: files are written beside their place and renamed, buckets do that by
themselves. A folder is synced as well, file and directory, before anybody is told: what an event
vouches for must outlive the machine's power.
"""

import asyncio
import errno
import os
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, S3Store
from obstore.store import ObjectStore as Backend

from commands.pictures import ObjectExists, ObjectsUnavailable, Stored

#: Of a streamed object in memory: a part, and one more on its way.
_PART_BYTES: Final = 5 << 20
_PARTS_AT_ONCE: Final = 1
_DELETED_AT_ONCE: Final = 500
#: How the names of files end that are being written.
_UNFINISHED: Final = re.compile(r"#[0-9]+$")
#: Whoever waits for a bucket that does not answer holds a place at the door meanwhile.
_PATIENCE: Final = timedelta(seconds=10)


class ObjectsFault(Exception):
    """The object store cannot be used as it is set up; the message says why, and no secret."""


class ObjectStore:
    """
    Satisfies the ``Objects`` port.

    :param root: of a folder, which is synced; None for a bucket.
    """

    def __init__(self, backend: Backend, name: str, root: Path | None = None) -> None:
        self._backend = backend
        self._root = root
        #: Directories that are known to outlive a power cut, by their own parents' sync.
        self._synced: set[Path] = set()
        #: What an operator may be shown.
        self.name = name

    async def put(self, name: str, data: bytes | bytearray, *, new: bool = False) -> None:
        """
        Store an object.

        :raises ObjectExists: there is one, and that was not to be.
        """
        mode: Literal["create", "overwrite"] = "create" if new else "overwrite"
        with _answering():
            try:
                await obstore.put_async(
                    self._backend,
                    name,
                    data,
                    mode=mode,
                    use_multipart=False,
                )
            except (AlreadyExistsError, FileExistsError):
                raise ObjectExists(name) from None
            await self._sync(name)

    async def put_stream(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """Store an object as its bytes come."""
        raised: list[BaseException] = []

        async def watched() -> AsyncIterator[bytes]:
            try:
                async for chunk in chunks:
                    yield chunk
            except BaseException as error:
                raised.append(error)
                raise

        with _answering():
            try:
                await obstore.put_async(
                    self._backend,
                    name,
                    watched(),
                    use_multipart=True,
                    chunk_size=_PART_BYTES,
                    max_concurrency=_PARTS_AT_ONCE,
                )
            except Exception as error:  # noqa: BLE001  it may be the chunks' own
                # What the chunks raised is theirs, and not the store's.
                raise raised[0] if raised else error from None
            await self._sync(name)

    async def get(self, name: str) -> bytes | None:
        """A small object; None when there is none."""
        with _answering():
            try:
                found = await obstore.get_async(self._backend, name)
                return bytes(await found.bytes_async())
            except FileNotFoundError:
                return None

    async def stream(self, name: str, chunk_bytes: int) -> AsyncIterator[bytes]:
        """An object in pieces, each but the last of that size."""
        held = bytearray()
        with _answering():
            try:
                found = await obstore.get_async(self._backend, name)
                async for piece in found.stream(min_chunk_size=chunk_bytes):
                    held += piece
                    while len(held) > chunk_bytes:
                        yield bytes(memoryview(held)[:chunk_bytes])
                        del held[:chunk_bytes]
            except FileNotFoundError:
                return
        if held:
            yield bytes(held)

    async def list(self, prefix: str) -> list[Stored]:
        """All objects under a prefix, by name."""
        found: list[Stored] = []
        with _answering():
            async for batch in obstore.list(self._backend, prefix.rstrip("/")):
                found += (Stored(one["path"], one["size"]) for one in batch)
        return sorted(found)

    async def move(self, source: str, target: str) -> None:
        """Give an object another name."""
        with _answering():
            try:
                await obstore.rename_async(self._backend, source, target)
            except FileNotFoundError:
                return
            await self._sync(target)

    async def delete(self, names: Iterable[str]) -> None:
        """Remove objects."""
        wanted = list(names)
        with _answering():
            for start in range(0, len(wanted), _DELETED_AT_ONCE):
                some = wanted[start : start + _DELETED_AT_ONCE]
                if self._root is None:
                    await obstore.delete_async(self._backend, some)
                    continue
                # What becomes empty goes as well, and would have to be synced again.
                self._synced.clear()
                for name in some:
                    with suppress(FileNotFoundError):
                        await obstore.delete_async(self._backend, name)

    async def tidy(self, prefix: str, before: datetime) -> int:
        """Remove unfinished files; a bucket has a rule of its own for unfinished uploads."""
        if self._root is None:
            return 0
        # As with what is deleted: folders that become empty go as well.
        self._synced.clear()
        with _answering():
            return await asyncio.to_thread(_remove_unfinished, self._root / prefix, before)

    async def check(self) -> None:
        """Find out whether it answers."""
        with _answering(), suppress(FileNotFoundError):
            await obstore.head_async(self._backend, "check")

    async def _sync(self, name: str) -> None:
        if self._root is not None:
            await asyncio.to_thread(self._sync_file, self._root / name, self._root)

    def _sync_file(self, path: Path, root: Path) -> None:
        """Sync a file and its directory, and those above as far as they may be new."""
        _sync_one(path)
        for directory in path.parents:
            _sync_one(directory)
            if directory == root or directory in self._synced:
                break
            self._synced.add(directory)


def folder(path: Path) -> ObjectStore:
    """Objects in a folder, which is made if missing, for us alone."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    backend = LocalStore(path, automatic_cleanup=True)
    return ObjectStore(backend, f"folder {path}", path)


def bucket(url: str) -> ObjectStore:
    """
    Objects in an S3 bucket, ``s3://BUCKET/PREFIX``. Credentials, region and another endpoint come
    from the environment, by the names AWS gave them (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``).

    :raises ObjectsFault: it is no such URL, or the environment does not make sense.
    """
    if not url.startswith("s3://"):
        raise ObjectsFault("the object store is s3://BUCKET/PREFIX, or a folder when none is given")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    local = endpoint is not None and endpoint.startswith("http://")
    try:
        backend = S3Store.from_url(
            url,
            config={} if endpoint is None else {"endpoint": endpoint},
            client_options={
                "connect_timeout": timedelta(seconds=3),
                "timeout": timedelta(seconds=60),
                "allow_http": local,
            },
            retry_config={"max_retries": 2, "retry_timeout": _PATIENCE},
        )
    except (BaseError, ValueError) as error:
        raise ObjectsFault(f"the object store cannot be used: {type(error).__name__}") from None
    return ObjectStore(backend, f"bucket {url}")


@contextmanager
def _answering() -> Iterator[None]:
    """Whatever the store says instead of an answer becomes one error."""
    try:
        yield
    except (BaseError, OSError) as error:
        # Its text names paths; who operates it finds the reason by its kind.
        full = "No space left" in str(error) or getattr(error, "errno", None) == errno.ENOSPC
        reason = "it has no room left" if full else type(error).__name__
        raise ObjectsUnavailable(f"the object store does not answer: {reason}") from error


def _remove_unfinished(folder: Path, before: datetime) -> int:
    """
    The files that obstore was writing when its process ended: it lists none of them, and begins
    another for the same object.
    """
    removed = 0
    for place, _, names in os.walk(folder, topdown=False):
        for path in (Path(place, name) for name in names if _UNFINISHED.search(name)):
            with suppress(FileNotFoundError):
                # One that is young may be somebody's who writes right now.
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()
                    removed += 1
                    for emptied in path.relative_to(folder).parents[:-1]:
                        with suppress(OSError):
                            (folder / emptied).rmdir()
    return removed


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
