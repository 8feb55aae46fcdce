"""
Replacing the master key: what is sealed stays readable, killed wherever it may be.
"""

import asyncio
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from adapters.clock import ManualClock
from adapters.vault import FileKeyVault, KeyDestroyed, VaultFault, rotate
from domain.sealed import KeyClass, Sealed

ROOT = Path(__file__).parents[2]
ANN, BEN = UUID(int=1), UUID(int=2)

#: Where a rotation is killed, as what it dies in, and whether the keys are wrapped anew by then.
KILLS = {
    "before the new key is made": ("rotation.make_master", False),
    "before anything is wrapped": ("KeyDatabase.rewrap", False),
    "halfway through the keys": ("on_rewrapped", False),
    "before the new key takes its name": ("Path.replace", True),
}

SCRIPT = """
import os, signal, sys
from pathlib import Path
from adapters.vault import rotation
from adapters.vault.database import KeyDatabase

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

where = sys.argv[2]
if where == "rotation.make_master":
    rotation.make_master = die
elif where == "KeyDatabase.rewrap":
    KeyDatabase.rewrap = die
elif where == "Path.replace":
    Path.replace = die
rotation.rotate(Path(sys.argv[1]), die if where == "on_rewrapped" else lambda _: None)
"""


@contextmanager
def opened(directory: Path) -> Iterator[FileKeyVault]:
    vault = FileKeyVault(directory, ManualClock(datetime(2026, 11, 22, tzinfo=UTC)))
    try:
        yield vault
    finally:
        vault.close()


def seal(vault: FileKeyVault, subject: UUID, plain: str) -> Sealed[str]:
    return asyncio.run(vault.seal(subject, KeyClass.CONTENT, plain))


def wrapped(directory: Path) -> set[bytes]:
    connection = sqlite3.connect(directory / "keys.db")
    try:
        rows = connection.execute(
            "SELECT wrapped FROM keys WHERE wrapped IS NOT NULL UNION SELECT wrapped FROM secrets"
        ).fetchall()
    finally:
        connection.close()
    return {row[0] for row in rows}


def test_everything_opens_under_the_new_master_and_nothing_under_the_old(tmp_path: Path) -> None:
    vault_dir, old = tmp_path / "keys", tmp_path / "old.key"
    with opened(vault_dir) as vault:
        sealed, digest = seal(vault, ANN, "text"), vault.blind("qq", "10001")
    shutil.copyfile(vault_dir / "master.key", old)
    before = wrapped(vault_dir)
    assert rotate(vault_dir) == 1
    assert (vault_dir / "master.key").read_bytes() != old.read_bytes()
    assert not wrapped(vault_dir) & before
    for file in vault_dir.iterdir():
        assert not any(value in file.read_bytes() for value in before), file.name
    with opened(vault_dir) as vault:
        assert vault.open(sealed) == "text"
        assert vault.blind("qq", "10001") == digest
    shutil.copyfile(old, vault_dir / "master.key")
    with pytest.raises(VaultFault, match="different vaults"), opened(vault_dir):
        pass


def test_what_was_destroyed_stays_destroyed(tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        sealed = seal(vault, ANN, "gone")
        seal(vault, BEN, "kept")
        vault.destroy(ANN, KeyClass.CONTENT)
    assert rotate(tmp_path) == 1
    with opened(tmp_path) as vault:
        assert vault.open(sealed) is None
        with pytest.raises(KeyDestroyed):
            seal(vault, ANN, "again")


def test_more_keys_than_are_read_at_once(tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        sealed = [seal(vault, UUID(int=n), str(n)) for n in (1, 2_001)]
        for start in range(2, 2_001, 100):
            asyncio.run(_prepare(vault, range(start, min(start + 100, 2_001))))
    told: list[int] = []
    assert rotate(tmp_path, told.append) == 2_001
    assert told == [1_000, 2_000, 2_001]
    with opened(tmp_path) as vault:
        assert [vault.open(each) for each in sealed] == ["1", "2001"]


async def _prepare(vault: FileKeyVault, subjects: range) -> None:
    await asyncio.gather(*(vault.prepare(UUID(int=n), [KeyClass.CONTENT]) for n in subjects))


@pytest.mark.parametrize("where", KILLS, ids=lambda where: where.replace(" ", "-"))
def test_killed_anywhere_the_vault_opens_and_the_rotation_goes_on(
    tmp_path: Path, where: str
) -> None:
    place, done = KILLS[where]
    with opened(tmp_path) as vault:
        sealed = seal(vault, ANN, "text")
    first = (tmp_path / "master.key").read_bytes()
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), place], cwd=ROOT, timeout=60, check=False
    )
    assert process.returncode == -signal.SIGKILL
    assert (tmp_path / "master.key").read_bytes() == first
    drafted = tmp_path / "master.key.next"
    following = drafted.read_bytes() if drafted.exists() else None
    with opened(tmp_path) as vault:
        assert vault.open(sealed) == "text"
        newer = seal(vault, BEN, "written since")
    assert ((tmp_path / "master.key").read_bytes() == following) is done
    rotate(tmp_path)
    last = (tmp_path / "master.key").read_bytes()
    assert last != first
    assert (last == following) is (following is not None and not done)
    with opened(tmp_path) as vault:
        assert vault.open(sealed) == "text"
        assert vault.open(newer) == "written since"
    assert not drafted.exists()


def test_a_vault_in_use_is_left_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        sealed = seal(vault, ANN, "text")
        with opened(tmp_path):  # users do not keep each other out
            pass
        with pytest.raises(VaultFault, match="in use"):
            rotate(tmp_path)
        assert vault.open(sealed) == "text"
    rotate(tmp_path)


def test_nobody_opens_a_vault_while_its_master_is_replaced(tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        seal(vault, ANN, "text")
    met: list[str] = []

    def meanwhile(count: int) -> None:
        with pytest.raises(VaultFault, match="being replaced") as fault, opened(tmp_path):
            pass
        met.append(str(fault.value))

    rotate(tmp_path, meanwhile)
    assert len(met) == 1


def test_a_master_that_does_not_open_the_keys_replaces_nothing(tmp_path: Path) -> None:
    vault_dir = tmp_path / "keys"
    with opened(vault_dir) as vault:
        sealed = seal(vault, ANN, "text")
    right = (vault_dir / "master.key").read_bytes()
    before = wrapped(vault_dir)
    (vault_dir / "master.key").write_bytes(bytes(32))
    with pytest.raises(VaultFault, match="different vaults"):
        rotate(vault_dir)
    assert wrapped(vault_dir) == before
    (vault_dir / "master.key").write_bytes(right)
    with opened(vault_dir) as vault:
        assert vault.open(sealed) == "text"


def test_no_vault_is_made_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(VaultFault, match="missing"):
        rotate(tmp_path)
    assert not list(tmp_path.iterdir())


def test_by_the_command_line(tmp_path: Path) -> None:
    def run() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "api.cli", "keys", "rotate", "--data-dir", str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    with opened(tmp_path / "keys") as vault:
        sealed = seal(vault, ANN, "text")
        refused = run()
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.count("\n") == 1
    assert "in use" in refused.stderr
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("keys wrapped anew: 1; ")
    with opened(tmp_path / "keys") as vault:
        assert vault.open(sealed) == "text"
