"""
How often a busy process looks for cycles, and how its threads take turns.

Nearly all that a request makes is gone by reference counting when it is answered. What stays are
caches, hundreds of thousands of small objects without a cycle, and looking through them again and
again took a sixth of every command's time.
"""

import gc
import sys
from typing import Final

#: Objects made and not yet gone before the youngest are looked at, and how many times before those
#: that outlived it are.
_YOUNG: Final = 20_000
_ROUNDS: Final = (20, 20)


def collect_rarely() -> None:
    """Call once everything is loaded: what is there by now stays, and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *_ROUNDS)


def take_short_turns() -> None:
    """
    For a replay: the thread that computes leaves the interpreter ten times as often to those that
    talk to the database, which a batch has to wait for several times.
    """
    sys.setswitchinterval(0.0005)
