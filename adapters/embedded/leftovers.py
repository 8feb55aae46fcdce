"""
What a killed parent or a killed postmaster leaves behind.

A killed parent leaves a whole server, which is shutting down already; a killed postmaster leaves
backends that hold the shared memory, and a new server refuses to start beside them. Both must be
gone first. Only processes that are provably this cluster's are touched: run by its account, named
``postgres``, and carrying the cluster's name or path on their command line. (Not by their working
directory: root without the right to trace, as in a container, cannot read that of another user.)
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from adapters.embedded.errors import EmbeddedPostgresError
from adapters.embedded.place import Place

POLL_SECONDS = 0.02
SAY_SECONDS = 5.0
STUCK_AFTER_SECONDS = 10.0
QUIT_AFTER_SECONDS = 120.0
KILL_AFTER_SECONDS = 130.0
ORPHANS_QUIT_AFTER_SECONDS = 3.0
ORPHANS_KILL_AFTER_SECONDS = 6.0
GIVE_UP_AFTER_SECONDS = 180.0


def processes_of(place: Place) -> set[int]:
    """Every process of this cluster's server."""
    return {
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _belongs(entry, place)
    }


def nobody_works(postmaster: int) -> bool:
    """
    Whether a postmaster has neither the process that recovers nor the one that writes ahead, one of
    which is always there while it starts or serves. Never so where the kernel does not list
    children.
    """
    try:
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_bytes().split()
    except OSError:
        return False
    titles = [_title(int(child)) for child in children]
    return not any(b": startup" in title or b": walwriter" in title for title in titles)


def _title(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def clear(place: Place, log: Callable[[str], None]) -> None:
    """
    End whatever is left of an earlier server and wait until it is gone.

    A postmaster is asked for a fast shutdown and given time for its checkpoint; backends without
    one have nothing left to write.
    """
    if not processes_of(place):
        _remove_stale_pid_file(place)
        return
    log("ending the PostgreSQL that an earlier Homezone left behind")
    started = said = time.monotonic()
    last_sent: signal.Signals | None = None
    while left := processes_of(place):
        waited = time.monotonic() - started
        postmaster = _postmaster(place, left)
        wanted = ending_signal(place, waited) if postmaster else _orphans_signal(waited)
        if wanted is not None and wanted != last_sent:
            _send(place, wanted, left if postmaster is None else {postmaster})
            last_sent = wanted
        if time.monotonic() - said >= SAY_SECONDS:
            said = time.monotonic()
            log(f"waiting for the earlier PostgreSQL to end ({waited:.0f} s): {_names(left)}")
        if waited > GIVE_UP_AFTER_SECONDS:
            raise EmbeddedPostgresError(f"an earlier PostgreSQL does not end: {_names(left)}")
        time.sleep(POLL_SECONDS)
    _remove_stale_pid_file(place)


def ending_signal(place: Place, waited: float) -> signal.Signals:
    """
    What to send a postmaster that has been ending for some seconds: first gently, last with force.

    A fast shutdown ends sessions within moments and then writes a checkpoint, which may take long
    and spares a recovery. One that has not even begun its checkpoint never will: PostgreSQL 18,
    asked during crash recovery, loses its way and stays for ever. To quit loses nothing that was
    committed.
    """
    if waited >= KILL_AFTER_SECONDS:
        return signal.SIGKILL
    if waited >= QUIT_AFTER_SECONDS:
        return signal.SIGQUIT
    if waited >= STUCK_AFTER_SECONDS and not _writes_checkpoint(place):
        return signal.SIGQUIT
    return signal.SIGINT


def _orphans_signal(waited: float) -> signal.Signals | None:
    if waited >= ORPHANS_KILL_AFTER_SECONDS:
        return signal.SIGKILL
    return signal.SIGQUIT if waited >= ORPHANS_QUIT_AFTER_SECONDS else None


def _writes_checkpoint(place: Place) -> bool:
    *_, since = "\n".join(place.log_tail(0, lines=100)).rpartition("received fast shutdown request")
    return "LOG:  shutting down" in since


def _belongs(entry: Path, place: Place) -> bool:
    try:
        if entry.stat().st_uid != place.account.uid:
            return False
        if (entry / "comm").read_bytes() != b"postgres\n":
            return False
        command_line = (entry / "cmdline").read_bytes()
    except OSError:
        return False
    cluster = os.fsencode(place.cluster)
    title = f"postgres: {place.name}: ".encode()
    return command_line.startswith(title) or b"\0-D\0" + cluster + b"\0" in command_line


def _postmaster(place: Place, processes: set[int]) -> int | None:
    """The one that the others obey: known by the cluster's own record of it."""
    recorded = _recorded_pid(place)
    return recorded if recorded in processes else None


def _recorded_pid(place: Place) -> int | None:
    try:
        return int((place.cluster / "postmaster.pid").read_bytes().split(b"\n", 1)[0])
    except (OSError, ValueError):
        return None


def _remove_stale_pid_file(place: Place) -> None:
    """
    Remove a record that names a process which is not PostgreSQL.

    Process ids are few and soon reused in a container; PostgreSQL would take the stranger for its
    predecessor and refuse to start. A record of a process that is gone it removes itself.
    """
    recorded = _recorded_pid(place)
    if recorded is not None and Path("/proc", str(recorded)).exists():
        (place.cluster / "postmaster.pid").unlink(missing_ok=True)


def _send(place: Place, number: signal.Signals, processes: set[int]) -> None:
    for pid in processes & processes_of(place):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _names(processes: set[int]) -> str:
    return "process " + ", ".join(map(str, sorted(processes)))
