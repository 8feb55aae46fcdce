"""
The machine's randomness, a page at a time.

Asking the kernel for twelve bytes lets go of the interpreter; under load each such question waited
for another thread's turn, 20 µs in the middle of every command. So a page is asked for and handed
out, every byte once.
"""

import os
import threading
from typing import Final

PAGE_BYTES: Final = 4096


class EntropyPool:
    """Random bytes fit for secrets, from any thread; a forked child starts a page of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._page = b""
        self._at = 0
        os.register_at_fork(after_in_child=self._forget)

    def take(self, count: int) -> bytes:
        """``count`` bytes, at most a page, that nobody else was or will be given."""
        if count > PAGE_BYTES:
            raise ValueError("count")
        with self._lock:
            at, end = self._at, self._at + count
            if end > len(self._page):
                self._page, at, end = os.urandom(PAGE_BYTES), 0, count
            self._at = end
            return self._page[at:end]

    def _forget(self) -> None:
        # The lock may have been held by a thread that the child does not have.
        self._lock = threading.Lock()
        self._page = b""
        self._at = 0
