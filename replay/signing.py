"""
What an operator does to the notary beside it: another key signs, old ones no more, and it goes on
from a tree that it did not sign last.

The file and the store both say which keys sign, and only those sign that both say. A key is in the
file before the store names it, and the store retires one before it leaves the file: so whatever is
interrupted, a notary that runs meanwhile goes on with what it had.
"""

from sqlalchemy import Connection, Engine

from adapters.notary import store
from adapters.notary.key import KeyFile, NotaryFault, NotaryKey, SignedLast
from domain.evidence.notes import Checkpoint
from domain.evidence.tiles import root_at
from domain.evidence.tree import EMPTY_ROOT


def prepare_key(database: Engine, file: KeyFile) -> str:
    """
    Put a key into the file that signs nothing yet, unless there is one; its verifier key.

    :raises NotaryFault: there is no tree, or the file has not the key that signs it.
    """
    with database.connect() as connection:
        named = {key.vkey for key in _standing(connection, file).keys}
    newest = file.keys[0]
    if newest.verifier.vkey in named:
        newest = NotaryKey.new(newest.name)
        file.write((newest, *file.keys))
    return newest.verifier.vkey


def add_key(database: Engine, vkey: str) -> None:
    """Have a key that is in the file sign beside those that do."""
    with database.begin() as connection:
        store.add_key(connection, vkey)


def old_keys(database: Engine, file: KeyFile) -> tuple[str, ...]:
    """
    The verifier keys of those that sign beside the newest, or lie in the file without.

    :raises NotaryFault: there is no tree, or the file has not the key that signs it.
    """
    with database.connect() as connection:
        standing = _standing(connection, file)
    others = {key.verifier.vkey for key in file.keys}
    others |= {key.vkey for key in standing.keys if key.until is None}
    return tuple(sorted(others - {standing.vkey}))


def retire_old_keys(database: Engine, file: KeyFile) -> None:
    """Have the newest key that the store names sign alone, and forget the others."""
    with database.begin() as connection:
        store.retire_keys(connection)
        newest = store.log_keys(connection)[0].vkey
    file.write([key for key in file.keys if key.verifier.vkey == newest])


def forked(
    database: Engine, file: KeyFile, signed_last: SignedLast
) -> tuple[int, Checkpoint] | None:
    """
    How many leaves the tree had that was signed last, and the tree that stands there instead; None
    where that grew from it.

    :raises NotaryFault: the file has not the key that signs the tree.
    """
    before = signed_last.read()
    if before is None:
        return None
    with database.connect() as connection:
        found = store.standing(connection)
        size = 0 if found is None else _standing(connection, file).size

        def tile(level: int, number: int) -> bytes:
            return store.read_tile(connection, level, number)

        root = root_at(size, tile) if size else EMPTY_ROOT
        name = file.keys[0].name
        if (
            before.origin == name
            and before.size <= size
            and root_at(before.size, tile) == before.root
        ):
            return None
    return before.size, Checkpoint(name, size, root)


def trouble(database: Engine, file: KeyFile, signed_last: SignedLast) -> str | None:
    """What keeps the notary from signing, in a line; None where nothing does."""
    try:
        found = forked(database, file, signed_last)
    except NotaryFault as fault:
        return str(fault)
    if found is None:
        return None
    signed, tree = found
    return (
        f"{signed:,} leaves were signed, and the tree of {tree.size:,} is not what they grew from"
    )


def _standing(connection: Connection, file: KeyFile) -> store.Standing:
    found = store.standing(connection)
    if found is None:
        raise NotaryFault("the store has no tree yet: the notary makes it when a server runs")
    store.signing(connection, [key.verifier for key in file.keys])
    return found
