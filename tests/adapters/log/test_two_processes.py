"""
Two servers on one database: no update lost, no gap, no deadlock that would not pass.
"""

import subprocess
import sys
from pathlib import Path

from tests.adapters.log.conftest import PostgresBed
from tests.adapters.log.events import stream
from tests.adapters.log.test_append import assert_gapless, everything

ROOT = Path(__file__).parents[3]


def test_two_processes_share_streams(postgres: PostgresBed) -> None:
    count = 15
    streams = [stream(at % postgres.cells) for at in range(7)]
    command = [sys.executable, "-m", "tests.adapters.log.hammer", postgres.url, str(count)]
    servers = [
        subprocess.Popen([*command, *map(str, ids)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for ids in (streams, streams[::-1][1:] + streams[:1])
    ]
    outputs = [each.communicate(timeout=60)[0] for each in servers]
    assert [each.returncode for each in servers] == [0, 0]
    assert sum(map(int, outputs)) > 0, "they never met, so nothing was tested"
    log = postgres.open()
    assert_gapless(log)
    assert len(everything(log)) == 2 * 6 * count
