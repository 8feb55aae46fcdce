"""
What was opened for one viewer and is shown to the next: posts as JSON, ready to be sent.

They hold what members wrote, in memory and nowhere else, and no longer than the keys that opened
it: when any key was destroyed, all are forgotten before another is shown.
"""

from typing import Final, Protocol

import msgspec

from projections.reading.posts import PostView

_FRAGMENTS_MAX: Final = 10_000


class Keys(Protocol):
    """The vault, as far as it tells what has become of its keys."""

    def destructions(self) -> int: ...


class Shown:
    """
    JSON by view, for views that are given out again.

    :param capacity: fragments; a long diary is about 30 kB.
    """

    def __init__(self, keys: Keys, capacity: int = _FRAGMENTS_MAX) -> None:
        self._keys = keys
        self._capacity = capacity
        self._destructions = keys.destructions()
        # By identity: a view that changed is another view. The view is held, so its id is its own.
        self._fragments: dict[int, tuple[PostView, msgspec.Raw]] = {}

    def __len__(self) -> int:
        return len(self._fragments)

    def refresh(self) -> None:
        """To be called before anything is shown: forget what can no longer be opened."""
        destructions = self._keys.destructions()
        if destructions != self._destructions:
            self._fragments.clear()
            self._destructions = destructions

    def get(self, view: PostView) -> msgspec.Raw | None:
        """The JSON of a view that was shown before."""
        fragment = self._fragments.get(id(view))
        return None if fragment is None else fragment[1]

    def hold(self, view: PostView, encoded: bytes) -> msgspec.Raw:
        """Keep the JSON of a view; the oldest makes room."""
        raw = msgspec.Raw(encoded)
        self._fragments[id(view)] = (view, raw)
        if len(self._fragments) > self._capacity:
            del self._fragments[next(iter(self._fragments))]
        return raw
