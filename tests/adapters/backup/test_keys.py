"""
Keys are no part of a backup, and yet whoever was erased stays erased.
"""

import asyncio
import gzip
from base64 import b64decode
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from adapters.backup import (
    Backup,
    reckon,
    settle,
)
from adapters.vault import VaultFault
from domain.sealed import KeyClass
from tests.adapters.backup.stores import (
    Store,
    checked,
    seal,
    vault_at,
)


def test_an_erasure_that_only_the_vault_knows_holds(store: Store) -> None:
    ann, ben = UUID(int=1), UUID(int=2)
    kept, gone = seal(store.vault, ann, "kept"), seal(store.vault, ben, "gone")
    store.take()
    store.vault.destroy(ben, KeyClass.CONTENT)
    reckoning = reckon(Backup(store.backup), store.vault)
    assert (reckoning.erased, reckoning.pending, reckoning.lost) == (1, (), ())
    assert settle(reckoning, store.vault) == 0
    assert store.vault.open(kept) == "kept"
    assert store.vault.open(gone) is None


def test_an_erasure_that_only_the_backup_knows_is_done_again(store: Store, tmp_path: Path) -> None:
    ann, ben, eve = UUID(int=1), UUID(int=2), UUID(int=3)
    kept, gone = seal(store.vault, ann, "kept"), seal(store.vault, ben, "gone")
    store.take()
    older = tmp_path / "older"
    older.mkdir()
    store.vault.copy_to(older / "keys.db")
    (older / "master.key").write_bytes((store.keys / "master.key").read_bytes())
    young = seal(store.vault, eve, "made after the copy of the keys")
    store.vault.destroy(ben, KeyClass.CONTENT)
    store.vault.destroy(eve, KeyClass.CONTENT)
    store.vault.destroy(UUID(int=4), KeyClass.CONTENT)
    store.take()
    with vault_at(older) as vault:
        assert vault.open(gone) == "gone", "it would come back"
        reckoning = reckon(checked(store.backup, vault), vault)
        assert reckoning.lost == ()
        assert {entry.subject.int for entry in reckoning.pending} == {2, 3, 4}
        assert settle(reckoning, vault) == 3
        assert vault.open(gone) is None
        assert vault.open(young) is None
        assert vault.open(kept) == "kept"
        again = reckon(Backup(store.backup), vault)
        assert (again.erased, again.pending, again.lost) == (3, (), ())
    with vault_at(older) as vault:
        assert vault.open(gone) is None, "durably"


def test_keys_that_the_vault_lacks_are_seen_and_can_be_given_up(
    store: Store, tmp_path: Path
) -> None:
    store.take()
    older = tmp_path / "older"
    older.mkdir()
    store.vault.copy_to(older / "keys.db")
    (older / "master.key").write_bytes((store.keys / "master.key").read_bytes())
    words = seal(store.vault, UUID(int=9), "sealed after the copy")
    store.take()
    with vault_at(older) as vault:
        reckoning = reckon(checked(store.backup, vault), vault)
        assert [entry.subject.int for entry in reckoning.lost] == [9]
        with pytest.raises(VaultFault):
            vault.open(words)
        assert settle(reckoning, vault) == 1
        assert vault.open(words) is None
        assert reckon(Backup(store.backup), vault).lost == ()


def test_a_key_list_holds_no_secret(store: Store) -> None:
    sealed = seal(store.vault, UUID(int=1), "words")
    store.take()
    listed = gzip.decompress((store.backup / "00000001.keys.gz").read_bytes())
    (entry,) = [msgspec.json.decode(line) for line in listed.splitlines()]
    assert set(entry) == {"id", "subject", "class", "destroyed"}
    everything = b"".join(path.read_bytes() for path in store.backup.iterdir()) + listed
    assert (store.keys / "master.key").read_bytes() not in everything
    assert b64decode(entry["id"]) == sealed.envelope[1:17]


def test_items_that_were_destroyed_stay_destroyed(store: Store, tmp_path: Path) -> None:
    ann, items = UUID(int=1), [UUID(int=number) for number in range(100, 104)]
    words = [seal(store.vault, ann, str(item.int), item) for item in items]
    store.take()
    older = tmp_path / "older"
    older.mkdir()
    store.vault.copy_to(older / "keys.db")
    (older / "master.key").write_bytes((store.keys / "master.key").read_bytes())
    asyncio.run(store.vault.destroy_items(ann, KeyClass.CONTENT, items[:1]))
    store.take()
    asyncio.run(store.vault.destroy_items(ann, KeyClass.CONTENT, items[1:2]))
    store.take()
    here = reckon(Backup(store.backup), store.vault)
    assert (here.erased, here.pending, here.lost) == (2, (), ())
    with vault_at(older) as vault:
        assert vault.open(words[0]) == "100", "it would come back"
        reckoning = reckon(checked(store.backup, vault), vault)
        assert [entry.leaf for entry in reckoning.pending] == [one.bytes[9:] for one in items[:2]]
        assert settle(reckoning, vault) == 2
        assert [vault.open(one) for one in words] == [None, None, "102", "103"]
        again = reckon(Backup(store.backup), vault)
        assert (again.erased, again.pending, again.lost) == (2, (), ())
    with vault_at(older) as vault:
        assert vault.open(words[0]) is None, "durably"


def test_items_go_with_their_member(store: Store) -> None:
    ann, item = UUID(int=1), UUID(int=100)
    words = seal(store.vault, ann, "words", item)
    asyncio.run(store.vault.destroy_items(ann, KeyClass.CONTENT, [item]))
    store.take()
    store.vault.destroy(ann, KeyClass.CONTENT)
    reckoning = reckon(Backup(store.backup), store.vault)
    assert (reckoning.erased, reckoning.pending, reckoning.lost) == (1, (), ())
    assert store.vault.open(words) is None
