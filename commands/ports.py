"""
All that a handler needs from outside, as Protocols.

Adapters satisfy these; ``api/wiring`` is the one place where the two meet.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from domain.event import Event, Recorded
from domain.ids import MemberId, StreamId
from domain.promise import Promise, PromiseKind
from domain.rules import RuleSet
from domain.screening import Hit
from domain.sealed import KeyClass, Sealed


class NewEvent(msgspec.Struct, frozen=True):
    """An event on its way to the log, at the version its command decided for it."""

    stream: StreamId
    version: int
    owner: MemberId
    event: Event


class IdempotencyKey(msgspec.Struct, frozen=True):
    """
    A caller's name for a command, so that a retry is done once.

    :param digest: over method, path and body; the same key with another digest is a mistake.
    :param expires_at: when the key may be forgotten; None is never.
    """

    actor: UUID
    key: str
    digest: bytes
    expires_at: datetime | None


class Append(msgspec.Struct, frozen=True, eq=False):
    """
    One command's append: all of it or nothing, to streams of one cell.

    ``events`` may be empty when only the answer of a keyed command is to be kept. Of each stream
    written, versions run on from the version the command saw. ``guards`` are streams read but not
    written, of any cell, with the versions seen (0: no such stream). ``rules_epoch`` is the cell's
    epoch under which texts were screened. ``answer`` is what a replay of ``key`` gets, with ``{}``
    positions filled in by the log (see :class:`Appended`).
    """

    cell: int
    command: UUID
    actor: UUID
    correlation: UUID
    causation: UUID | None
    events: tuple[NewEvent, ...]
    guards: Mapping[StreamId, int] = {}
    rules_epoch: int | None = None
    key: IdempotencyKey | None = None
    answer: bytes = b""


class Appended(msgspec.Struct, frozen=True):
    """
    A durable append.

    ``positions`` are those of its events, in order, in ``cell``. When ``replayed`` is set, the key
    was known: nothing was written; ``answer``, ``digest``, ``cell`` and ``positions`` are the
    stored ones.
    """

    cell: int
    positions: tuple[int, ...]
    recorded_at: datetime | None
    replayed: bool = False
    answer: bytes = b""
    digest: bytes = b""


class Conflict(Exception):
    """A stream moved on: the command must be decided again from reloaded state."""


class Superseded(Conflict):
    """A queued command whose effects this one read was not written; decide again."""


class StaleRules(Conflict):
    """Texts were screened under an older rules epoch than the cell has now; screen again."""


class LogUnavailable(Exception):
    """The database cannot be reached; nothing of this append was written, nor will it be."""


class OutcomeUnknown(LogUnavailable):
    """
    The one exception to that: the connection was lost during the commit and the database has not
    come back since, so nobody can say yet. A retry with the same idempotency key will find out.
    """


class LogFault(Exception):
    """This append, and no other, cannot be written: a defect, not a conflict. Nothing was."""


class LogOverloaded(Exception):
    """The queue is full; nothing was taken."""


class Ticket(Protocol):
    """A queued append."""

    @property
    def append(self) -> Append: ...

    @property
    def outcome(self) -> "asyncio.Future[Appended]":
        """
        Resolved on the submitter's loop after the commit, a whole batch in one wake-up. Raises
        Conflict, LogUnavailable or LogFault. Whoever shares it awaits it through ``shield``.
        """


class EventLog(Protocol):
    """The log of every cell."""

    @property
    def cells(self) -> int: ...

    def submit(self, append: Append, after: Sequence[Ticket] = ()) -> Ticket:
        """
        Queue an append at once, without waiting.

        :param after: queued appends whose effects this command read. If one of them is not
            written, neither is this: its outcome raises Superseded.
        :raises LogOverloaded: the queue is full.
        """

    async def read_stream(
        self, stream: StreamId, after: int = 0, until: int | None = None
    ) -> Sequence[Recorded]:
        """A stream's events with ``after < version <= until``, oldest first."""

    async def position_of(self, stream: StreamId, version: int) -> int:
        """Where a stream's event stands in its cell."""

    async def rules_epoch(self, cell: int) -> int:
        """The epoch of the rules in force in a cell."""

    async def heads(self) -> Mapping[int, int]:
        """The last position of every cell; 0 for an empty one."""


