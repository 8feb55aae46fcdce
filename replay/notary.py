"""
The notary: makes every event a leaf of one tree, and signs how the tree stands.

It follows the log as any other subscriber does, cell by cell, and the order in which it reads is
the order of the leaves: kept, since no other order is true. Its runs, tiles and checkpoints are
written in one transaction that holds only while the tree has the size it was read with. So it goes
on exactly where it stopped, and of one size nobody ever gets two signatures: a note leaves this
process only by way of the database, where sizes are unique.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Engine

from adapters.notary import store
from adapters.notary.key import KeyFile, NotaryFault, NotaryKey, SignedLast
from adapters.notary.rows import leaves_of, members_of, read_raw
from commands.ports import Clock
from domain.evidence.notes import Checkpoint, Note, sign
from domain.evidence.records import NO_TAG
from domain.evidence.tiles import Tree, root_at
from projections.engine.lease import LEASE_SECONDS
from projections.engine.leased_loop import LeasedLoop

#: Leaves of one transaction, and events read at once: they bound what is held in memory.
LEAVES_PER_BATCH: Final = 5_000
_EVENTS_AT_ONCE: Final = 500
#: Between two signatures, while the tree grows.
SIGN_SECONDS: Final = 1.0

#: What stands for a member in records; None for whoever has no identity, or none any longer.
TagOf = Callable[[UUID], bytes | None]


class Notary(LeasedLoop):
    """
    Grows the tree in the current event loop, while it holds the lease.

    :param tag_of: the key vault's.
    :param signed_last: what was signed last, apart from the database.
    """

    def __init__(
        self,
        database: Engine,
        clock: Clock,
        holder: UUID,
        keys: KeyFile,
        tag_of: TagOf,
        signed_last: SignedLast,
        *,
        poll_seconds: float = 1.0,
        lease_seconds: float = LEASE_SECONDS,
        retry_seconds: float = 0.25,
        sign_seconds: float = SIGN_SECONDS,
        leaves_per_batch: int = LEAVES_PER_BATCH,
    ) -> None:
        super().__init__(
            "notary", database, clock, holder, poll_seconds, lease_seconds, retry_seconds
        )
        self._clock = clock
        self._keys = keys
        self._tag_of = tag_of
        self._signed_last = signed_last
        self._sign_seconds = sign_seconds
        self._leaves_per_batch = leaves_per_batch
        self._tree: Tree | None = None
        self._positions: dict[int, int] = {}
        self._signed = 0
        self._signed_at = float("-inf")

    def forget(self) -> None:
        """What is remembered of the tree may not be so: it is read again."""
        self._tree = None

    async def turn(self) -> float:
        """Take in what is new, a batch of it; in how many seconds there is more to do."""
        return await asyncio.to_thread(self.work)

    def work(self) -> float:
        """
        One transaction; in how many seconds there is more to do.

        :raises NotaryFault: the store is not what was signed before.
        :raises TreeMoved: another notary was faster.
        """
        signed: Checkpoint | None = None
        now = self._clock.now()
        with self._database.begin() as connection:
            store.go_by_keys(connection)
            tree = self._tree or self._resume(connection)
            self._tree = None  # until it is committed
            heads = _heads(connection)
            taken, positions = self._add(connection, tree, heads)
            unsigned = tree.size - self._signed
            wait = self._signed_at + self._sign_seconds - now.timestamp()
            if unsigned and wait <= 0:
                keys = self._signing(connection, tree.size)
                signed = Checkpoint(keys[0].name, tree.size, tree.root)
                lines = tuple(sign(signed.text, key.verifier, key.sign) for key in keys)
                store.put_checkpoint(connection, tree.size, Note(signed.text, lines).encode(), now)
        self._tree, self._positions = tree, positions
        if signed is not None:
            self._signed, self._signed_at = signed.size, now.timestamp()
            self._signed_last.write(signed)
        if taken == self._leaves_per_batch:
            return 0.0
        return self._poll_seconds if signed or not unsigned else max(0.0, wait)

    def _signing(self, connection: Connection, size: int) -> list[NotaryKey]:
        """
        The keys that sign a tree of that size, the newest first: those that the log names, and the
        file has.
        """
        keys = self._keys.keys
        named = store.signing(connection, [key.verifier for key in keys])
        store.signs(connection, named, size)
        vkeys = {one.vkey for one in named}
        return [key for key in keys if key.verifier.vkey in vkeys]

    def _resume(self, connection: Connection) -> Tree:
        keys = self._keys.keys
        standing = store.claim(connection, [key.verifier for key in keys])

        def tile(level: int, number: int) -> bytes:
            return store.read_tile(connection, level, number)

        before = self._signed_last.read()
        if before is not None and before.size > standing.size:
            raise NotaryFault(
                f"the store's tree has {standing.size:,} leaves, and {before.size:,} were signed:"
                " it was set back"
            )
        if before is not None and (
            before.origin != keys[0].name or root_at(before.size, tile) != before.root
        ):
            raise NotaryFault("the store's tree is not the one that was signed")
        last = store.last_checkpoint(connection)
        self._signed = 0 if last is None else last[0]
        self._positions = dict(standing.positions)
        return Tree.resumed(standing.size, tile)

    def _add(
        self, connection: Connection, tree: Tree, heads: Mapping[int, int]
    ) -> tuple[int, dict[int, int]]:
        """Make events leaves; how many, and where each cell then stands."""
        old, room = tree.size, self._leaves_per_batch
        positions = dict(self._positions)
        tags = _Tags(self._tag_of)
        runs: list[store.Run] = []
        leaves: list[bytes] = []
        for cell, head in heads.items():
            after = positions.get(cell, 0)
            while after < head and room:
                run, hashes = _read(connection, cell, after, min(head, after + room), tags)
                if not hashes:
                    raise NotaryFault(f"the log has no event at {cell}-{after + 1}")
                runs.append(run._replace(leaf=old + len(leaves)))
                leaves += hashes
                after += len(hashes)
                room -= len(hashes)
            positions[cell] = after
        if leaves:
            grown = tree.extend(leaves)
            store.grow(connection, old, tree.size, runs, grown)
        return len(leaves), positions


class _Tags:
    """Tags, each looked up once a batch."""

    def __init__(self, tag_of: TagOf) -> None:
        self._tag_of = tag_of
        self._known: dict[bytes, bytes] = {}

    def of(self, id_: bytes) -> bytes:
        """By an id's bytes."""
        found = self._known.get(id_)
        if found is None:
            found = self._known[id_] = self._tag_of(UUID(bytes=id_)) or NO_TAG
        return found


def _read(
    connection: Connection, cell: int, after: int, until: int, tags: _Tags
) -> tuple[store.Run, list[bytes]]:
    rows = read_raw(connection, cell, after, until, _EVENTS_AT_ONCE)
    kept = b"".join(tags.of(member) for row in rows for member in members_of(row))
    leaves = leaves_of(rows, cell, after + 1, kept)
    if len(leaves) < len(rows):
        raise NotaryFault(f"the log has no event at {cell}-{after + len(leaves) + 1}")
    return store.Run(cell, after + 1, 0, len(leaves), kept), leaves


def _heads(connection: Connection) -> dict[int, int]:
    rows = connection.exec_driver_sql("SELECT cell, position FROM log.log_heads ORDER BY cell")
    return {int(cell): int(position) for cell, position in rows}
