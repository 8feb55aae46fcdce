"""
Backups of a store, and stores from backups.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, Self
from uuid import uuid4

import msgspec

from adapters.backup import (
    Backup,
    BackupFault,
    OnWork,
    Part,
    Reckoning,
    Vector,
    When,
    Work,
    load,
    photos,
    reckon,
    resolve,
    settle,
    take,
    writing_to,
)
from adapters.backup.files import sync
from adapters.backup.photos import PHOTOS, PutBack
from adapters.clock import SystemClock
from adapters.database import Database
from adapters.embedded import discover, has_cluster, remove_cluster
from adapters.log.postgres import PostgresLog
from adapters.vault import FileKeyVault
from api.wiring.auditing import NotaryFault, NotaryFiles, notary_files
from api.wiring.forgetting import forgotten, say_forgotten
from api.wiring.keys import check_keys, existing_vault, wrapper_of
from api.wiring.models import MODELS
from api.wiring.store import RESTORING, open_store
from domain.catalogue import EVENTS
from domain.erasure import Terms
from replay.rebuild import rebuild

__all__ = ["OnWork", "Plan", "Restored", "Taken", "Work", "restore", "take_backup"]

Say = Callable[[str], None]

#: Where photos' files are in a data directory.
_OBJECTS: Final = Path("photos", "objects")

_NOTARY_KEY: Final = "notary.key"

_MAY_BE_THERE = {"keys", "photos", "postgres", "evidence", RESTORING, "lost+found"}
#: What the mark says when the keys, too, are copied: they are to go with the rest if it fails.
_BRINGS_KEYS = b"keys\n"


class Taken(msgspec.Struct, frozen=True):
    """
    A run: what it added, if there was anything, and what the backup holds now. ``photos`` counts
    the files of photos that are new; None where photos are kept in a bucket.
    """

    part: Part | None
    backup: Part
    events: int
    size: int
    photos: int | None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """
    What to restore: ``directory`` up to ``until`` (its end, when None), with the keys in ``keys``
    (those of the data directory, when None). ``accept_lost_keys`` treats as erased what the vault
    has no key for. With ``check_only`` nothing is restored. Photos in a ``bucket`` stay there.
    ``notary_key`` is the file of the notary's key, if not among the others.
    ``terms`` are of members whose keys are destroyed and whose log does not say so.
    """

    directory: Path
    data_dir: Path
    database_url: str | None
    until: When | None
    keys: Path | None
    accept_lost_keys: bool
    check_only: bool
    bucket: bool = False
    notary_key: Path | None = None
    terms: Terms = Terms()


class Restored(msgspec.Struct, frozen=True):
    """
    What was restored: its events, where each cell stands, which keys are erased and which of these
    had to be destroyed again. ``photos`` are the files of photos that are there, or could be, and
    those that the backup lacks; None where photos are kept in a bucket. ``leaves`` is the notary's
    tree that is there again, ``saved`` that of the backup, ``signed`` what the notary here knows to
    have signed.
    """

    events: int
    positions: Vector
    taken_at: datetime
    erased: int
    erased_again: int
    photos: PutBack | None = None
    leaves: int = 0
    saved: int = 0
    signed: int = 0


def take_backup(
    directory: Path,
    data_dir: Path,
    database_url: str | None,
    keys_to: Path | None,
    on_work: OnWork,
    *,
    bucket: bool = False,
) -> Taken:
    """
    Add to the backup in a directory what is new in a store; begin it, if there is none.

    :param bucket: photos are kept elsewhere, and not copied.
    """
    keys, objects, saved = data_dir / "keys", data_dir / _OBJECTS, directory / PHOTOS
    with (
        open_store(data_dir, database_url) as store,
        existing_vault(keys) as vault,
        writing_to(directory),
    ):
        check_keys(store.database, vault, keys)
        backup = Backup(directory)
        now = store.clock.now()
        # Before the events and after them: what goes meanwhile is saved, and what comes.
        new = None if bucket else photos.save(objects, saved, on_work)
        part = take(backup, store.database.server, vault, now, version("homezone"), on_work)
        if new is not None:
            new += photos.save(objects, saved, on_work)
        # After the events: whatever they are sealed with, is in the copy.
        if keys_to is not None:
            _copy_keys(vault, keys_to, directory, keys)
        return Taken(part, backup.last, backup.events, backup.size, new)


def restore(plan: Plan, on_work: OnWork, say: Say) -> Restored:
    """Check a backup, and bring it into an empty store; on any failure that is as it was."""
    backup = Backup(plan.directory)
    here = plan.data_dir / "keys"
    with existing_vault(plan.keys or here) as vault:
        vector, reckoning = _check(backup, vault, plan, on_work)
        if plan.check_only:
            there = photos.verify(plan.directory / PHOTOS, on_work)
            again = len(reckoning.pending) + len(reckoning.lost)
            would = _restored(backup, vector, reckoning, again)
            return msgspec.structs.replace(would, photos=PutBack(there, 0))
        with _Ground(plan, say) as ground, ExitStack() as held:
            own = vault
            if plan.keys is not None:
                ground.bring(vault)
                own = held.enter_context(existing_vault(here))
            database = Database(ground.url, "homezone-restore")
            held.callback(database.dispose)
            again = 0

            def erase_again() -> None:
                nonlocal again
                again = settle(reckoning, own)

            notary = _notary(plan)
            vkeys = [] if notary is None else [key.verifier.vkey for key in notary.key.keys]
            loaded = load(backup, database.owner, vector, erase_again, on_work, vkeys)
            gone = forgotten(own, (entry.id for entry in reckoning.lost))
            say_forgotten(database, own, gone, plan.terms)
            ground.done()
            _rebuild(database, on_work)
            last = None if notary is None else notary.head.read()
            restored = msgspec.structs.replace(
                _restored(backup, vector, reckoning, again),
                leaves=loaded.leaves,
                saved=0 if backup.last.tree is None else backup.last.tree.size,
                signed=0 if last is None else last.size,
            )
            if plan.bucket:
                return restored
            source, target = plan.directory / PHOTOS, plan.data_dir / _OBJECTS
            back = photos.put_back(source, target, photos.spoken_of(database.owner), on_work)
            return msgspec.structs.replace(restored, photos=back)


def _check(
    backup: Backup, vault: FileKeyVault, plan: Plan, on_work: OnWork
) -> tuple[Vector, Reckoning]:
    """All that can be known before anything is written."""
    _ = backup.last
    backup.check_seals(vault)
    checked = 0

    def told(count: int) -> None:
        nonlocal checked
        checked += count
        on_work(Work("checking", checked, backup.size))

    backup.check_files(told)
    vector = resolve(backup, plan.until)
    reckoning = reckon(backup, vault)
    if reckoning.lost and not plan.accept_lost_keys:
        raise BackupFault(
            f"the key vault lacks {len(reckoning.lost)} keys that the backup needs, so it is older"
            " than the backup: put back a newer one, or give what they seal up for lost with"
            " --accept-lost-keys"
        )
    return vector, reckoning


def _restored(backup: Backup, vector: Vector, reckoning: Reckoning, again: int) -> Restored:
    erased = reckoning.erased + again
    return Restored(sum(vector.values()), vector, backup.last.taken_at, erased, again)


def _notary(plan: Plan) -> NotaryFiles | None:
    """The notary's files that a store here will have; None where there are none."""
    try:
        return notary_files(plan.data_dir, plan.notary_key)
    except NotaryFault:
        return None


