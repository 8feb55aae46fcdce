"""
Photos in a backup: what is new is copied, and nothing is believed that is not what its name says.
"""

import hashlib
from pathlib import Path

import pytest

from adapters.backup.faults import BackupFault
from adapters.backup.photos import PutBack, put_back, save, verify
from adapters.backup.work import Work, unseen


def kept(folder: Path, content: bytes) -> str:
    """A file under its digest, as the object store has it."""
    name = hashlib.sha256(content).hexdigest()
    path = folder / name[:2] / name[2:4] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return name


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_copies_what_is_new(tmp_path: Path) -> None:
    store, backup = tmp_path / "store", tmp_path / "backup"
    first = kept(store, b"one")
    assert save(store, backup, unseen) == 1
    (store / first[:2] / first[2:4] / first).unlink()
    kept(store, b"two" * 1_000_000)
    (store / "ab").mkdir(exist_ok=True)
    (store / "ab" / "stray").write_bytes(b"no object")
    told: list[Work] = []
    assert save(store, backup, told.append) == 1
    assert sorted(files(backup).values()) == sorted([b"one", b"two" * 1_000_000])
    assert told == [Work("photos", 1, 1)]
    assert save(store, backup, unseen) == 0
    assert verify(backup, unseen) == 2
    assert (backup / first[:2] / first[2:4] / first).stat().st_mode & 0o777 == 0o600


def test_no_store_is_an_empty_one(tmp_path: Path) -> None:
    assert save(tmp_path / "none", tmp_path / "backup", unseen) == 0
    assert verify(tmp_path / "backup", unseen) == 0


def test_what_is_wanted_comes_back_and_no_more(tmp_path: Path) -> None:
    store, backup = tmp_path / "store", tmp_path / "backup"
    wanted, there = kept(backup, b"one"), kept(backup, b"two")
    kept(backup, b"deleted since")
    kept(store, b"two")
    lost = hashlib.sha256(b"three").hexdigest()
    assert put_back(backup, store, [wanted, there, lost, wanted], unseen) == PutBack(2, 1)
    assert sorted(files(store).values()) == [b"one", b"two"]


def test_a_damaged_file_in_the_store_is_replaced(tmp_path: Path) -> None:
    store, backup = tmp_path / "store", tmp_path / "backup"
    name = kept(backup, b"one")
    kept(store, b"one")
    (store / name[:2] / name[2:4] / name).write_bytes(b"0ne")
    assert put_back(backup, store, [name], unseen) == PutBack(1, 0)
    assert files(store) == {name: b"one"}


def test_what_is_not_what_its_name_says_is_a_fault(tmp_path: Path) -> None:
    store, backup = tmp_path / "store", tmp_path / "backup"
    name = kept(store, b"one")
    place = Path(name[:2], name[2:4], name)
    (store / place).write_bytes(b"0ne")
    with pytest.raises(BackupFault, match="is damaged: it is not what its name says"):
        save(store, backup, unseen)
    assert files(backup) == {}, "nothing of it remains"
    kept(backup, b"one")
    (backup / place).write_bytes(b"0ne")
    for act in (
        lambda: verify(backup, unseen),
        lambda: put_back(backup, tmp_path / "found", [name], unseen),
    ):
        with pytest.raises(BackupFault, match="is damaged"):
            act()
    assert files(tmp_path / "found") == {}
