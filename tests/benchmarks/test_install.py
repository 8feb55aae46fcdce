"""
The peers' environments: pinned, of nobody's mirror, and left out with a word where they fail.
"""

import json
from pathlib import Path

import pytest

from benchmarks import install
from benchmarks.install import NODE, PEERS, Missing

LOCKS = sorted(PEERS.glob("*.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=[lock.stem for lock in LOCKS])
def test_python_peers_are_pinned_by_hash_and_name_no_index(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    requirements = [line for line in text.splitlines() if line and line[0] not in "# "]
    assert requirements
    assert all("==" in line for line in requirements)
    assert text.count("--hash=sha256:") >= len(requirements)
    assert "://" not in text


def test_npm_peers_are_pinned_by_digest_and_name_no_registry() -> None:
    packages = json.loads((NODE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    installed = {name: one for name, one in packages.items() if name}
    assert {"node_modules/@eventide/message-db"} < set(installed)
    assert all(one["integrity"].startswith("sha512-") for one in installed.values())
    assert not any("resolved" in one for one in installed.values())


@pytest.mark.parametrize("name", [lock.stem for lock in LOCKS])
def test_what_is_not_there_is_only_installed_when_asked_for(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "ROOT", tmp_path)
    with pytest.raises(Missing, match="make bench"):
        install.python_of(name, install=False)
    assert list(tmp_path.iterdir()) == []


def test_an_environment_of_an_older_lock_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "ROOT", tmp_path)
    (tmp_path / ".venv-bench-umadb").mkdir()
    (tmp_path / ".venv-bench-umadb" / ".installed").write_text("another")
    with pytest.raises(Missing):
        install.python_of("umadb", install=False)


def test_a_machine_without_node_is_told_what_would_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.install.shutil.which", lambda _: None)
    with pytest.raises(Missing, match=r"no node.*install Node\.js"):
        install.node_with_modules(install=True)


def test_an_installer_that_fails_leaves_its_reason() -> None:
    with pytest.raises(Missing, match="no such thing"):
        install._run("sh", "-c", "echo 'no such thing' >&2; exit 1")
