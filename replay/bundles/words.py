"""
What is said to and by the process that makes a bundle: one message a line, in JSON.
"""

import sys
from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.evidence.questions import Kind

#: The process; the job comes on its standard input, its words on its standard output.
#: -P: a folder that happens to be called replay, where the operator stands, is not ours.
COMMAND: Final = (sys.executable, "-P", "-m", "replay.bundles.process")

Reason: TypeAlias = Literal["not-signed", "no-such-range", "altered", "failed"]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """
    A bundle to be made.

    :param keys: the directory of the vault.
    :param out: the file.
    :param since: the moment after which, and ``until`` the one up to which: positions, those of
        cells not named being 0, or a time; None is the beginning, and what is signed by now.
    :param witnesses: verifier keys.
    :param niceness: how far behind other work of the machine it stands.
    """

    database_url: str
    keys: str
    out: str
    since: dict[int, int] | datetime | None
    until: dict[int, int] | datetime | None
    kind: Kind
    owner: UUID | None
    stream: UUID | None
    witnesses: tuple[str, ...]
    niceness: int


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """How far it is, in events."""

    events_done: int
    events_total: int


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The file is there: so many bytes, events and records, in the tree of so many leaves."""

    bytes: int
    events: int
    records: int
    checkpoint: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """There is no file; ``what`` is for whoever runs the server."""

    reason: Reason
    what: str


Word: TypeAlias = Progress | Done | Failed

_encode: Final = msgspec.json.Encoder().encode
decode_job: Final = msgspec.json.Decoder(Job).decode
_decode_word: Final = msgspec.json.Decoder(Word).decode


def encode(word: Job | Word) -> bytes:
    """A line."""
    return _encode(word) + b"\n"


def decode_word(line: bytes) -> Word:
    """What a line says."""
    word: Word = _decode_word(line)
    return word
