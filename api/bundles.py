"""
Evidence bundles made for somebody who asked over HTTP: one after the other, each in a process of
its own, and kept in files until others have taken their place. A server that restarts knows none.

What members wrote is sealed in them, so a file that lies about gives nothing away, and what is
erased meanwhile cannot be read in it any longer.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import shutil
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.evidence.questions import Kind
from replay.bundles.choosing import Moment
from replay.bundles.words import COMMAND, Done, Failed, Job, Progress, Reason, decode_word, encode

State: TypeAlias = Literal["waiting", "running", "done", "failed"]

#: How many are kept; a hundred thousand events are about 150 MB.
KEPT_MAX: Final = 10
_WAITING_MAX: Final = 5
#: Behind whatever else the machine does: members do not wait for it.
_NICENESS: Final = 10
_LOCK: Final = ".lock"

logger = logging.getLogger("homezone")


class Busy(Exception):
    """Too many wait already."""


class Bundle(msgspec.Struct):
    """One of them, as far as it is. ``since`` and ``until`` are as they were asked for."""

    id: UUID
    asked_at: datetime
    since: str | None
    until: str | None
    state: State = "waiting"
    progress: Progress | None = None
    done: Done | None = None
    reason: Reason | None = None


class Bundles:
    """
    Those of one server.

    :param folder: where they lie; each server on it has a folder of its own in there.
    """

    def __init__(
        self,
        database_url: str,
        keys: Path,
        folder: Path,
        witnesses: Sequence[str],
        new_id: Callable[[], UUID],
        now: Callable[[], datetime],
    ) -> None:
        self._database_url = database_url
        self._keys = keys
        self._witnesses = tuple(witnesses)
        self._new_id = new_id
        self._now = now
        self._kept: OrderedDict[UUID, Bundle] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._folder, self._lock = _own_folder(folder)

    def find(self, id: UUID) -> Bundle | None:
        """The one of that id, if it is still known."""
        return self._kept.get(id)

    def file(self, bundle: Bundle) -> Path:
        """Where one lies that is done."""
        return self._folder / f"{bundle.id}.zip"

    def start(
        self,
        since: tuple[str | None, Moment],
        until: tuple[str | None, Moment],
        kind: Kind,
        owner: UUID | None,
        stream: UUID | None,
    ) -> Bundle:
        """
        Begin one, or have it wait for its turn.

        :param since: and ``until``, as asked for and as understood.
        :raises Busy: too many wait.
        """
        if len(self._tasks) > _WAITING_MAX:
            raise Busy
        bundle = Bundle(self._new_id(), self._now(), since[0], until[0])
        job = Job(
            database_url=self._database_url,
            keys=str(self._keys),
            out=str(self.file(bundle)),
            since=_plain(since[1]),
            until=_plain(until[1]),
            kind=kind,
            owner=owner,
            stream=stream,
            witnesses=self._witnesses,
            niceness=_NICENESS,
        )
        self._keep(bundle)
        task = asyncio.create_task(self._make(bundle, job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return bundle

    async def stop(self) -> None:
        """End what is under way, and remove what was made."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        os.close(self._lock)

    def _keep(self, bundle: Bundle) -> None:
        self._kept[bundle.id] = bundle
        ended = [one for one in self._kept.values() if one.state in ("done", "failed")]
        for one in ended[: max(0, len(self._kept) - KEPT_MAX)]:
            del self._kept[one.id]
            # Whoever is fetching it has it open, and gets all of it.
            self.file(one).unlink(missing_ok=True)

    async def _make(self, bundle: Bundle, job: Job) -> None:
        async with self._turn:
            bundle.state = "running"
            try:
                await _follow(bundle, job)
            except Exception:
                logger.exception("a bundle could not be made")
            finally:
                if bundle.done is None:
                    bundle.state, bundle.reason = "failed", bundle.reason or "failed"
                else:
                    bundle.state = "done"


async def _follow(bundle: Bundle, job: Job) -> None:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # A session of its own: a Ctrl-C at the terminal is for the server, which then ends it.
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(encode(job))
        with contextlib.suppress(ConnectionError):
            await process.stdin.drain()
        process.stdin.close()
        while line := await process.stdout.readline():
            match decode_word(line):
                case Progress() as progress:
                    bundle.progress = progress
                case Done() as done:
                    bundle.done = done
                case Failed(reason=reason, what=what):
                    bundle.reason = reason
                    logger.error("a bundle could not be made: %s", what)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _plain(moment: Moment) -> dict[int, int] | datetime | None:
    return moment if moment is None or isinstance(moment, datetime) else dict(moment)


def _own_folder(folder: Path) -> tuple[Path, int]:
    """A new folder in there, held by a lock; those that nobody holds any longer are removed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.iterdir():
        with contextlib.suppress(OSError):
            lock = os.open(left / _LOCK, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(lock)
    own = Path(mkdtemp(dir=folder))
    lock = os.open(own / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return own, lock
