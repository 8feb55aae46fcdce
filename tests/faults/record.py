"""
What clients saw, as data: each write and each read with its times, one JSON object a line.

Kept apart from who makes it and who judges it, so that a history can be saved when a run fails,
read again, and judged by hand. Times are of the one monotonic clock of the process that ran the
clients.
"""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal["publish", "edit", "audience", "like", "unlike", "comment"]
Outcome: TypeAlias = Literal["done", "refused", "unknown"]
At: TypeAlias = tuple[int, int]


def place(position: str) -> At:
    """Cell and number of ``2-22``."""
    cell, _, number = position.partition("-")
    return int(cell), int(number)


class Write(msgspec.Struct, tag="write", tag_field="record", kw_only=True, omit_defaults=True):
    """
    One thing a client wanted, however often it had to ask for it.

    :param id: of what was written: the post (of a like, too) or the comment; empty when never told.
    :param post: the post that it is about; empty for a publish whose answer never came.
    :param at: the position it was answered with, which for a no-op is an earlier command's.
    :param condition: the version named by ``If-Match``.
    :param began: when it was first sent; ``ended``: when its answer was there, if one ever was.
    """

    client: str
    qq: int
    kind: Kind
    id: str = ""
    post: str = ""
    text: str | None = None
    audience: str | None = None
    condition: int | None = None
    key: str = ""
    began: float
    ended: float | None = None
    outcome: Outcome = "unknown"
    at: str | None = None
    problem: str | None = None
    sent: int = 1


class Read(msgspec.Struct, tag="read", tag_field="record", kw_only=True, omit_defaults=True):
    """
    One reading of a post that was answered with 200 or 404.

    :param at_least: what ``Homezone-At-Least`` asked for.
    """

    client: str
    qq: int
    author: int
    friend: bool
    post: str
    began: float
    ended: float
    at_least: dict[int, int] = {}
    found: bool
    version: int = 0
    text: str | None = None
    audience: str | None = None
    likes: int = 0
    comments: int = 0
    liked: bool = False


Record: TypeAlias = Write | Read


class Logged(msgspec.Struct, frozen=True, tag="logged", tag_field="record"):
    """An event as the log holds it."""

    cell: int
    position: int
    stream: str
    version: int
    type: str

    @property
    def at(self) -> At:
        """Its place."""
        return self.cell, self.position


class History:
    """What many clients saw; each adds to it from its own thread."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._mutex = threading.Lock()

    def add(self, record: Record) -> None:
        """Remember; a write is added when it begins and completed when it ends."""
        with self._mutex:
            self.records.append(record)

    def writes(self) -> list[Write]:
        """The writes so far."""
        with self._mutex:
            return [each for each in self.records if isinstance(each, Write)]

    def save(self, path: Path, log: Iterable[Logged] = ()) -> None:
        """All of it, and the log it was held against."""
        with self._mutex, path.open("wb") as file:
            for each in (*self.records, *log):
                file.write(msgspec.json.encode(each) + b"\n")


def load(path: Path) -> tuple[list[Record], list[Logged]]:
    """A saved history and its log."""
    decoder = msgspec.json.Decoder(Write | Read | Logged)
    lines = [decoder.decode(line) for line in path.read_bytes().splitlines()]
    records: list[Record] = [each for each in lines if not isinstance(each, Logged)]
    return records, [each for each in lines if isinstance(each, Logged)]
