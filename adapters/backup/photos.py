"""
Photos in a backup: files that are written once, never changed, and named by the SHA-256 of what is
in them. So a copy is of what is new, and every copy is checked by its own name.

    photos/AB/CD/ABCD…    the sealed bytes of one size of a photo
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Engine, text

from adapters.backup.faults import BackupFault
from adapters.backup.files import sync
from adapters.backup.work import OnWork, Work
from domain.picture import Rendition

#: Where they are in a backup.
PHOTOS: Final = "photos"

_PIECE_BYTES: Final = 1 << 20
_NAME: Final = re.compile(r"[0-9a-f]{64}")
_STEP: Final = "photos"


# What was taken down keeps its bytes, whatever becomes of its album; else they go with that.
_RENDITIONS: Final = text(
    "SELECT p.renditions FROM models.photos p"
    " WHERE EXISTS (SELECT FROM models.albums a WHERE a.cell = p.cell AND a.album = p.album)"
    " OR NOT EXISTS (SELECT FROM models.gates g"
    " WHERE g.cell = p.cell AND g.content = p.photo AND g.live)"
)
_decode = msgspec.json.Decoder(tuple[Rendition, ...]).decode


class PutBack(NamedTuple):
    """How many files a restored store has of those that it speaks of, and how many it has not."""

    there: int
    missing: int


def save(store: Path, backup: Path, on_work: OnWork) -> int:
    """
    Copy what a backup has not yet; how many files those were.

    :param store: the folder of the store's objects.
    :raises BackupFault: a file is not what its name says, or the disk does not take it.
    """
    have = set(_names(backup))
    new = [name for name in _names(store) if name not in have]
    saved = 0
    for number, name in enumerate(new, 1):
        # One that is gone by now was deleted meanwhile.
        saved += _copy(store / _place(name), backup / _place(name))
        on_work(Work(_STEP, number, len(new)))
    return saved


def verify(backup: Path, on_work: OnWork) -> int:
    """
    Hold every photo in a backup against its name; how many there are.

    :raises BackupFault: one is damaged.
    """
    names = list(_names(backup))
    for number, name in enumerate(names, 1):
        if not _holds(backup / _place(name), name):
            raise BackupFault(f"{backup / _place(name)} is damaged: it is not what its name says")
        on_work(Work(_STEP, number, len(names)))
    return len(names)


def put_back(backup: Path, store: Path, wanted: Iterable[str], on_work: OnWork) -> PutBack:
    """
    Bring the files that a restored store speaks of to where it looks for them.

    :param wanted: their names.
    :raises BackupFault: one in the backup is damaged, or the disk does not take it.
    """
    names, missing = sorted(set(wanted)), 0
    for number, name in enumerate(names, 1):
        target = store / _place(name)
        if not _holds(target, name):
            missing += not _copy(backup / _place(name), target)
        on_work(Work(_STEP, number, len(names)))
    return PutBack(len(names) - missing, missing)


def spoken_of(engine: Engine) -> Iterator[str]:
    """The names of all files of photos that a store speaks of."""
    with engine.connect() as connection:
        for (renditions,) in connection.execution_options(yield_per=1_000).execute(_RENDITIONS):
            for one in _decode(bytes(renditions)):
                yield one.digest.hex()


def _names(folder: Path) -> Iterator[str]:
    for path in folder.glob("??/??/*"):
        if _NAME.fullmatch(path.name) and path == folder / _place(path.name):
            yield path.name


def _place(name: str) -> Path:
    return Path(name[:2], name[2:4], name)


def _holds(path: Path, name: str) -> bool:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise BackupFault(f"cannot read {path}: {error.strerror}") from error
    return digest.hexdigest() == name


def _copy(source: Path, target: Path) -> bool:
    """Copy a file whole and durably; False when there is none."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    digest = hashlib.sha256()
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with source.open("rb") as file, open(unfinished, "wb", opener=_private) as copy:
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
                copy.write(piece)
            copy.flush()
            os.fsync(copy.fileno())
        if digest.hexdigest() != target.name:
            raise BackupFault(f"{source} is damaged: it is not what its name says")
        unfinished.replace(target)
        for directory in (target.parent, target.parent.parent, target.parent.parent.parent):
            sync(directory)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise BackupFault(f"cannot copy {source} to {target}: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
