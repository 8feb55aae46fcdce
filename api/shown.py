"""
What was opened for one viewer and is shown to the next: posts, messages and visitors as JSON, ready
to be sent.

They hold what members wrote, in memory and nowhere else, and no longer than the keys that opened
it: when any key was destroyed, all are forgotten before another is shown.
"""

from typing import Final, Protocol

import msgspec

_BYTES_MAX: Final = 16 << 20
#: What holding one costs beside its own bytes, as measured.
_BYTES_EACH: Final = 600


class Keys(Protocol):
    """The vault, as far as it tells what has become of its keys."""

    def destructions(self) -> int: ...


class Shown:
    """
    JSON by view, for views that are given out again.

    :param bytes_max: of JSON and what holds it.
    """

    def __init__(self, keys: Keys, bytes_max: int = _BYTES_MAX) -> None:
        self._keys = keys
        self._bytes_max = bytes_max
        self._bytes = 0
        self._destructions = keys.destructions()
        # By identity: a view that changed is another view. The view is held, so its id is its own.
        self._fragments: dict[int, tuple[object, msgspec.Raw, int]] = {}

    def __len__(self) -> int:
        return len(self._fragments)

    def refresh(self) -> None:
        """To be called before anything is shown: forget what can no longer be opened."""
        destructions = self._keys.destructions()
        if destructions != self._destructions:
            self._fragments.clear()
            self._bytes = 0
            self._destructions = destructions

    def get(self, view: object) -> msgspec.Raw | None:
        """The JSON of a view that was shown before."""
        fragment = self._fragments.get(id(view))
        return None if fragment is None else fragment[1]

    def hold(self, view: object, encoded: bytes) -> msgspec.Raw:
        """Keep the JSON of a view; the oldest make room."""
        raw, size = msgspec.Raw(encoded), len(encoded) + _BYTES_EACH
        self._drop(id(view))
        self._fragments[id(view)] = (view, raw, size)
        self._bytes += size
        while self._bytes > self._bytes_max:
            self._drop(next(iter(self._fragments)))
        return raw

    def _drop(self, view_id: int) -> None:
        if (fragment := self._fragments.pop(view_id, None)) is not None:
            self._bytes -= fragment[2]
