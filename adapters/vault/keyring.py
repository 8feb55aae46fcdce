"""
The keys in memory, bounded.

Every sealed field of every answer asks for a key here, from the loop and from worker threads at
once. So looking up takes no lock: each step is one call into C on plain keys, which the interpreter
does not interrupt. Changes are made by one thread at a time, under the vault's lock.
"""

from collections import OrderedDict

from adapters.vault.key import Key


class Keyring:
    """The keys used last, by id and by owner. A destroyed key is held as well: it is an answer."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("capacity")
        self._capacity = capacity
        self._by_id: OrderedDict[bytes, Key] = OrderedDict()
        self._by_owner: dict[tuple[int, str], Key] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def named(self, id: bytes) -> Key | None:
        """The key of that id, if it is in memory."""
        key = self._by_id.get(id)
        if key is not None:
            self._used(key)
        return key

    def owned(self, owner: tuple[int, str]) -> Key | None:
        """The key of that owner, if it is in memory."""
        key = self._by_owner.get(owner)
        if key is not None:
            self._used(key)
        return key

    def hold(self, key: Key) -> None:
        """Keep a key, in place of what was held under its id; the longest unused one makes room."""
        self._by_id[key.id] = key
        self._by_id.move_to_end(key.id)
        self._by_owner[key.owner] = key
        while len(self._by_id) > self._capacity:
            _, oldest = self._by_id.popitem(last=False)
            self._by_owner.pop(oldest.owner, None)

    def _used(self, key: Key) -> None:
        try:
            self._by_id.move_to_end(key.id)
        except KeyError:  # dropped by another thread just now; the object in hand still works
            return
