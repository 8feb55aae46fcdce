"""
What a data directory has of the notary, apart from the database: its keys, and what it signed last.
"""

from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine

from adapters.notary.key import KeyFile, NotaryFault, SignedLast
from replay import signing
from replay.altered import Altered
from replay.verify import Saved

__all__ = ["NotaryFault", "NotaryFiles", "kept_here", "notary_files", "notary_trouble"]


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


class NotaryFiles(NamedTuple):
    """A notary's files: its keys, and what it signed last."""

    key: KeyFile
    head: SignedLast


def notary_files(data_dir: Path, key: Path | None) -> NotaryFiles:
    """
    Those of a data directory; none is made.

    :param key: where the keys are, if not there.
    :raises NotaryFault: there are no keys.
    """
    path = key or data_dir / "keys" / "notary.key"
    if not path.is_file():
        raise NotaryFault(f"{path} is missing: it is the notary's key")
    return NotaryFiles(KeyFile(path), SignedLast(path.with_suffix(".head")))


def notary_trouble(data_dir: Path, database: Engine) -> str | None:
    """What keeps a notary from signing; None for nothing, and where it has no key here."""
    try:
        files = notary_files(data_dir, None)
    except NotaryFault:
        return None
    return signing.trouble(database, files.key, files.head)
