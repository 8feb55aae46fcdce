"""
A rebuild and a check in a process of their own, whose memory is theirs alone:

    python -m tests.scale.replaying URL

prints the most memory that it ever took, in bytes.
"""

import sys
from pathlib import Path
from uuid import uuid4

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.reader import Reader
from api.wiring.models import MODELS
from domain.catalogue import EVENTS
from replay.check import check
from replay.rebuild import rebuild


def main(url: str) -> None:
    """Rebuild all, check all."""
    database, clock = Database(url), SystemClock()
    reader = Reader(database.server, EVENTS)
    rebuild(reader, database.owner, MODELS, clock, uuid4())
    for checked in check(reader, database.owner, MODELS, clock, uuid4()):
        assert not checked.differing, checked.model
    reader.close()
    database.dispose()
    print(peak_bytes())


def peak_bytes() -> int:
    """Of this program alone: ``getrusage`` would count in the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main(sys.argv[1])
