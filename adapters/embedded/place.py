"""
Where a data directory's cluster lives, and who may use it now.

Everything is in ``<data_dir>/postgres``, unless root's server runs under an account that cannot
get there (a checkout in root's home). Rather than open those directories, the cluster is then kept
under ``/var/lib/homezone``, and ``<data_dir>/postgres/location`` says where: a file, not a name
derived from the path, so that a data directory made anew starts empty and one that moves keeps its
data.

In a place: ``cluster/`` (PostgreSQL's own), ``run/`` (the socket), ``server.log``, the settings,
``lock``, and ``socket`` (where the running server listens).
"""

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.embedded.account import Account, choose_account
from adapters.embedded.binaries import SHARED, make_shared_directory
from adapters.embedded.errors import DataDirectoryInUse, EmbeddedPostgresError
from adapters.embedded.settings import PORT

SOCKET_PATH_BYTES_MAX = 107
LOCK_ATTEMPTS = 10
# Commas separate directories, in the server's setting and in a client's host.
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9_./+=-]*")
_PRIVATE = "homezone-socket-"
_LOG_BYTES_MAX = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster's directory and the account it is run by."""

    home: Path
    account: Account

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def name(self) -> str:
        """What the server calls itself in the process list, by which leftovers are known."""
        digest = hashlib.sha256(os.fsencode(self.cluster)).hexdigest()
        return f"homezone-{digest[:12]}"

    def directory(self, name: str) -> Path:
        """One of the server's own directories, made if it is not there."""
        path = self.home / name
        path.mkdir(mode=0o700, exist_ok=True)
        self.account.give(path)
        return path

    def write(self, name: str, text: str) -> Path:
        """Put a file there that the server may read and only we may write."""
        path = self.home / name
        replace_file(path, text)
        self._share(path)
        return path

    def open_log(self) -> int:
        """The log, open for appending; what has grown large is kept as ``server.log.1``."""
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))
        is_new = not self.log.exists()
        log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        if is_new:
            self._share(self.log)
        return log

    def log_tail(self, offset: int, lines: int = 8) -> list[str]:
        """The last lines written to the log since it had ``offset`` bytes."""
        with self.log.open("rb") as log:
            log.seek(max(offset, log.seek(0, os.SEEK_END) - 16384))
            return log.read().decode("utf-8", "replace").splitlines()[-lines:]

    def make_socket_directory(self) -> Path:
        """
        A directory for the socket, which only the server's account and root may enter.

        A socket's path is limited to 107 bytes. Where ours is longer, a private directory with a
        short name takes its place until the server stops.
        """
        self.remove_socket_directory()
        path = self.home / "run"
        socket = path / f".s.PGSQL.{PORT}"
        if len(os.fsencode(socket)) <= SOCKET_PATH_BYTES_MAX and _PLAIN_PATH.fullmatch(str(path)):
            path = self.directory("run")
        else:
            path = Path(tempfile.mkdtemp(prefix=_PRIVATE, dir=_short_directory()))
            self.account.give(path)
        self.write("socket", f"{path}\n")
        return path

    def socket_directory(self) -> Path | None:
        """Where the server listens, or listened last."""
        return _read_path(self.home / "socket")

    def remove_socket_directory(self) -> None:
        """Remove the private directory of a server that has stopped, if it had one."""
        path = self.socket_directory()
        if path is not None and path.name.startswith(_PRIVATE):
            shutil.rmtree(path, ignore_errors=True)
        (self.home / "socket").unlink(missing_ok=True)

    def _share(self, path: Path) -> None:
        if not self.account.switched:
            return
        if self.home.stat().st_uid == self.account.uid:
            self.account.give(path)
        else:
            os.chown(path, 0, self.account.gid)
            path.chmod(0o640)


