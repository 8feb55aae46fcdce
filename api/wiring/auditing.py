"""
What a data directory itself remembers of the tree, apart from the database.
"""

from pathlib import Path

from adapters.notary.key import NotaryFault, SignedLast
from replay.altered import Altered
from replay.verify import Saved


def kept_here(data_dir: Path) -> Saved | None:
    """
    What the notary of this data directory signed last; None where it has signed nothing.

    :raises Altered: the file is damaged.
    """
    try:
        last = SignedLast(data_dir / "keys" / "notary.head").read()
    except NotaryFault as fault:
        raise Altered("", str(fault)) from None
    return None if last is None else Saved(last)