class KeyGone(Exception):
    """Nothing more is sealed for a subject: the key of that class was destroyed, for ever."""


class KeyVault(Protocol):
    """Keys per subject and class, and of single items, in a database of their own."""

    async def seal(
        self, subject: UUID, key_class: KeyClass, plain: str, item: UUID | None = None
    ) -> Sealed[str]:
        """
        Encrypt under the subject's key of that class, which is made durable first if it is new.
        Suspends only when the key is not in memory.

        :param item: the stream of the post, photo, … that it belongs to: then the key is the item's
            own, which goes with the subject's and can be destroyed alone.
        :raises KeyGone: the key was destroyed.
        """

    async def destroy_items(self, subject: UUID, key_class: KeyClass, items: Iterable[UUID]) -> int:
        """
        Forget the keys of some of a subject's items for ever, durably and all at once; how many
        were not forgotten before. Whatever else the subject's key protects stays readable.
        """

    def destroy(self, subject: UUID, key_class: KeyClass) -> bool:
        """
        Forget a key for ever, durably; False when that was done before. Waits for the disk. A
        subject who has no key of that class never gets one.
        """

    def open(self, sealed: Sealed[str]) -> str | None:
        """The plain text; None when its key was destroyed."""

    def destructions(self) -> int:
        """
        Another number once a key was destroyed, as soon as :meth:`open` knows it: what was opened
        before must not be shown any longer.
        """

    def blind(self, namespace: str, value: str) -> bytes:
        """
        A keyed digest (HMAC-SHA256, 32 bytes): the same value always gives the same bytes, and
        nobody without the vault can go from a guessed value to them.
        """


class BadRule(Exception):
    """
    A rule that cannot be put to use, and so a whole set that is not.

    :param rule: its id.
    :param reason: what is wrong with it, for whoever wrote it.
    :param field: JSON pointer of the field at fault, within the set.
    """

    def __init__(self, rule: str, reason: str, field: str) -> None:
        super().__init__(f"{rule}: {reason}")
        self.rule = rule
        self.reason = reason
        self.field = field


class Matcher(Protocol):
    """One rule set, made ready to be matched. May be used by several threads at once."""

    @property
    def instructions(self) -> int:
        """Of its expressions: as many may be carried out for each byte of a text."""

    def hits(self, texts: Sequence["Normalised"], level: int) -> list[Hit]:
        """What is found at a level of sensitivity, allowed words excepted; in no order."""


class Normalised(Protocol):
    """A text as rules see it, and as it was written."""

    @property
    def field(self) -> str: ...

    @property
    def original(self) -> str: ...


class WordMatcher(Protocol):
    """Finds what rule sets look for in what members write."""

    @property
    def normaliser(self) -> str:
        """The version of the normalisation, tables of its libraries included."""

    def compile(self, name: str, rules: RuleSet) -> Matcher:
        """
        Make a set ready. Takes seconds of a processor for 50,000 phrases, and is to be called in a
        thread: it lets other threads in often.

        :raises BadRule: a rule of it cannot be used.
        """

    def normalise(self, field: str, text: str) -> Normalised:
        """A text, once for all sets."""


class WorkingDays(Protocol):
    """The calendar on which promises are counted."""

    def promise(self, kind: PromiseKind, start: datetime) -> Promise:
        """By when something promised at ``start`` (UTC) is due: the same for ever, by version."""


class Clock(Protocol):
    """Time, from outside."""

    def now(self) -> datetime:
        """UTC, timezone-aware."""


class Entropy(Protocol):
    """Randomness, from outside."""

    def bits(self, count: int) -> int:
        """``count`` random bits as a non-negative integer."""
