"""
Keys of single items, over each vault: one can be destroyed, and everything else stays as it was.
"""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.clock import ManualClock
from adapters.vault import FileKeyVault, KeyDestroyed, MemoryKeyVault, VaultFault, rotate
from adapters.vault.items import ItemKeys
from adapters.vault.key import Cipher, Key, Owner
from domain.sealed import KeyClass, Sealed

Vault = FileKeyVault | MemoryKeyVault

ROOT = Path(__file__).parents[2]
ANN, BEN = UUID(int=1), UUID(int=2)
ITEMS = [uuid4() for _ in range(6)]
SECRET = "床前明月光，疑是地上霜"
_CONTENT = KeyClass.CONTENT


@contextmanager
def opened(directory: Path, recheck_seconds: float = 1.0) -> Iterator[FileKeyVault]:
    clock = ManualClock(datetime(2026, 11, 22, tzinfo=UTC))
    vault = FileKeyVault(directory, clock, 1000, recheck_seconds)
    try:
        yield vault
    finally:
        vault.close()


@pytest.fixture(params=["file", "memory"])
def vault(request: pytest.FixtureRequest) -> Iterator[Vault]:
    if request.param == "memory":
        yield MemoryKeyVault()
        return
    with TemporaryDirectory() as directory, opened(Path(directory)) as vault:
        yield vault


def seal(vault: Vault, subject: UUID, item: UUID | None, plain: str = SECRET) -> Sealed[str]:
    return asyncio.run(vault.seal(subject, _CONTENT, plain, item))


def destroy(vault: Vault, subject: UUID, *items: UUID) -> int:
    return asyncio.run(vault.destroy_items(subject, _CONTENT, items))


def test_what_is_sealed_for_an_item_opens_and_names_its_leaf(vault: Vault) -> None:
    item = ITEMS[0]
    first, again = seal(vault, ANN, item), seal(vault, ANN, item)
    assert vault.open(first) == vault.open(again) == SECRET
    assert first != again
    head = b"\x02" + seal(vault, ANN, None).envelope[1:17] + item.bytes[9:]
    assert first.envelope[:24] == again.envelope[:24] == head
    assert len(first.envelope) == 24 + 12 + len(SECRET.encode()) + 16


def test_a_text_cannot_be_moved_to_another_item_nor_to_none(vault: Vault) -> None:
    one, two = seal(vault, ANN, ITEMS[0]).envelope, seal(vault, ANN, ITEMS[1]).envelope
    for forged in (two[:24] + one[24:], seal(vault, ANN, None).envelope[:17] + one[24:], one[:40]):
        with pytest.raises(VaultFault):
            vault.open(Sealed(forged))


def test_an_item_of_a_key_without_items_is_forged(vault: Vault) -> None:
    plain = seal(vault, ANN, None).envelope
    if isinstance(vault, MemoryKeyVault):
        with pytest.raises(VaultFault, match="has none"):
            vault.open(Sealed(b"\x02" + plain[1:17] + bytes(7) + plain[17:]))
    else:
        vault._database._writer.execute("DELETE FROM nodes")
        with pytest.raises(VaultFault, match="has none"):
            vault.open(Sealed(b"\x02" + plain[1:17] + bytes(7) + plain[17:]))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.lists(st.lists(st.sampled_from(range(6)), max_size=3), max_size=6))
def test_exactly_the_items_destroyed_are_gone(vault: Vault, order: list[list[int]]) -> None:
    subject = uuid4()
    texts = [seal(vault, subject, item, str(n)) for n, item in enumerate(ITEMS)]
    others = [(seal(vault, subject, None), SECRET), (seal(vault, BEN, ITEMS[0], "ben"), "ben")]
    gone: set[int] = set()
    for numbers in order:
        before = vault.destructions()
        new = set(numbers) - gone
        assert destroy(vault, subject, *(ITEMS[n] for n in numbers)) == len(new)
        assert (vault.destructions() != before) is bool(new)
        gone |= new
        for number, text in enumerate(texts):
            assert vault.open(text) == (None if number in gone else str(number))
        for text, plain in others:
            assert vault.open(text) == plain
    for number in gone:
        with pytest.raises(KeyDestroyed):
            seal(vault, subject, ITEMS[number])


