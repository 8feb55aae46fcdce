"""
``homezone keys rotate``.
"""

import sys
from contextlib import ExitStack
from pathlib import Path

from api.cli.deeds import operator, recorded
from api.cli.failures import Failed
from api.cli.options import key_service
from api.wiring.keys import VaultFault, check_free, rotate, wrapper_of
from api.wiring.store import has_store, open_store
from commands.custody import (
    BeginMasterRotation,
    EndMasterRotation,
    begin_master_rotation,
    end_master_rotation,
)

#: What ``--to`` says for no key service.
_FILE = "file"


def run(
    data_dir: Path, database_url: str | None, to: str | None, user: int | None, purpose: str | None
) -> None:
    """Replace the master key, and say how many keys it wraps and where it is."""
    keys = data_dir / "keys"
    try:
        check_free(keys)
        before = wrapper_of(keys)
        after = before if to is None else None if to == _FILE else key_service(to)
        with ExitStack() as held:
            if not has_store(data_dir, database_url):
                count = rotate(keys, _tell, to=after)
            else:
                who = operator(user, purpose)
                store = held.enter_context(open_store(data_dir, database_url))
                begun = BeginMasterRotation(who.purpose, before, after)
                recorded(store, keys, who, begin_master_rotation, begun)
                count = rotate(keys, _tell, to=after)
                recorded(store, keys, who, end_master_rotation, EndMasterRotation(count, after))
    except VaultFault as fault:
        raise Failed(str(fault)) from fault
    if sys.stderr.isatty():
        print(file=sys.stderr)
    said = "keep a copy of the new" if after is None else f"{after} wraps the new"
    print(f"keys wrapped anew: {count:,}; {said} {keys / 'master.key'}")


def _tell(count: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{count:,} keys", end="", file=sys.stderr, flush=True)