def _rebuild(database: Database, on_work: OnWork) -> None:
    clock = SystemClock()
    log = PostgresLog(database, EVENTS, clock, notify=False)
    try:
        rebuild(
            log.reader,
            database.owner,
            MODELS,
            clock,
            uuid4(),
            on_progress=lambda fed: on_work(Work("read models", fed.events_done, fed.events_total)),
        )
    finally:
        log.close()


class _Ground:
    """
    An empty store to restore into, marked until :meth:`done`, so that nobody serves half of it.
    """

    def __init__(self, plan: Plan, say: Say) -> None:
        self._plan = plan
        self._server = discover(plan.database_url, plan.data_dir, say)
        self._marker = plan.data_dir / RESTORING
        self._keys = plan.data_dir / "keys"
        self._brings_keys = False
        self._lock: int | None = None
        self.url = ""

    def __enter__(self) -> Self:
        try:
            self._claim()
            self.url = self._server.start()
        except BaseException:
            self._give_up()
            raise
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            self._server.stop()
        else:
            self._give_up()

    def done(self) -> None:
        """The log is there, whole and checked: what is still missing, a server makes by itself."""
        assert self._lock is not None
        self._marker.unlink()
        sync(self._marker.parent)
        os.close(self._lock)
        self._lock = None

    def bring(self, vault: FileKeyVault) -> None:
        """Copy the keys to where the store will look for them."""
        source = self._plan.keys
        assert source is not None
        self._keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace_copy(vault, self._keys)
        with _private(self._keys / "master.key") as unfinished:
            shutil.copyfile(source / "master.key", unfinished)
        if (source / _NOTARY_KEY).is_file() and not (self._keys / _NOTARY_KEY).exists():
            with _private(self._keys / _NOTARY_KEY) as unfinished:
                shutil.copyfile(source / _NOTARY_KEY, unfinished)

    def _claim(self) -> None:
        directory = self._plan.data_dir
        embedded = self._server.embedded
        if embedded and directory.is_dir():
            strange = {path.name for path in directory.iterdir()} - _MAY_BE_THERE
            if strange:
                raise BackupFault(
                    f"{directory} is not empty ({min(strange)}): restore into an empty directory,"
                    " or one with nothing but keys/ and photos/"
                )
        interrupted = self._marker.exists()
        if embedded and not interrupted and has_cluster(directory):
            raise BackupFault(f"{directory} holds a store already; restore into an empty directory")
        directory.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        self._lock = os.open(self._marker, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            self._lock = None
            raise BackupFault(f"another restore into {directory} is under way") from None
        sync(directory)
        if interrupted:
            self._clear(keys=os.read(self._lock, 16) == _BRINGS_KEYS)
        if self._plan.keys is not None:
            if (self._keys / "keys.db").exists():
                raise BackupFault(
                    f"{self._keys} has keys already: --keys is for a data directory without"
                )
            os.pwrite(self._lock, _BRINGS_KEYS, 0)
            self._brings_keys = True

    def _give_up(self) -> None:
        self._server.stop()
        if self._lock is not None:
            self._clear(keys=self._brings_keys)
            self.done()

    def _clear(self, *, keys: bool) -> None:
        """Remove what a restore made that came to nothing."""
        if self._server.embedded and has_cluster(self._plan.data_dir):
            remove_cluster(self._plan.data_dir)
        if keys:
            shutil.rmtree(self._keys, ignore_errors=True)


def _copy_keys(vault: FileKeyVault, target: Path, backup: Path, keys: Path) -> None:
    """
    Keep one copy of the keys, the newest: an older one could bring erased people back.
    """
    if target.resolve() in (backup.resolve(), keys.resolve()):
        raise BackupFault("--keys-to names a directory of its own, apart from the backup")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    _replace_copy(vault, target)
    if wrapper_of(keys) is not None:
        # Without its key service it opens nothing, so it may lie beside what it opens.
        with _private(target / "master.key") as unfinished:
            shutil.copyfile(keys / "master.key", unfinished)
    if (keys / _NOTARY_KEY).is_file():
        with _private(target / _NOTARY_KEY) as unfinished:
            shutil.copyfile(keys / _NOTARY_KEY, unfinished)


def _replace_copy(vault: FileKeyVault, directory: Path) -> None:
    with _private(directory / "keys.db") as unfinished:
        vault.copy_to(unfinished)


@contextmanager
def _private(path: Path) -> Iterator[Path]:
    """A new file for us alone, which takes its place when it is whole and on disk."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield unfinished
        descriptor = os.open(unfinished, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        unfinished.replace(path)
        sync(path.parent)
    except OSError as error:
        raise BackupFault(f"cannot write {path}: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
