"""
``homezone audit rotate-key``, ``retire-key`` and ``set-back``: an operator's deeds on the notary.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.cli.deeds import operator, recorded
from api.cli.failures import Failed
from api.wiring.auditing import NotaryFault, NotaryFiles, notary_files
from api.wiring.store import Store, open_store
from commands.custody import (
    AddNotaryKey,
    RetireNotaryKeys,
    SetTreeBack,
    add_notary_key,
    retire_notary_keys,
    set_tree_back,
)
from replay import signing

Deed = tuple[int | None, str | None]


def run_rotate(data_dir: Path, url: str | None, key: Path | None, deed: Deed, alone: bool) -> None:
    """Have a new key sign, and say what checks it."""
    who = operator(*deed)
    with _opened(data_dir, url, key) as (store, files):
        database, keys = store.database.server, data_dir / "keys"
        vkey = signing.prepare_key(database, files.key)
        recorded(store, keys, who, add_notary_key, AddNotaryKey(who.purpose, vkey))
        signing.add_key(database, vkey)
        if alone:
            _retire(store, keys, files, deed)
    beside = "alone" if alone else "beside the old one, until homezone audit retire-key"
    print(f"{vkey}\nsigns from now on, {beside}; keep a copy of {files.key.path}")


def run_retire(data_dir: Path, url: str | None, key: Path | None, deed: Deed) -> None:
    """Have the newest key sign alone."""
    operator(*deed)
    with _opened(data_dir, url, key) as (store, files):
        count = _retire(store, data_dir / "keys", files, deed)
    print(f"keys that sign no more: {count}; keep a copy of {files.key.path}")


def _retire(store: Store, keys: Path, files: NotaryFiles, deed: Deed) -> int:
    who = operator(*deed)
    database = store.database.server
    old = signing.old_keys(database, files.key)
    if old:
        recorded(store, keys, who, retire_notary_keys, RetireNotaryKeys(who.purpose, old))
        signing.retire_old_keys(database, files.key)
    return len(old)


def run_set_back(data_dir: Path, url: str | None, key: Path | None, deed: Deed) -> None:
    """Have the notary go on from the tree that stands in the store, whatever it signed last."""
    who = operator(*deed)
    with _opened(data_dir, url, key) as (store, files):
        found = signing.forked(store.database.server, files.key, files.head)
        if found is None:
            print("the store's tree is the one that was signed, or grew from it: nothing to do")
            return
        signed, tree = found
        setting = SetTreeBack(who.purpose, signed, tree.size)
        recorded(store, data_dir / "keys", who, set_tree_back, setting)
        files.head.write(tree)
    print(
        f"{signed:,} leaves were signed; the notary goes on from {tree.size:,}."
        f" Whoever saw more of {tree.origin} will see that it forked"
    )


@contextmanager
def _opened(
    data_dir: Path, url: str | None, key: Path | None
) -> Iterator[tuple[Store, NotaryFiles]]:
    try:
        with open_store(data_dir, url) as store:
            yield store, notary_files(data_dir, key)
    except NotaryFault as fault:
        raise Failed(str(fault)) from fault
