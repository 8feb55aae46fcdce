"""
What only a vault on a disk can get wrong: permissions, crashes, other processes, destruction.
"""

import asyncio
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from adapters.clock import ManualClock
from adapters.vault import FileKeyVault, KeyDestroyed, VaultFault
from domain.sealed import KeyClass, Sealed

ROOT = Path(__file__).parents[2]
ANN = UUID(int=1)
SECRET = "a secret to look for"

PROLOGUE = """
import asyncio, os, signal, sqlite3, sys
from pathlib import Path
from uuid import UUID
from adapters.clock import SystemClock
from adapters.vault import FileKeyVault
from domain.sealed import KeyClass, Sealed

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def open_vault():
    return FileKeyVault(Path(sys.argv[1]), SystemClock())
"""


def start(directory: Path, script: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROLOGUE + script, str(directory)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def opened(
    directory: Path, cache_size: int = 1000, recheck_seconds: float = 1.0
) -> Iterator[FileKeyVault]:
    clock = ManualClock(datetime(2026, 11, 22, tzinfo=UTC))
    vault = FileKeyVault(directory, clock, cache_size, recheck_seconds)
    try:
        yield vault
    finally:
        vault.close()


def seal(vault: FileKeyVault, subject: UUID, plain: str = SECRET) -> Sealed[str]:
    return asyncio.run(vault.seal(subject, KeyClass.CONTENT, plain))


def test_only_its_owner_may_look_inside(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "vault"
    with opened(home) as vault:
        seal(vault, ANN)
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in home.iterdir()}
    assert set(modes) >= {"master.key", "keys.db", "keys.db-wal"}
    assert set(modes.values()) == {0o600}


def test_modes_opened_up_by_a_copy_are_closed_again(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    for path in (tmp_path, tmp_path / "master.key", tmp_path / "keys.db"):
        path.chmod(0o755)
    with opened(tmp_path):
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_texts_and_digests_survive_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        sealed, digest = seal(vault, ANN), vault.blind("name", "x")
    with opened(tmp_path) as vault:
        assert vault.open(sealed) == SECRET
        assert vault.blind("name", "x") == digest
        assert seal(vault, ANN).envelope[1:17] == sealed.envelope[1:17]


def test_a_key_is_durable_before_anything_is_sealed_with_it(tmp_path: Path) -> None:
    script = """
vault = open_vault()
sealed = asyncio.run(vault.seal(UUID(int=1), KeyClass.CONTENT, "text"))
print(sealed.envelope.hex(), flush=True)
die()
"""
    process = start(tmp_path, script)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    with opened(tmp_path) as vault:
        assert vault.open(Sealed(bytes.fromhex(printed.strip()))) == "text"


def test_every_commit_is_synced(tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        for connection in (vault._database._writer, vault._database._reader):
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)


@pytest.mark.parametrize(
    "fault",
    [
        "os.fdopen = die",  # an empty draft
        "os.fsync = die",  # before the draft is durable
        "os.link = die",  # before it has its name
        "Path.unlink = die",  # after it has its name
        "import adapters.vault.master as m; m.sync_directory = die",
        "FileKeyVault._blind_secret = die",  # a master key, and nothing wrapped by it
        "FileKeyVault._catch_up = die",
    ],
)
def test_a_crash_while_the_master_key_is_made_leaves_a_vault_that_starts(
    tmp_path: Path, fault: str
) -> None:
    process = start(tmp_path, fault + "\nopen_vault()\n")
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    master = tmp_path / "master.key"
    made = master.read_bytes() if master.exists() else None
    assert made is None or len(made) == 32
    with opened(tmp_path) as vault:
        sealed = seal(vault, ANN)
    assert made in (None, master.read_bytes())
    with opened(tmp_path) as vault:
        assert vault.open(sealed) == SECRET


def test_a_missing_master_key_is_never_replaced(tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        sealed = seal(vault, ANN)
    kept = (tmp_path / "master.key").rename(tmp_path / "elsewhere")
    with pytest.raises(VaultFault, match=r"master\.key is missing"), opened(tmp_path):
        pass
    assert not (tmp_path / "master.key").exists()
    kept.rename(tmp_path / "master.key")
    with opened(tmp_path) as vault:
        assert vault.open(sealed) == SECRET


@pytest.mark.parametrize("damaged", [b"", b"short", b"x" * 31, b"x" * 33])
def test_a_damaged_master_key_is_refused(tmp_path: Path, damaged: bytes) -> None:
    with opened(tmp_path):
        pass
    (tmp_path / "master.key").write_bytes(damaged)
    with pytest.raises(VaultFault, match="not a master key"), opened(tmp_path):
        pass
    assert (tmp_path / "master.key").read_bytes() == damaged


def test_another_vaults_master_key_is_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with opened(tmp_path / name):
            pass
    (tmp_path / "one/master.key").write_bytes((tmp_path / "two/master.key").read_bytes())
    with pytest.raises(VaultFault, match="different vaults"), opened(tmp_path / "one"):
        pass


def test_a_damaged_database_is_a_fault_and_not_a_new_vault(tmp_path: Path) -> None:
    (tmp_path / "keys.db").write_bytes(b"not a database, whatever it is called" * 100)
    with pytest.raises(VaultFault, match=r"keys\.db"), opened(tmp_path):
        pass
    assert not (tmp_path / "master.key").exists()


def test_wrapped_keys_cannot_change_places(tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        sealed = seal(vault, ANN)
        seal(vault, UUID(int=2))
    database = sqlite3.connect(tmp_path / "keys.db")
    swap = "UPDATE keys SET wrapped = (SELECT wrapped FROM keys WHERE id <> ?) WHERE id = ?"
    database.execute(swap, (sealed.envelope[1:17],) * 2)
    database.commit()
    database.close()
    with opened(tmp_path) as vault:
        with pytest.raises(VaultFault, match=r"master\.key does not open"):
            vault.open(sealed)
        with pytest.raises(VaultFault, match=r"master\.key does not open"):
            seal(vault, ANN)


def test_destroying_removes_the_wrapped_key_from_the_files(tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        sealed = seal(vault, ANN)
        other = seal(vault, UUID(int=2))
        find = "SELECT wrapped FROM keys WHERE id = ?"
        wrapped = vault._database._reader.execute(find, (sealed.envelope[1:17],)).fetchone()[0]

        def stored() -> bytes:
            return b"".join(file.read_bytes() for file in tmp_path.iterdir())

        assert wrapped in stored()
        vault.destroy(ANN, KeyClass.CONTENT)
        assert wrapped not in stored()
        assert vault.open(other) == SECRET
    with opened(tmp_path) as vault:
        assert vault.open(sealed) is None
        with pytest.raises(KeyDestroyed):
            seal(vault, ANN)


def test_two_processes_agree_on_every_key(tmp_path: Path) -> None:
    script = """
async def main():
    vault = open_vault()
    print("ready", flush=True)
    sys.stdin.readline()
    subjects = [UUID(int=number) for number in range(200)]
    for sealed in await asyncio.gather(
        *(vault.seal(subject, KeyClass.CONTENT, str(subject.int)) for subject in subjects)
    ):
        print(sealed.envelope.hex())
asyncio.run(main())
"""
    processes = [start(tmp_path, script) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate(timeout=30)[0].split() for process in processes]

    one, two = ([bytes.fromhex(line) for line in lines] for lines in printed)
    assert len(one) == 200
    assert [envelope[1:17] for envelope in one] == [envelope[1:17] for envelope in two]
    with opened(tmp_path) as vault:
        assert [vault.open(Sealed(envelope)) for envelope in two] == [str(n) for n in range(200)]


def test_what_another_process_destroys_is_no_longer_opened_nor_sealed(tmp_path: Path) -> None:
    script = """
vault = open_vault()
vault.destroy(UUID(int=1), KeyClass.CONTENT)
"""
    with opened(tmp_path, recheck_seconds=0.0) as vault:
        sealed, other = seal(vault, ANN), seal(vault, UUID(int=2))
        assert vault.open(sealed) == SECRET
        assert start(tmp_path, script).wait(timeout=30) == 0
        assert vault.open(sealed) is None
        assert vault.open(other) == SECRET
        with pytest.raises(KeyDestroyed):
            seal(vault, ANN)


def test_a_destruction_goes_unnoticed_no_longer_than_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("adapters.vault.file.monotonic", lambda: now)
    with opened(tmp_path, recheck_seconds=5.0) as vault, opened(tmp_path) as elsewhere:
        sealed = seal(vault, ANN)
        elsewhere.destroy(ANN, KeyClass.CONTENT)
        now += 4.9
        assert vault.open(sealed) == SECRET  # what the interval costs, stated
        now += 0.1
        assert vault.open(sealed) is None


def test_memory_is_bounded_and_dropped_keys_come_back(tmp_path: Path) -> None:
    with opened(tmp_path, cache_size=10) as vault:
        sealed = [seal(vault, UUID(int=number), str(number)) for number in range(50)]
        assert [vault.open(one) for one in sealed] == [str(number) for number in range(50)]
        assert len(vault._ring) == len(vault._ring._by_owner) == 10
        assert seal(vault, UUID(int=0)).envelope[1:17] == sealed[0].envelope[1:17]


def test_a_crowd_of_new_members_shares_its_commits(tmp_path: Path) -> None:
    async def join(vault: FileKeyVault) -> None:
        classes = (KeyClass.CONTENT, KeyClass.IDENTITY)
        await asyncio.gather(
            *(vault.seal(UUID(int=n), k, "x") for n in range(500) for k in classes),
            *(vault.prepare(UUID(int=n), classes) for n in range(500)),
        )

    with opened(tmp_path) as vault:
        statements: list[str] = []
        vault._database._writer.set_trace_callback(statements.append)
        asyncio.run(join(vault))
        commits = statements.count("COMMIT")
        stored = vault._database._reader.execute("SELECT count(*) FROM keys").fetchone()
    assert stored == (1000,)
    assert 1 <= commits <= 5


def test_one_who_gives_up_does_not_take_the_others_keys(tmp_path: Path) -> None:
    async def main(vault: FileKeyVault) -> Sealed[str]:
        waiting = [asyncio.create_task(vault.seal(ANN, KeyClass.CONTENT, SECRET)) for _ in range(3)]
        with vault._lock:  # the keys cannot be there yet
            await asyncio.sleep(0)
            waiting[0].cancel()
            await asyncio.sleep(0.01)
        first, *others = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(first, asyncio.CancelledError)
        assert all(isinstance(other, Sealed) for other in others)
        return await vault.seal(ANN, KeyClass.CONTENT, SECRET)

    with opened(tmp_path) as vault:
        assert vault.open(asyncio.run(main(vault))) == SECRET


def test_those_who_wait_hear_of_a_failed_commit(tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        vault._database._writer.execute("PRAGMA query_only = ON")
        with pytest.raises(VaultFault, match=r"keys\.db"):
            seal(vault, ANN)
        vault._database._writer.execute("PRAGMA query_only = OFF")
        assert vault.open(seal(vault, ANN)) == SECRET


def test_threads_open_while_the_loop_seals_and_keys_die(tmp_path: Path) -> None:
    with opened(tmp_path, cache_size=8, recheck_seconds=0.001) as vault:
        sealed = [seal(vault, UUID(int=number), str(number)) for number in range(40)]
        stop = threading.Event()

        def read() -> int:
            rounds = 0
            while not stop.is_set() or rounds == 0:
                for number, one in enumerate(sealed):
                    assert vault.open(one) in (
                        (None, str(number)) if number < 5 else (str(number),)
                    )
                rounds += 1
            return rounds

        async def write() -> None:
            for number in range(200):
                await vault.seal(UUID(int=100 + number % 50), KeyClass.CONTENT, "x")
                if number % 40 == 0:
                    vault.destroy(UUID(int=number // 40), KeyClass.CONTENT)

        with ThreadPoolExecutor(4) as pool:
            readers = [pool.submit(read) for _ in range(4)]
            try:
                asyncio.run(write())
            finally:
                stop.set()
            assert all(reader.result() > 0 for reader in readers)
        assert [vault.open(one) for one in sealed[:5]] == [None] * 5
