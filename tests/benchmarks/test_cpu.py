"""
Processor time of a process and all that descends from it.
"""

import os
import subprocess
import sys
import time

from benchmarks import cpu

SPIN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def test_a_name_may_hold_anything() -> None:
    line = "42 (a) S (b c) R 7 1 1 0 -1 0 9 9 9 9 100 20 3 4 20 0 1 0"
    assert cpu.parse(line) == (7, 127)


def test_time_of_children_counts_while_they_run_and_after() -> None:
    before = cpu.seconds([os.getpid()])
    child = subprocess.Popen([sys.executable, "-c", f"{SPIN}\ninput()"], stdin=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while cpu.seconds([child.pid]) < 0.29:  # a tick of rounding
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running = cpu.seconds([os.getpid()])
    assert running - before >= 0.29
    child.communicate(b"\n")
    assert cpu.seconds([os.getpid()]) >= running - 0.02


def test_time_of_others_does_not_count() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as idle:
        subprocess.run([sys.executable, "-c", SPIN], check=True)
        assert cpu.seconds([idle.pid]) < 0.25
        idle.communicate(b"\n")
