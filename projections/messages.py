"""
Messages, by the board that they are on: rows stand in the cell of the space, each written by the
cell of whoever wrote it. Written inline, so that a home page made from memory has only one place in
the log to be true at.
"""

from collections.abc import Iterator

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Table, Text, Uuid

from domain.event import Recorded
from domain.ids import cell_of
from domain.message import (
    MessageApproved,
    MessageDeleted,
    MessageHeld,
    MessageTakenBack,
    MessageWritten,
)
from projections.rows import Change, Drop, Patch, Put
from projections.tables import METADATA, MOMENT, cell, key, sealed

MESSAGES = Table(
    "messages",
    METADATA,
    cell(),
    key("message"),
    Column("space", Uuid, nullable=False),
    Column("author", Uuid, nullable=False),
    Column("thread", Uuid, nullable=False),
    Column("reply_to", Uuid),
    sealed("text"),
    Column("waits", Text),
    Column("written_at", MOMENT, nullable=False),
    Column("message_cell", SmallInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("messages_by_space", "cell", "space", "written_at", "message"),
)


class Messages:
    """The read model."""

    name = "messages"
    tables = (MESSAGES,)
    inline = True

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        match event:
            case MessageWritten() | MessageHeld():
                values = {
                    "space": event.space,
                    "author": event.author,
                    "thread": event.thread,
                    "reply_to": event.reply_to,
                    "text": event.text.envelope,
                    "waits": event.how if isinstance(event, MessageHeld) else None,
                    "written_at": recorded.recorded_at,
                    "message_cell": recorded.cell,
                    "position": recorded.position,
                }
                yield Put(MESSAGES, (cell_of(event.space), recorded.stream), values)
            case MessageApproved():
                # It was not there before, so it is as new as its approval.
                written = {
                    "waits": None,
                    "written_at": recorded.recorded_at,
                    "position": recorded.position,
                }
                yield Patch(MESSAGES, (cell_of(event.space), recorded.stream), written)
            case MessageDeleted() | MessageTakenBack():
                yield Drop(MESSAGES, (cell_of(event.space), recorded.stream))
            case _:
                return
