"""
What it takes to do harm: a disk of its own, a network of its own, a clock of its own, a sick fsync.

Each says in plain words why it cannot be had where it cannot.
"""

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Final, Protocol

import psutil

_SHIM: Final = r"""
/* Makes fsync and fdatasync fail for as long as a file is there: a disk that has gone bad. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int sick(void) {
    const char *flag = getenv("FSYNC_FAILS_WHILE");
    return flag != NULL && access(flag, F_OK) == 0;
}

#define FAILING(name)                                          \
    int name(int file) {                                       \
        static int (*real)(int);                               \
        if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, #name); \
        if (sick()) { errno = EIO; return -1; }                \
        return real(file);                                     \
    }

FAILING(fsync)
FAILING(fdatasync)
"""


@functools.cache
def why_no_disk() -> str | None:
    """Why no file system can be mounted, if none can."""
    if os.geteuid() != 0:
        return "mounting a small disk needs root"
    with tempfile.TemporaryDirectory() as place:
        mounted = _done("mount", "-t", "tmpfs", "-o", "size=1m", "homezone", place)
        if mounted is None:
            _done("umount", place)
        return mounted


@functools.cache
def why_no_network() -> str | None:
    """Why no network namespace can be made, if none can."""
    if os.geteuid() != 0:
        return "making a network namespace needs root"
    if shutil.which("ip") is None:
        return "there is no `ip` (Debian: iproute2)"
    name = f"homezone-try-{os.getpid()}"
    made = _done("ip", "netns", "add", name)
    if made is None:
        _done("ip", "netns", "del", name)
    return made


@functools.cache
def why_no_shim() -> str | None:
    """Why a library cannot be put before the kernel's fsync, if it cannot."""
    return None if shutil.which("gcc") else "there is no gcc to make a failing fsync with"


@functools.cache
def why_no_fuse() -> str | None:
    """Why no file system of our own can be mounted, if none can."""
    if (reason := why_no_disk()) is not None:
        return reason
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"/dev/fuse cannot be used: {error.strerror}"
    return None


@functools.cache
def why_no_clock() -> str | None:
    """Why a process cannot be given a clock of its own, if it cannot."""
    return None if _faketime() is not None else "there is no libfaketime for this machine"


@contextmanager
def small_disk(at: Path, mebibytes: int) -> Iterator[Path]:
    """A file system of a given size, mounted at a directory that is made."""
    at.mkdir()
    options = f"size={mebibytes}m,mode=0711"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "homezone", str(at)], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


class SickDisk(Protocol):
    """A disk whose fsync fails when it is told to, for a process that has an environment."""

    environment: Mapping[str, str]

    def fail(self) -> None:
        """From now on nothing reaches the disk for sure."""

    def heal(self) -> None:
        """It does again."""


