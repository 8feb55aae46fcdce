"""
How often a busy process looks for cycles, how its threads take turns, and where large buffers live.

Nearly all that a request makes is gone by reference counting when it is answered. What stays are
caches, hundreds of thousands of small objects without a cycle, and looking through them again and
again took a sixth of every command's time.
"""

import ctypes
import gc
import sys
from contextlib import suppress
from typing import Final

#: Objects made and not yet gone before the youngest are looked at, and how many times before those
#: that outlived it are.
_YOUNG: Final = 20_000
_ROUNDS: Final = (20, 20)
#: ``M_MMAP_THRESHOLD`` of glibc's ``mallopt``, and from how many bytes on a buffer is large.
_MMAP_THRESHOLD: Final = -3
_LARGE: Final = 512 << 10


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


def return_large_buffers() -> None:
    """
    Have large buffers given back to the system once they are free.

    Left alone, glibc keeps what was freed for the thread that freed it, and takes ever larger
    buffers from there: three uploads at once, sealed by several threads, kept up to 73 MiB where
    they had 27 in use. Elsewhere than on glibc this does nothing.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)
