"""
Processor time: what is left of a rate when other work runs on the same machine.

Read from ``/proc`` for a process and all that descend from it. A child that has ended is in its
parent's account, so the sum of everybody's own and their ended children's time loses nothing.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

_TICK: Final = os.sysconf("SC_CLK_TCK")


class _Process(NamedTuple):
    parent: int
    ticks: int


def seconds(roots: Iterable[int]) -> float:
    """The time, in seconds, that these processes and their descendants have used so far."""
    everyone = dict(_everyone())
    wanted = set(roots)
    return sum(one.ticks for pid, one in everyone.items() if _of(pid, wanted, everyone)) / _TICK


def parse(stat: str) -> _Process:
    """A line of ``/proc/PID/stat``. The program's name may hold spaces and brackets."""
    fields = stat.rpartition(") ")[2].split()
    return _Process(int(fields[1]), sum(map(int, fields[11:15])))


def _everyone() -> Iterable[tuple[int, _Process]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue  # gone meanwhile
            yield int(entry.name), parse(stat)


def _of(pid: int, roots: set[int], everyone: dict[int, _Process]) -> bool:
    while pid not in roots:
        process = everyone.get(pid)
        if process is None:
            return False
        pid = process.parent
    return True
