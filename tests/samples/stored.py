"""
Events as the log stores them, one file a shape, under the tag they were stored with.

What was ever released stays here for ever, byte for byte: the log keeps such bytes, and every later
version must read them. ``TAG.json`` is a type's fullest shape; ``TAG-variant.json`` are others that
its optional fields allow.
"""

from pathlib import Path

from domain.catalogue import EVENTS
from domain.event import Event

FOLDER = Path(__file__).parent / "events"


def tag_of(path: Path) -> str:
    """The tag under which a sample is stored."""
    return path.stem.partition("-")[0]


PATHS = sorted(FOLDER.glob("*.json"))

#: The stored bytes, by file name.
STORED: dict[str, bytes] = {path.stem: path.read_bytes().rstrip(b"\n") for path in PATHS}


def sample(name: str) -> Event:
    """One of them, decoded."""
    return EVENTS.decode(name.partition("-")[0], STORED[name])
