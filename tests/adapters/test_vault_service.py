"""
A master key that a key service wraps: never on the disk as it is, asked for once, and moved to a
service and away from it whatever happens meanwhile.
"""

import asyncio
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from adapters.clock import ManualClock
from adapters.vault import FileKeyVault, VaultFault, rotate, wrapper_of
from adapters.vault import aws as aws_adapter
from domain.sealed import KeyClass, Sealed
from tests.support.kms import Kms, running_kms

ROOT = Path(__file__).parents[2]
ANN = UUID(int=1)


@pytest.fixture(scope="module")
def kms() -> Iterator[Kms]:
    with running_kms() as running:
        yield running


@pytest.fixture(autouse=True)
def _environment(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    _reach(kms.environment, monkeypatch)


def _reach(environment: "dict[str, str]", monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def _cut_off(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    _reach(dict(kms.out_of_reach), monkeypatch)
    quick = aws_adapter._CONFIG.merge(
        type(aws_adapter._CONFIG)(retries={"mode": "standard", "total_max_attempts": 2})
    )
    monkeypatch.setattr(aws_adapter, "_CONFIG", quick)


@contextmanager
def opened(
    directory: Path, service: str | None = None, lent: bytes | None = None
) -> Iterator[FileKeyVault]:
    clock = ManualClock(datetime(2026, 11, 22, tzinfo=UTC))
    vault = FileKeyVault(directory, clock, service=service, lent=lent)
    try:
        yield vault
    finally:
        vault.close()


def seal(vault: FileKeyVault, plain: str) -> Sealed[str]:
    return asyncio.run(vault.seal(ANN, KeyClass.CONTENT, plain))


def test_the_master_key_is_on_no_disk(
    kms: Kms, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    url = kms.key()
    with opened(tmp_path, url) as vault:
        sealed = seal(vault, "text")
        secret = vault.lent
    assert secret is not None
    assert len(secret) == 32
    for file in tmp_path.iterdir():
        assert secret not in file.read_bytes(), file.name
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
    assert wrapper_of(tmp_path / "master.key") == url
    # Who opens it again needs to name nothing: the file says whom to ask.
    with opened(tmp_path) as vault:
        assert vault.open(sealed) == "text"
        assert vault.lent == secret
    uses = [record.msg for record in caplog.records if record.name == "homezone.keys"]
    assert uses == ["a new master key was wrapped", *["the master key was unwrapped"] * 2]
    assert secret.hex() not in caplog.text


def test_it_is_asked_for_once_and_our_children_do_not_ask_at_all(
    kms: Kms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, kms.key()) as vault:
        _cut_off(kms, monkeypatch)
        sealed = seal(vault, "text")
        assert vault.open(sealed) == "text"
        with opened(tmp_path, lent=vault.lent) as child:
            assert child.open(sealed) == "text"
    with pytest.raises(VaultFault, match="cannot be reached") as fault, opened(tmp_path):
        pass
    assert "\n" not in str(fault.value)


def test_a_vault_in_a_file_lends_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        assert vault.lent is None
    assert wrapper_of(tmp_path / "master.key") is None


def test_what_wraps_it_must_be_what_was_said(kms: Kms, tmp_path: Path) -> None:
    url, other = kms.key(), kms.key()
    with opened(tmp_path):
        pass
    for right, said in (("not wrapped", url), (f"wrapped by {url}", other)):
        with pytest.raises(VaultFault, match=f"{right}, and should be by"), opened(tmp_path, said):
            pass
        rotate(tmp_path, to=url)
    with opened(tmp_path, url):
        pass


def test_to_a_service_to_another_and_back(kms: Kms, tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        sealed, digest = seal(vault, "text"), vault.blind("qq", "10001")
    masters = [(tmp_path / "master.key").read_bytes()]
    for to in (kms.key(), kms.alias("moved"), None, None):
        assert rotate(tmp_path, to=to) == 1
        assert wrapper_of(tmp_path / "master.key") == to
        masters.append((tmp_path / "master.key").read_bytes())
        with opened(tmp_path) as vault:
            assert vault.open(sealed) == "text"
            assert vault.blind("qq", "10001") == digest
    assert len(set(masters)) == len(masters)
    for old in masters[:-1]:
        (tmp_path / "master.key").write_bytes(old)
        with pytest.raises(VaultFault, match="different vaults"), opened(tmp_path):
            pass


def test_an_alias_that_is_moved_takes_no_vault_with_it(kms: Kms, tmp_path: Path) -> None:
    url = kms.alias("here")
    with opened(tmp_path, url) as vault:
        sealed = seal(vault, "text")
    other = kms.client.create_key()["KeyMetadata"]["KeyId"]
    kms.client.update_alias(AliasName="alias/here", TargetKeyId=other)
    with opened(tmp_path, url) as vault:
        assert vault.open(sealed) == "text"


def test_a_service_that_refuses(kms: Kms, tmp_path: Path) -> None:
    url = kms.key()
    with opened(tmp_path, url) as vault:
        sealed = seal(vault, "text")
    path = tmp_path / "master.key"
    right = path.read_bytes()
    # As it is when the key was deleted: the service does not know it any longer.
    key = url.rpartition("/")[2].encode()
    path.write_bytes(right.replace(b":key/" + key, b":key/" + key[:-4] + b"0000"))
    with pytest.raises(VaultFault, match=r"the KMS refuses .*: NotFound"), opened(tmp_path):
        pass
    with pytest.raises(VaultFault, match="refuses"):
        rotate(tmp_path)
    path.write_bytes(right)
    with opened(tmp_path) as vault:
        assert vault.open(sealed) == "text"


def test_what_a_service_cannot_know_moves_nothing(kms: Kms, tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        sealed = seal(vault, "text")
    gone = kms.key()[:-4] + "0000"
    for bad in (gone, "aws-kms://alias/nowhere", "aws-kms://", "vault://x", "aws-kms://\u5bc6"):
        with pytest.raises(VaultFault) as fault:
            rotate(tmp_path, to=bad)
        assert "\n" not in str(fault.value)
    with opened(tmp_path) as vault:
        assert vault.open(sealed) == "text"
    assert not (tmp_path / "master.key.next").exists()


def test_an_altered_master_key_opens_nothing(kms: Kms, tmp_path: Path) -> None:
    with opened(tmp_path, kms.key()):
        pass
    path = tmp_path / "master.key"
    whole = path.read_bytes()
    for bad in (b"", whole[:-40], whole.replace(b'"wrapped":"', b'"wrapped":"AAAA'), bytes(31)):
        path.write_bytes(bad)
        with pytest.raises(VaultFault) as fault, opened(tmp_path):
            pass
        assert "\n" not in str(fault.value)


#: Where a move is killed, and whether the keys are wrapped anew by then.
KILLS = {"rewrap": False, "told": False, "replace": True}

SCRIPT = """
import os, signal, sys
from pathlib import Path
from adapters.vault import rotation
from adapters.vault.database import KeyDatabase

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "rewrap":
    KeyDatabase.rewrap = die
elif sys.argv[2] == "replace":
    Path.replace = die
told = die if sys.argv[2] == "told" else lambda _: None
rotation.rotate(Path(sys.argv[1]), told, to=sys.argv[3] or None)
"""


@pytest.mark.parametrize("away", [False, True], ids=["to-a-service", "to-a-file"])
@pytest.mark.parametrize("where", KILLS)
def test_killed_anywhere_only_the_right_master_need_be_within_reach(
    kms: Kms,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    where: str,
    away: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = kms.key()
    with opened(tmp_path, url if away else None) as vault:
        sealed = seal(vault, "text")
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), where, "" if away else url],
        cwd=ROOT, env={**os.environ, **kms.environment}, timeout=60, check=False,
    )  # fmt: skip
    assert process.returncode == -signal.SIGKILL
    assert (tmp_path / "master.key.next").exists()
    kept = tmp_path_factory.mktemp("kept") / "keys"
    shutil.copytree(tmp_path, kept)
    with opened(tmp_path) as vault:
        assert vault.open(sealed) == "text"
    moved = None if away else url
    assert (wrapper_of(tmp_path / "master.key") == moved) is KILLS[where]
    # The service goes: what was in a file at that moment opens all the same.
    if KILLS[where] is away:
        with monkeypatch.context() as patch:
            _cut_off(kms, patch)
            with opened(kept) as vault:
                assert vault.open(sealed) == "text"
    rotate(tmp_path, to=moved)
    assert wrapper_of(tmp_path / "master.key") == moved
    with opened(tmp_path) as vault:
        assert vault.open(sealed) == "text"
    assert not (tmp_path / "master.key.next").exists()


def test_a_move_that_was_given_up_is_begun_elsewhere(kms: Kms, tmp_path: Path) -> None:
    with opened(tmp_path) as vault:
        sealed = seal(vault, "text")
    (tmp_path / "master.key.next").write_bytes(bytes(32))
    url = kms.key()
    rotate(tmp_path, to=url)
    assert wrapper_of(tmp_path / "master.key") == url
    with opened(tmp_path) as vault:
        assert vault.open(sealed) == "text"