def test_an_item_destroyed_before_it_was_sealed_is_never_sealed(vault: Vault) -> None:
    subject = uuid4()
    assert destroy(vault, subject, ITEMS[0]) == 1
    with pytest.raises(KeyDestroyed):
        seal(vault, subject, ITEMS[0])
    assert vault.open(seal(vault, subject, ITEMS[1])) == SECRET


def test_with_the_key_of_the_class_go_all_its_items(vault: Vault) -> None:
    subject = uuid4()
    texts = [seal(vault, subject, item) for item in ITEMS]
    destroy(vault, subject, ITEMS[0])
    assert vault.open(texts[1]) == SECRET
    vault.destroy(subject, _CONTENT)
    assert [vault.open(text) for text in texts] == [None] * len(texts)
    assert destroy(vault, subject, ITEMS[1]) == 0
    with pytest.raises(KeyDestroyed):
        seal(vault, subject, ITEMS[2])


def test_prepared_keys_seal_items_without_suspending(vault: Vault) -> None:
    subject = uuid4()
    asyncio.run(vault.prepare(subject, [KeyClass.IDENTITY, _CONTENT]))
    for item in ITEMS:
        with pytest.raises(StopIteration) as finished:
            vault.seal(subject, _CONTENT, SECRET, item).send(None)
        assert vault.open(finished.value.value) == SECRET


def test_envelopes_of_every_format_open_for_ever() -> None:
    key = Key(bytes(16), Owner(1, "content"), bytes(range(32)))
    kept = bytes.fromhex(
        "01" + "00" * 16 + "0102030405060708090a0b0c"
        "e050d0306519161ec244ffcff59663310d5fde780371e615a957ac417152cf"
    )
    assert key.open(kept) == "床前明月光"
    item = Cipher(b"\x02" + bytes(16) + b"leaf-56", bytes(range(32)))
    of_item = bytes.fromhex(
        "02" + "00" * 16 + b"leaf-56".hex() + "0102030405060708090a0b0c"
        "e050d0306519161ec244ffcff59663b971a3f1d786f96a015e37295c97812e"
    )
    assert item.open(of_item) == "床前明月光"


# What only a vault on a disk can get wrong

PROLOGUE = """
import asyncio, os, signal, sys
from pathlib import Path
from uuid import UUID
from adapters.clock import SystemClock
from adapters.vault import FileKeyVault, nodes
from domain.sealed import KeyClass

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

vault = FileKeyVault(Path(sys.argv[1]), SystemClock())
items = [UUID(one) for one in sys.argv[2:]]
"""
DESTROY = "\nasyncio.run(vault.destroy_items(UUID(int=1), KeyClass.CONTENT, items))\n"


def elsewhere(directory: Path, script: str, *items: UUID) -> int:
    arguments = [sys.executable, "-c", PROLOGUE + script, str(directory), *map(str, items)]
    return subprocess.run(arguments, cwd=ROOT, timeout=60, check=False).returncode


@pytest.mark.parametrize(
    ("fault", "done"),
    [
        ("nodes.StoredNodes.flush = die", False),  # nothing was written yet
        ("nodes.RECORD = 'SELECT nothing'", False),  # the tree was; then it fails
        ("FileKeyVault._catch_up = die", True),  # all was, and is durable
    ],
)
def test_killed_at_any_point_all_of_it_holds_or_nothing(
    tmp_path: Path, fault: str, done: bool
) -> None:
    with opened(tmp_path) as vault:
        texts = [seal(vault, ANN, item) for item in ITEMS]
        destroy(vault, ANN, ITEMS[5])
    assert elsewhere(tmp_path, fault + DESTROY, *ITEMS[:4]) in (-signal.SIGKILL, 1)
    with opened(tmp_path) as vault:
        left = [text for text in texts if vault.open(text) == SECRET]
        assert left == (texts[4:5] if done else texts[:5])
        assert vault.items_destroyed() == (5 if done else 1)
        assert destroy(vault, ANN, *ITEMS[:4]) == (0 if done else 4)
        assert vault.open(texts[4]) == SECRET


