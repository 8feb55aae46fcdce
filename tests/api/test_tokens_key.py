"""
The signing key's file: private, durable, made once.
"""

import re
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.clock import SeededEntropy
from api.tokens import Role, TokenIssuer, TokenKey, TokenKeyFault, TokenVerifier

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def start(path: Path, script: str) -> "subprocess.Popen[str]":
    prologue = """
import os, signal, sys
from pathlib import Path
from api.tokens import TokenKey
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    return subprocess.Popen(
        [sys.executable, "-c", prologue + script, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "keys" / "token.key"
    key = TokenKey.open(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]
    assert key.issuer.startswith("urn:homezone:")

    again = TokenKey.open(path)
    token = TokenIssuer(key, SeededEntropy(1)).issue(10001, Role.MEMBER, timedelta(hours=1), NOW)
    assert TokenVerifier([again.trusted]).verify(token, NOW).qq == 10001


def test_a_mode_opened_up_by_a_copy_is_closed_again(tmp_path: Path) -> None:
    path = tmp_path / "token.key"
    TokenKey.open(path)
    path.chmod(0o644)
    TokenKey.open(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_verifier_holds_no_private_key(tmp_path: Path) -> None:
    keys = TokenKey.open(tmp_path / "token.key").trusted.source.keys
    assert [key.is_private for key in keys] == [False]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"",
        lambda text: text[:-20],
        lambda text: text.replace(b'"d":"', b'"d":"AAAA'),
        lambda text: re.sub(rb'"d":"....', b'"d":"AAAA', text),
        lambda text: text.replace(b"OKP", b"RSA"),
        lambda text: text.replace(b"Ed25519", b"X25519"),
        lambda text: text.replace(b'"d"', b'"e"'),
        lambda text: b"\xff\xfe" + text,
    ],
)
def test_a_damaged_file_is_refused_and_kept(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    path = tmp_path / "token.key"
    TokenKey.open(path)
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    with pytest.raises(TokenKeyFault, match=r"token\.key is not a token key"):
        TokenKey.open(path)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("fault", ["os.fsync = die", "os.link = die", "Path.unlink = die"])
def test_a_crash_while_it_is_made_leaves_all_of_it_or_nothing(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "token.key"
    process = start(path, f"{fault}\nTokenKey.open(Path(sys.argv[1]))")
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    made = path.read_bytes() if path.exists() else None
    TokenKey.open(path)
    assert made in (None, path.read_bytes())


def test_two_servers_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    script = """
print("ready", flush=True)
sys.stdin.readline()
print(TokenKey.open(Path(sys.argv[1])).kid)
"""
    processes = [start(tmp_path / "token.key", script) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = {process.communicate(timeout=30)[0] for process in processes}
    assert printed == {TokenKey.open(tmp_path / "token.key").kid + "\n"}
