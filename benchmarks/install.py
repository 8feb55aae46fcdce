"""
Environments for the peers, each of its own, from pinned files: Python's by hash, npm's by lock.

What cannot be had (no node, no index) leaves its peer out with one line that says so.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.driver import ROOT

PEERS: Final = ROOT / "benchmarks" / "peers"
NODE: Final = PEERS / "node"
_STAMP: Final = ".installed"


class Missing(Exception):
    """A peer cannot be measured; the message says why, and what would help."""


def python_of(name: str, *, install: bool) -> Path:
    """
    The interpreter of a peer's environment, which has what ``peers/NAME.txt`` pins.

    :param install: make it when it is not there, or not that.
    :raises Missing: it is not there.
    """
    environment, lock = ROOT / f".venv-bench-{name}", PEERS / f"{name}.txt"
    python = environment / "bin" / "python"
    if _is_current(environment, lock):
        return python
    if not install:
        raise Missing(f"{environment.name}/ is not set up; `make bench` does that")
    print(f"setting up {environment.name}/")
    _run(sys.executable, "-m", "venv", "--clear", str(environment))
    _run(str(python), "-m", "pip", "install", "-qq", "--require-hashes", "-r", str(lock))
    _finish(environment, lock)
    return python


def node_with_modules(*, install: bool) -> str:
    """
    The node to run the drivers of ``peers/node`` with, whose modules are there.

    :raises Missing: there is no node, or no npm to install with.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        raise Missing("there is no node on this machine; install Node.js 20 or newer")
    modules, lock = NODE / "node_modules", NODE / "package-lock.json"
    if _is_current(modules, lock):
        return node
    if not install:
        raise Missing(f"{modules.relative_to(ROOT)}/ is not set up; `make bench` does that")
    if npm is None:
        raise Missing("there is no npm on this machine; install it beside Node.js")
    print(f"setting up {modules.relative_to(ROOT)}/")
    _run(npm, "ci", "--no-fund", "--no-audit", "--ignore-scripts", "--prefix", str(NODE))
    _finish(modules, lock)
    return node


def _run(*command: str) -> None:
    ended = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        said = (ended.stderr or ended.stdout).strip().splitlines()
        reason = said[-1] if said else f"it ended with {ended.returncode}"
        raise Missing(f"it cannot be installed: {Path(command[0]).name}: {reason}")


def _is_current(directory: Path, lock: Path) -> bool:
    stamp = directory / _STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == _digest(lock)


def _finish(directory: Path, lock: Path) -> None:
    (directory / _STAMP).write_text(_digest(lock), encoding="utf-8")


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()
