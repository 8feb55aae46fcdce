"""
On what a run was made: an absolute figure means nothing without it.
"""

import os
import platform
import time
from pathlib import Path
from typing import Any, Final

_PAGE: Final = b"\0" * 8_192


def describe(directory: Path, postgres: str) -> dict[str, Any]:
    """
    The machine, for the report.

    :param directory: where the databases are; its disk is the one that is timed.
    """
    return {
        "cpu": _first("/proc/cpuinfo", "model name") or platform.processor() or "unknown",
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": round(_kibibytes("MemTotal") / 1_024),
        "kernel": f"{platform.system()} {platform.release()}",
        "filesystem": _filesystem(directory),
        "python": platform.python_version(),
        "postgresql": postgres,
        "fdatasync_us": round(1e6 * fsync_seconds(directory)),
        "load_before": round(os.getloadavg()[0], 2),
    }


def fsync_seconds(directory: Path, seconds: float = 0.5) -> float:
    """
    The median time of an 8 KiB write and ``fdatasync`` at one place of a file, over and over, as
    PostgreSQL's own ``pg_test_fsync`` has it.
    """
    path = directory / "fsync"
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    times = []
    try:
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            os.pwrite(file, _PAGE, 0)
            os.fdatasync(file)
            times.append(time.perf_counter() - began)
    finally:
        os.close(file)
        path.unlink()
    return sorted(times)[len(times) // 2]


def _first(file: str, name: str) -> str | None:
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def _kibibytes(name: str) -> int:
    return int((_first("/proc/meminfo", name) or "0").split()[0])


def _filesystem(directory: Path) -> str:
    """The type of the mount that holds a directory."""
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, at, type_, *_ = line.split()
        if Path(at) in {directory, *directory.parents} and len(at) >= len(best):
            best, kind = at, type_
    return kind