@contextmanager
def occupy(data_dir: Path) -> Iterator[Place]:
    """
    The place of a data directory, ours alone until the context ends.

    :raises DataDirectoryInUse: another server has it.
    """
    anchor = _anchor(data_dir)
    try:
        # Others may pass through a new data directory of root's, so that the account can; what is
        # inside has its own mode.
        data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        anchor.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise EmbeddedPostgresError(f"cannot make {anchor}: {error.strerror}") from error
    if os.geteuid() not in (0, anchor.stat().st_uid):
        raise EmbeddedPostgresError(f"{anchor} belongs to another user")
    with _locked(anchor, data_dir):
        place = _settle(data_dir, anchor)
        if place.home == anchor:
            yield place
        else:
            # A copy of the data directory points to the same place.
            with _locked(place.home, data_dir):
                yield place


def occupied_place(data_dir: Path) -> Place | None:
    """The place of a data directory that a server, in whatever process, has now."""
    anchor = _anchor(data_dir)
    try:
        lock = os.open(anchor / "lock", os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EmbeddedPostgresError(f"cannot read {anchor}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        home = _read_path(anchor / "location") or anchor
        return Place(home, choose_account(home / "cluster"))
    finally:
        os.close(lock)


def has_cluster(data_dir: Path) -> bool:
    """Whether a data directory has a cluster, wherever it is kept."""
    anchor = _anchor(data_dir)
    return ((_read_path(anchor / "location") or anchor) / "cluster").exists()


def replace_file(path: Path, text: str) -> None:
    """Write a file, readable by us alone, so that it is there whole or as it was."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _anchor(data_dir: Path) -> Path:
    return Path(os.path.realpath(data_dir)) / "postgres"


def _settle(data_dir: Path, anchor: Path) -> Place:
    """Find the cluster's home, or choose one for a cluster that is yet to be made."""
    elsewhere = _read_path(anchor / "location")
    home = elsewhere or anchor
    account = choose_account(home / "cluster")
    if elsewhere is None and not (anchor / "cluster").exists():
        home = anchor if account.may_enter(anchor.parent) else _make_home_elsewhere(data_dir)
        if home != anchor:
            replace_file(anchor / "location", f"{home}\n")
    if not home.is_dir():
        raise EmbeddedPostgresError(f"{anchor / 'location'} names {home}, which does not exist")
    if account.switched and home.stat().st_uid == 0:
        os.chown(home, 0, account.gid)
        home.chmod(0o710)
    if not account.may_enter(home):
        raise EmbeddedPostgresError(f"the account {account.name!r} can no longer enter {home}")
    return Place(home, account)


def _make_home_elsewhere(data_dir: Path) -> Path:
    make_shared_directory(SHARED)
    readable = re.sub(r"[^a-z0-9]+", "-", data_dir.resolve().name.lower())[:24].strip("-")
    home = SHARED / f"{readable or 'data'}-{secrets.token_hex(6)}"
    home.mkdir(mode=0o700)
    return home


@contextmanager
def _locked(home: Path, data_dir: Path) -> Iterator[None]:
    # The file stays: whoever removed it would leave two servers with a lock each.
    try:
        lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise EmbeddedPostgresError(f"cannot lock {data_dir}: {error.strerror}") from error
    try:
        if not _try_lock(lock):
            holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
            raise DataDirectoryInUse(
                f"the data directory {data_dir} is in use by another Homezone server"
                f" (process {holder or 'unknown'})"
            )
        os.pwrite(lock, f"{os.getpid():<12}\n".encode(), 0)
        yield
    finally:
        os.close(lock)


def _try_lock(lock: int) -> bool:
    # A few attempts, for somebody who merely looks whether the lock is taken has it for an instant.
    for attempt in range(LOCK_ATTEMPTS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt + 1 < LOCK_ATTEMPTS:
                time.sleep(0.02)
        else:
            return True
    return False


def _short_directory() -> str:
    directory = tempfile.gettempdir()
    short = len(os.fsencode(directory)) <= SOCKET_PATH_BYTES_MAX // 2
    return directory if short and _PLAIN_PATH.fullmatch(directory) else "/tmp"  # noqa: S108


def _read_path(file: Path) -> Path | None:
    try:
        return Path(file.read_text(encoding="utf-8").rstrip("\n"))
    except FileNotFoundError:
        return None
    except PermissionError:
        raise EmbeddedPostgresError(f"{file} belongs to another user") from None
