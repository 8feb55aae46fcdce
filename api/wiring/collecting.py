"""
How often a long-lived process looks for cycles.

Nearly all that a request makes is gone by reference counting when it is answered. What stays are
caches, hundreds of thousands of small objects without a cycle, and looking through them again and
again took a sixth of every command's time.
"""

import gc
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
