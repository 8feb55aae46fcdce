"""
One command at work: what it read, what it wants to write, and under which name.

A handler loads states, decides, and appends; nothing reaches the log before it returns. What it
read and did not write becomes the append's guards, so that a decision stands only on what is still
true at the commit.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import msgspec

from commands.ports import Append, Clock, Entropy, IdempotencyKey, KeyVault, NewEvent, Ticket
from commands.screening import Screens
from commands.streams import Streams, StreamState
from domain.event import Aggregate, Event, Refused
from domain.ids import MemberId, StreamId, cell_of, mint
from domain.promise import Promise, PromiseKind
from domain.rulebook import SCREEN, screen_stream
from domain.screening import Found, outcome_of

S = TypeVar("S")

#: For how long what is deleted is kept, where nothing else is set.
RETENTION: Final = timedelta(days=30)


class Context(msgspec.Struct, frozen=True):
    """
    In whose name a command runs.

    :param actor: who does it: a member, a member of staff, a policy or a timer.
    :param person: the member that a member of staff is, too, if they are one.
    :param cell: where its answer is kept when it writes nothing.
    :param effective_at: the moment it decides for: now, or when a deadline was due.
    """

    actor: UUID
    cell: int
    command: UUID
    correlation: UUID
    effective_at: datetime
    causation: UUID | None = None
    key: IdempotencyKey | None = None
    person: MemberId | None = None

    @property
    def member(self) -> MemberId:
        """The actor, for commands that only members issue."""
        return MemberId(self.actor)


class Outcome(msgspec.Struct, frozen=True):
    """
    What a handler answers.

    :param id: of the thing it is about.
    :param because: the stream and version that made it so, be it this command's or, when it found
        nothing to do, an earlier one's; version 0 means it was so from the beginning.
    :param refused: what the caller hears instead, where the attempt itself is kept.
    """

    id: UUID
    because: tuple[StreamId, int]
    state: str | None = None
    status: int = 200
    refused: Refused | None = None


class Work:
    """
    The unit of work of one attempt at one command.

    :param retention: for how long what is deleted is kept for those who audit.
    """

    def __init__(
        self,
        streams: Streams,
        context: Context,
        vault: KeyVault,
        clock: Clock,
        entropy: Entropy,
        cells: int,
        screens: Screens | None = None,
        retention: timedelta = RETENTION,
    ) -> None:
        self.cells = cells
        self.retention = retention
        self._screens = screens
        self._screen: tuple[StreamId, StreamState] | None = None
        self.context = context
        self.vault = vault
        self.cell = context.cell
        self._streams = streams
        self._clock = clock
        self._entropy = entropy
        self._read: dict[StreamId, StreamState] = {}
        self._written: dict[StreamId, tuple[Aggregate[Any], MemberId, list[Event]]] = {}
        self._folded: dict[StreamId, StreamState] = {}

    def mint(self, cell: int) -> UUID:
        """A new id in a cell."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        return mint(milliseconds, cell, self._entropy.bits(62))

    def pick_cell(self) -> int:
        """A cell for a new member."""
        return self._entropy.bits(32) % self.cells

    @staticmethod
    def cell_of(id: UUID) -> int:
        """The cell that an id carries."""
        return cell_of(id)

    async def load(self, aggregate: Aggregate[S], stream: StreamId) -> S:
        """A stream's state; from now on the command stands or falls with it."""
        found = self._read.get(stream)
        if found is None:
            found = await self._streams.load(aggregate, stream)
            self._read[stream] = found
        return cast(S, found.as_kind(aggregate).state)

    async def screen(
        self, cell: int, texts: Mapping[str, str | None], picture: Sequence[bytes] = ()
    ) -> Found | None:
        """
        What the rules of a cell find in the texts of one thing, by field, and in its picture, by
        the PDQ hashes of all its orientations; None when that is nothing. The command stands or
        falls with the epoch of those rules.
        """
        if self._screens is None:
            return None
        stream = screen_stream(cell)
        loaded = await self._streams.load(SCREEN, stream)
        self._screen = (stream, loaded)
        said = {field: text for field, text in texts.items() if text}
        screening = await self._screens.screen(loaded.state, said, picture)
        if screening is None:
            return None
        preview = outcome_of(screening.hits) == "private_view"
        return Found(screening, self.promise("preview" if preview else "review"))

    def promise(self, kind: PromiseKind) -> Promise:
        """By when something promised now is due."""
        assert self._screens is not None
        return self._screens.promise(kind, self.context.effective_at)

    def fresh(self, aggregate: Aggregate[S], stream: StreamId) -> S:
        """The initial state of a stream whose id was minted just now."""
        self._read[stream] = StreamState(aggregate, aggregate.initial, 0)
        return aggregate.initial

    def append(
        self,
        aggregate: Aggregate[S],
        stream: StreamId,
        owner: MemberId,
        events: Sequence[Event],
    ) -> None:
        """Append events to a stream that was loaded; they are the data of ``owner``."""
        if not events:
            return
        if stream not in self._read:
            raise AssertionError("a stream is loaded before it is written")
        written = self._written.setdefault(stream, (aggregate, owner, []))
        written[2].extend(events)
        self.cell = cell_of(stream)

    def version(self, stream: StreamId) -> int:
        """The version of a loaded stream, before this command."""
        return self._read[stream].version

    # What the executor asks

    def place_of(self, stream: StreamId, version: int) -> int:
        """Which of the command's events has that version of that stream; -1 when none has."""
        before = 0
        for written, (_, _, events) in self._written.items():
            offset = version - self._read[written].version
            if written == stream and 0 < offset <= len(events):
                return before + offset - 1
            before += len(events)
        return -1

    @property
    def writes(self) -> bool:
        """Whether there is anything to append."""
        return bool(self._written)

    @property
    def current(self) -> bool:
        """Whether all that was read is still what memory holds."""
        held = self._streams.current
        for stream, read in self._read.items():
            now = held(stream)
            if now is not None and now is not read and now.version != read.version:
                return False
        return True

    @property
    def tickets(self) -> list[Ticket]:
        """The queued appends that this command's decision rests on."""
        rested_on = list(self._read.values())
        if self._screen is not None:
            rested_on.append(self._screen[1])
        return [
            read.ticket
            for read in rested_on
            if read.ticket is not None and not written_out(read.ticket)
        ]

    def to_append(self, answer: bytes, *, keep_events: bool) -> Append:
        """The append that makes this command so; without its events when it was refused."""
        events: list[NewEvent] = []
        written = self._written if keep_events else {}
        for stream, (_, owner, stream_events) in written.items():
            version = self._read[stream].version
            for offset, event in enumerate(stream_events, 1):
                events.append(NewEvent(stream, version + offset, owner, event))
        guards = {
            stream: read.version for stream, read in self._read.items() if stream not in written
        }
        context = self.context
        return Append(
            cell=self.cell,
            command=context.command,
            actor=context.actor,
            correlation=context.correlation,
            causation=context.causation,
            events=tuple(events),
            guards=guards,
            rules_epoch=None if self._screen is None else self._screen[1].state.epoch,
            key=context.key,
            answer=answer,
        )

    def fold(self) -> None:
        """
        Work out what the command makes of the streams it writes, before anything is queued: events
        that were decided from states of different moments may not fit the state they fold onto.
        """
        for stream, (aggregate, _, events) in self._written.items():
            self._folded[stream] = self._read[stream].after(aggregate, events)

    def advance(self, ticket: Ticket) -> None:
        """Move the states in memory on, now that the append is queued."""
        for stream, folded in self._folded.items():
            self._streams.advance(stream, folded, ticket)

    def settle(self, ticket: Ticket) -> None:
        """Let go of the ticket: the append is durable."""
        for stream in self._written:
            self._streams.settle(stream, ticket)

    def forget(self, *, rules: bool = False) -> None:
        """
        Drop every state this command touched: the log does not bear one of them out.

        :param rules: the cell's rules it is.
        """
        for stream in self._read:
            self._streams.forget(stream)
        if rules and self._screen is not None:
            self._streams.forget(self._screen[0])


def written_out(ticket: Ticket) -> bool:
    """Whether an append is in the log. One that only replayed an earlier answer is not."""
    outcome = ticket.outcome
    if not outcome.done() or outcome.cancelled() or outcome.exception() is not None:
        return False
    return not outcome.result().replayed
