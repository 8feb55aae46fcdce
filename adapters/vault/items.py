"""
The keys of items in memory, and what they were derived from, both bounded.

Asking for an item's key takes no lock, as with the keyring. Whatever puts something here, or takes
it away, has the vault's lock: so nothing derived before a destruction is kept after it.
"""

from collections import OrderedDict
from typing import Final

from adapters.vault import tree
from adapters.vault.key import ID_BYTES, ITEM_FORMAT, Cipher
from adapters.vault.nodes import StoredNodes

_LEAF_AT: Final = len(ITEM_FORMAT) + ID_BYTES


class ItemKeys:
    """
    The items' keys used last, by what their envelopes begin with. A destroyed one is held as well.

    :param capacity: how many are kept, about 0.6 kB each.
    :param bytes_max: how much of trees is kept: a root is 32 bytes, a branch up to 3 kB.
    """

    def __init__(self, capacity: int, bytes_max: int = 32 << 20) -> None:
        self._capacity = capacity
        self._bytes_max = bytes_max
        self._ciphers: OrderedDict[bytes, Cipher] = OrderedDict()
        self._trees: OrderedDict[bytes, dict[bytes, bytes]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._ciphers)

    def named(self, head: bytes) -> Cipher | None:
        """An item's key, if it is in memory."""
        cipher = self._ciphers.get(head)
        if cipher is not None:
            try:
                self._ciphers.move_to_end(head)
            except KeyError:  # dropped by another thread just now; the object in hand still works
                return cipher
        return cipher

    def derive(self, head: bytes, stored: StoredNodes) -> Cipher | None:
        """
        An item's key, worked out; None when there is no tree. The vault's lock is held.

        :param stored: the tree of the key that the head names.
        """
        key, leaf = head[1:_LEAF_AT], head[_LEAF_AT:]
        root = self._kept(key, tree.ROOT, stored)
        if root is None:
            return None
        if len(root) == tree.NODE_BYTES:
            # Nearly always: nothing of this member's was ever destroyed alone.
            secret: bytes | None = tree.descend(root, 0, leaf)
        else:
            secret = tree.derive(lambda place: self._kept(key, place, stored), leaf)
        return self._hold(Cipher(head, secret))

    def _hold(self, cipher: Cipher) -> Cipher:
        """The longest unused one makes room."""
        self._ciphers[cipher.head] = cipher
        while len(self._ciphers) > self._capacity:
            self._ciphers.popitem(last=False)
        return cipher

    def drop(self, key: bytes, leaf: bytes) -> None:
        """An item's key was destroyed. The vault's lock is held."""
        self._ciphers.pop(ITEM_FORMAT + key + leaf, None)
        self._bytes -= sum(map(len, self._trees.pop(key, {}).values()))

    def clear(self) -> None:
        """A whole key was destroyed, and with it its items. The vault's lock is held."""
        self._ciphers.clear()
        self._trees.clear()
        self._bytes = 0

    def _kept(self, key: bytes, place: bytes, stored: StoredNodes) -> bytes | None:
        """What lies at a place of a key's tree: from memory, or else from the database."""
        places = self._trees.get(key)
        kept = None if places is None else places.get(place)
        if kept is None:
            kept = stored.get(place)
            if kept is not None:
                self._remember(key, place, kept)
        return kept

    def _remember(self, key: bytes, place: bytes, kept: bytes) -> None:
        """At the cost of the trees that were read first."""
        self._trees.setdefault(key, {})[place] = kept
        self._bytes += len(kept)
        while self._bytes > self._bytes_max:
            _, places = self._trees.popitem(last=False)
            self._bytes -= sum(map(len, places.values()))