class ForgetfulDisk:
    """
    A directory that loses what its failing fsync was to keep: see :mod:`tests.faults.fuse`.
    """

    environment: Mapping[str, str] = {}

    def __init__(self, at: Path) -> None:
        self._at = at
        self._flag = at.with_name(f"{at.name}.bad")
        source = at.rename(at.with_name(f"{at.name}.disk"))
        at.mkdir()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.fuse"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{source}\n{at}\n{self._flag}\n")
        self._process.stdin.close()
        assert self._process.stdout.readline() == "mounted\n"

    def fail(self) -> None:
        """From now on fsync fails, and what it was asked to keep is gone."""
        self._flag.touch()

    def heal(self) -> None:
        """It keeps what it is given."""
        self._flag.unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount it; its process ends with that."""
        subprocess.run(["umount", "--lazy", str(self._at)], check=False)
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()


class Network:
    """
    A network of two: us and a namespace, on a wire that can be cut.

    :ivar address: of whoever listens inside.
    :ivar inside: runs a command there.
    """

    def __init__(self) -> None:
        tag = f"{os.getpid() % 100_000}{Random().randrange(100)}"
        net = f"10.{Random().randrange(64, 192)}.{Random().randrange(256)}"
        self.name = f"homezone-{tag}"
        self.address = f"{net}.2"
        self.inside = ("ip", "netns", "exec", self.name)
        self._ours, self._theirs = f"hz{tag}a", f"hz{tag}b"
        self._ip("netns", "add", self.name)
        try:
            self._ip(*f"link add {self._ours} type veth peer {self._theirs}".split())
            self._ip(*f"link set {self._theirs} netns {self.name}".split())
            self._ip(*f"addr add {net}.1/30 dev {self._ours}".split())
            self._ip(*f"link set {self._ours} up".split())
            self._ip(*f"-n {self.name} addr add {self.address}/30 dev {self._theirs}".split())
            self._ip(*f"-n {self.name} link set lo up".split())
            self.mend()
        except BaseException:
            self.close()
            raise

    def cut(self) -> None:
        """From now on nothing gets through, and nobody is told."""
        self._ip(*f"-n {self.name} link set {self._theirs} down".split())

    def mend(self) -> None:
        """The wire is whole."""
        self._ip(*f"-n {self.name} link set {self._theirs} up".split())

    def close(self) -> None:
        """Both ends go with the namespace."""
        with suppress(subprocess.CalledProcessError):
            self._ip("link", "del", self._ours)
        self._ip("netns", "del", self.name)

    @staticmethod
    def _ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)


@contextmanager
def network() -> Iterator[Network]:
    """A network that is gone afterwards."""
    made = Network()
    try:
        yield made
    finally:
        made.close()


class FailingCalls:
    """Makes fsync fail before it gets to the kernel, which keeps everything."""

    def __init__(self, directory: Path) -> None:
        self._flag = directory / "fsync-fails"
        library = directory / "fsync.so"
        source = directory / "fsync.c"
        source.write_text(_SHIM)
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"],
            check=True,
            capture_output=True,
        )
        library.chmod(0o755)
        self.environment: Mapping[str, str] = {
            "LD_PRELOAD": str(library),
            "FSYNC_FAILS_WHILE": str(self._flag),
        }

    def fail(self) -> None:
        """From now on nothing reaches the disk for sure."""
        self._flag.touch()

    def heal(self) -> None:
        """It does again."""
        self._flag.unlink(missing_ok=True)


class Clock:
    """The wall clock of processes that have :attr:`environment`; what measures time is left."""

    def __init__(self, directory: Path) -> None:
        self._offset = directory / "clock"
        self.jump("+0")
        self.environment: Mapping[str, str] = {
            "LD_PRELOAD": str(_faketime()),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, offset: str) -> None:
        """Show the time so much later or earlier: ``+3d``, ``-3d``, ``+0``."""
        self.tidy()
        new = self._offset.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.replace(self._offset)

    @staticmethod
    def tidy() -> None:
        """
        Remove what killed processes left of the library's shared memory: named by process id, it
        keeps a later process of that id, under another account, from starting.
        """
        shared = Path("/dev/shm")
        for left in (*shared.glob("faketime_shm_*"), *shared.glob("sem.faketime_sem_*")):
            if not psutil.pid_exists(int(left.name.rpartition("_")[2])):
                left.unlink(missing_ok=True)


def _faketime() -> Path | None:
    found = importlib.util.find_spec("libfaketime")
    if found is None or found.origin is None:
        return None
    library = Path(found.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"
    shown = subprocess.run(
        ["date", "-u", "+%Y"],
        env={"LD_PRELOAD": str(library), "FAKETIME": "@2001-02-03 04:05:06"},
        capture_output=True,
        text=True,
    )
    return library if shown.stdout.strip() == "2001" else None


def _done(*command: str) -> str | None:
    """Run a command; why it failed, if it did."""
    done = subprocess.run(command, capture_output=True, text=True)
    return None if done.returncode == 0 else f"`{command[0]}` cannot: {done.stderr.strip()}"
