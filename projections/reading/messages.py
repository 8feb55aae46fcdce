"""
Messages on a board, gated for a viewer: each needs its own gate and its board's.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import MemberId, cell_of
from projections.reading.posts import Mark, Profile
from projections.reading.responses import through_gates
from projections.reading.statements import Connection, Row, Statement

_COLUMNS = "m.message, m.author, m.message_cell, m.thread, m.reply_to, m.text, m.written_at"

_MESSAGES = Statement(
    "messages_of_space",
    f"""
    SELECT {_COLUMNS}, m.position, m.waits
      FROM models.messages m
     WHERE m.cell = :cell::smallint AND m.space = :space::uuid
       AND (m.written_at, m.message) < (:before::timestamptz, :before_message::uuid)
     ORDER BY m.written_at DESC, m.message DESC
     LIMIT :count::int
    """,  # noqa: S608 - put together from constants of this module
)

NEWEST = Statement(
    "newest_messages",
    f"""
    SELECT wanted.space, newest.*
      FROM unnest(:cells::smallint[], :spaces::uuid[]) AS wanted (cell, space)
     CROSS JOIN LATERAL (
           SELECT {_COLUMNS}, m.position, m.waits FROM models.messages m
            WHERE m.cell = wanted.cell AND m.space = wanted.space
            ORDER BY m.written_at DESC, m.message DESC
            LIMIT :count::int) AS newest
    """,  # noqa: S608 - put together from constants of this module
)


_BY_ID = Statement(
    "messages_by_id",
    f"""
    SELECT {_COLUMNS}, m.position, m.waits
      FROM unnest(:cells::smallint[], :messages::uuid[]) AS wanted (cell, message)
      JOIN models.messages m ON m.cell = wanted.cell AND m.message = wanted.message
    """,  # noqa: S608 - put together from constants of this module
)


class MessageView(msgspec.Struct, frozen=True):
    """
    A message that its viewer may see; the text sealed. ``waits`` says how, to its author alone:
    nobody else sees one that does. ``lasting`` says that the same view is given to others as well.
    """

    message: UUID
    author: Profile
    thread: UUID
    reply_to: UUID | None
    text: bytes
    written_at: datetime
    cell: int
    position: int
    waits: str | None = None
    lasting: bool = False

    @property
    def mark(self) -> Mark:
        """Where a walk goes on after it."""
        return self.written_at, self.message


async def newest(
    connection: Connection, viewer: MemberId, space: MemberId, of: int, count: int
) -> list[MessageView]:
    """Of the ``of`` newest messages of a board that is visible, the first ``count`` to be seen."""
    rows = await NEWEST(connection, cells=[cell_of(space)], spaces=[space], count=of)
    said = sorted((row[1:] for row in rows), key=lambda row: (row[6], row[0]), reverse=True)
    return (await _gated(connection, viewer, said))[:count]


async def messages(
    connection: Connection, viewer: MemberId, space: MemberId, before: Mark, count: int
) -> list[MessageView]:
    """The messages of a board that is known to be visible, newest first."""
    page: list[MessageView] = []
    step = count
    while len(page) < count:
        rows = await _MESSAGES(
            connection,
            cell=cell_of(space),
            space=space,
            before=before[0],
            before_message=before[1],
            count=step,
        )
        page += await _gated(connection, viewer, rows)
        if len(rows) < step:
            break
        before = (rows[-1][6], rows[-1][0])
        step = min(step * 2, 500)
    return page[:count]


async def by_id(
    connection: Connection, viewer: MemberId, wanted: Mapping[UUID, UUID]
) -> dict[UUID, MessageView]:
    """
    Those of some messages that the viewer may see, on boards that are known to be visible.

    :param wanted: whose board each is on.
    """
    if not wanted:
        return {}
    cells = [cell_of(space) for space in wanted.values()]
    rows = await _BY_ID(connection, cells=cells, messages=list(wanted))
    return {view.message: view for view in await _gated(connection, viewer, rows)}


async def _gated(
    connection: Connection, viewer: MemberId, rows: Sequence[Row]
) -> list[MessageView]:
    wanted = [(row[2], row[0], row[1]) for row in rows]
    profiles = await through_gates(connection, viewer, wanted)
    return [
        MessageView(message, profiles[message], thread, reply_to, text, at, cell, position, waits)
        for message, _, cell, thread, reply_to, text, at, position, waits in rows
        if message in profiles
    ]