def test_what_another_process_destroys_is_no_longer_opened(tmp_path: Path) -> None:
    with opened(tmp_path, recheck_seconds=0.0) as vault:
        texts = [seal(vault, ANN, item) for item in ITEMS]
        before = vault.destructions()
        assert elsewhere(tmp_path, DESTROY, *ITEMS[:2]) == 0
        assert [vault.open(text) for text in texts] == [None] * 2 + [SECRET] * 4
        assert vault.destructions() != before
        with pytest.raises(KeyDestroyed):
            seal(vault, ANN, ITEMS[0])
        assert vault.open(seal(vault, ANN, ITEMS[2])) == SECRET


def test_a_destruction_goes_unnoticed_no_longer_than_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("adapters.vault.file.monotonic", lambda: now)
    with opened(tmp_path, recheck_seconds=5.0) as vault, opened(tmp_path) as other:
        cached, derived = (seal(other, ANN, item) for item in ITEMS[:2])
        assert vault.open(cached) == SECRET
        destroy(other, ANN, *ITEMS[:2])
        now += 4.9
        assert vault.open(cached) == vault.open(derived) == SECRET  # what the interval costs
        now += 0.1
        assert vault.open(cached) is vault.open(derived) is None


def test_the_root_leaves_the_files_with_the_first_item(tmp_path: Path) -> None:
    def stored() -> bytes:
        return b"".join(file.read_bytes() for file in tmp_path.iterdir())

    def wrapped(vault: FileKeyVault) -> list[bytes]:
        rows = vault._database._reader.execute("SELECT wrapped FROM nodes").fetchall()
        return [row[0] for row in rows]

    with opened(tmp_path) as vault:
        seal(vault, ANN, ITEMS[0])
        for item in ITEMS[:3]:
            before = wrapped(vault)
            assert all(each in stored() for each in before)
            destroy(vault, ANN, item)
            (overwritten,) = set(before) - set(wrapped(vault))
            assert overwritten not in stored()


def test_places_cannot_be_exchanged(tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        text = seal(vault, ANN, ITEMS[0])
        seal(vault, BEN, ITEMS[0])
    database = sqlite3.connect(tmp_path / "keys.db")
    swap = "UPDATE nodes SET wrapped = (SELECT wrapped FROM nodes WHERE key <> ?) WHERE key = ?"
    database.execute(swap, (text.envelope[1:17],) * 2)
    database.commit()
    database.close()
    with opened(tmp_path) as vault, pytest.raises(VaultFault, match=r"master\.key does not open"):
        vault.open(text)


def test_another_master_key_opens_the_same_items(tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        texts = [seal(vault, ANN, item) for item in ITEMS]
        other = seal(vault, BEN, ITEMS[0])
        destroy(vault, ANN, *ITEMS[:2])
        before = vault._database._reader.execute("SELECT wrapped FROM nodes").fetchall()
    rotate(tmp_path)
    for (wrapped,) in before:
        assert wrapped not in (tmp_path / "keys.db").read_bytes()
    with opened(tmp_path) as vault:
        assert [vault.open(text) for text in texts] == [None] * 2 + [SECRET] * 4
        assert vault.open(other) == SECRET
        assert destroy(vault, ANN, *ITEMS[:3]) == 1


def test_a_key_from_before_there_were_items_gets_them(tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        old = seal(vault, ANN, None)
        vault._database._writer.executescript("DROP TABLE nodes; DROP TABLE item_destructions")
    with opened(tmp_path) as vault:
        assert vault.open(old) == SECRET
        new = seal(vault, ANN, ITEMS[0])
        assert new.envelope[1:17] == old.envelope[1:17]
        destroy(vault, ANN, ITEMS[0])
        assert vault.open(new) is None
        assert vault.open(old) == SECRET


def test_memory_is_bounded_and_what_was_dropped_comes_back(tmp_path: Path) -> None:
    items = [uuid4() for _ in range(50)]
    clock = ManualClock(datetime(2026, 11, 22, tzinfo=UTC))
    vault = FileKeyVault(tmp_path, clock, cache_size=10)
    vault._items = ItemKeys(10, bytes_max=10_000)
    try:
        texts = [seal(vault, ANN, item, str(n)) for n, item in enumerate(items)]
        destroy(vault, ANN, *items[:5])
        opened = [vault.open(text) for text in texts]
        assert opened == [None] * 5 + [str(n) for n in range(5, 50)]
        assert len(vault._items) == 10
        assert 0 < vault._items._bytes <= 10_000
    finally:
        vault.close()
