"""
What every vault promises, over each of them.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.clock import ManualClock
from adapters.vault import FileKeyVault, KeyDestroyed, MemoryKeyVault, VaultFault
from commands.ports import KeyVault
from domain.sealed import KeyClass, Sealed

Vault = FileKeyVault | MemoryKeyVault

ANN = UUID(int=1)
BEN = UUID(int=2)
SECRET = "床前明月光，疑是地上霜"

per_example = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def make(kind: str, directory: Path) -> Vault:
    if kind == "memory":
        return MemoryKeyVault()
    return FileKeyVault(directory, ManualClock(datetime(2026, 11, 22, tzinfo=UTC)))


@pytest.fixture(scope="module", params=["file", "memory"])
def vault(request: pytest.FixtureRequest) -> Iterator[Vault]:
    with TemporaryDirectory() as directory:
        made = make(request.param, Path(directory))
        yield made
        made.close()


def seal(vault: Vault, subject: UUID, key_class: KeyClass, plain: str) -> Sealed[str]:
    return asyncio.run(vault.seal(subject, key_class, plain))


def test_satisfies_the_port(vault: Vault) -> None:
    port: KeyVault = vault
    assert port.blind("real-name", "李白") != b""


@per_example
@given(plain=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_opens(vault: Vault, plain: str) -> None:
    sealed = seal(vault, ANN, KeyClass.CONTENT, plain)
    assert vault.open(sealed) == plain
    assert len(sealed.envelope) == 1 + 16 + 12 + len(plain.encode()) + 16
    assert sealed.envelope[0] == 1


def test_a_lone_surrogate_is_refused_without_repeating_the_text(vault: Vault) -> None:
    with pytest.raises(ValueError, match="UTF-8") as caught:
        seal(vault, ANN, KeyClass.CONTENT, "secret \ud800")
    assert "secret" not in str(caught.value)


def test_the_envelope_shows_neither_text_nor_subject_and_is_new_each_time(vault: Vault) -> None:
    subject = uuid4()
    first = seal(vault, subject, KeyClass.CONTENT, SECRET)
    again = seal(vault, subject, KeyClass.CONTENT, SECRET)
    assert first != again
    assert first.envelope[1:17] == again.envelope[1:17]
    assert SECRET.encode() not in first.envelope
    assert subject.bytes not in first.envelope


def test_keys_differ_by_subject_and_by_class(vault: Vault) -> None:
    ids = {
        seal(vault, subject, key_class, "").envelope[1:17]
        for subject in (ANN, BEN)
        for key_class in KeyClass
    }
    assert len(ids) == 2 * len(KeyClass)


@per_example
@given(data=st.data())
def test_an_altered_envelope_is_never_opened(vault: Vault, data: st.DataObject) -> None:
    envelope = seal(vault, ANN, KeyClass.CONTENT, SECRET).envelope
    seal(vault, BEN, KeyClass.CONTENT, SECRET)
    at = data.draw(st.integers(0, len(envelope) * 8 - 1))
    flipped = bytearray(envelope)
    flipped[at // 8] ^= 1 << at % 8
    cut = data.draw(st.integers(0, len(envelope) - 1))
    for forged in (bytes(flipped), envelope[:cut], envelope[cut + 1 :], envelope + b"\x00"):
        with pytest.raises(VaultFault) as caught:
            vault.open(Sealed(forged))
        assert SECRET not in str(caught.value)


@per_example
@given(forged=st.binary(max_size=80))
def test_made_up_bytes_are_never_opened(vault: Vault, forged: bytes) -> None:
    for envelope in (forged, b"\x01" + forged):
        with pytest.raises(VaultFault):
            vault.open(Sealed(envelope))


def test_a_text_cannot_be_moved_under_another_key(vault: Vault) -> None:
    ann = seal(vault, ANN, KeyClass.CONTENT, SECRET).envelope
    ben = seal(vault, BEN, KeyClass.CONTENT, SECRET).envelope
    with pytest.raises(VaultFault, match="forged"):
        vault.open(Sealed(ben[:17] + ann[17:]))


def test_a_destroyed_key_opens_nothing_and_is_never_replaced(vault: Vault) -> None:
    subject = uuid4()
    content = seal(vault, subject, KeyClass.CONTENT, SECRET)
    identity = seal(vault, subject, KeyClass.IDENTITY, SECRET)

    assert vault.destroy(subject, KeyClass.CONTENT) is True
    assert vault.destroy(subject, KeyClass.CONTENT) is False

    assert vault.open(content) is None
    assert vault.open(identity) == SECRET
    with pytest.raises(KeyDestroyed):
        seal(vault, subject, KeyClass.CONTENT, "again")


def test_each_destruction_is_told_and_nothing_else_is(vault: Vault) -> None:
    subject = uuid4()
    seal(vault, subject, KeyClass.CONTENT, SECRET)
    before = vault.destructions()
    seal(vault, subject, KeyClass.IDENTITY, SECRET)
    assert vault.destructions() == before
    numbers = [before]
    for key_class in (KeyClass.CONTENT, KeyClass.IDENTITY):
        vault.destroy(subject, key_class)
        vault.destroy(subject, key_class)
        numbers.append(vault.destructions())
    assert len(set(numbers)) == 3


def test_a_key_destroyed_before_it_was_made_is_never_made(vault: Vault) -> None:
    subject = uuid4()
    assert vault.destroy(subject, KeyClass.BILLING) is True
    with pytest.raises(KeyDestroyed):
        seal(vault, subject, KeyClass.BILLING, SECRET)


def test_prepared_keys_are_in_memory_so_that_sealing_does_not_suspend(vault: Vault) -> None:
    subject = uuid4()
    asyncio.run(vault.prepare(subject, [KeyClass.CONTENT, KeyClass.IDENTITY]))
    for key_class in (KeyClass.CONTENT, KeyClass.IDENTITY):
        sealing = vault.seal(subject, key_class, SECRET)
        with pytest.raises(StopIteration) as finished:
            sealing.send(None)
        assert vault.open(finished.value.value) == SECRET


@per_example
@given(
    one=st.tuples(st.text(max_size=8), st.text(max_size=8)),
    two=st.tuples(st.text(max_size=8), st.text(max_size=8)),
)
def test_blinding_is_stable_and_keeps_namespaces_apart(
    vault: Vault, one: tuple[str, str], two: tuple[str, str]
) -> None:
    assert len(vault.blind(*one)) == 32
    assert (vault.blind(*one) == vault.blind(*two)) == (one == two)
    assert vault.blind("a", "bc") != vault.blind("ab", "c")


def test_blinding_needs_the_vault(vault: Vault) -> None:
    assert MemoryKeyVault().blind("qq", "10001") != vault.blind("qq", "10001")


def test_memory_vault_repeats_itself_from_the_same_bytes() -> None:
    def history() -> list[Sealed[str]]:
        counter = iter(range(1, 1000))
        vault = MemoryKeyVault(lambda count: next(counter).to_bytes(count, "big"))
        return [seal(vault, subject, KeyClass.CONTENT, SECRET) for subject in (ANN, BEN, ANN)]

    assert history() == history()
