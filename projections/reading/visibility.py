"""
What history has of one post and one viewer: the turns that decided whether the one saw the other.

Each of the three questions is a range of a primary key: what it costs is how often something
changed between these two, not how large the log is.
"""

from uuid import UUID

import msgspec

from domain.ids import MemberId, cell_of
from projections.reading.statements import Connection, Statement
from projections.streams import Moment
from projections.visibility import GateTurn, ListTurn, TieTurn, Turn

_GATE = Statement(
    "gate_ever",
    """
    SELECT position, author, live, audience, list, at FROM models.gate_history
     WHERE cell = :cell::smallint AND content = :content::uuid
     ORDER BY position
    """,
)

_TIES = Statement(
    "ties_ever",
    """
    SELECT h.cell, h.position, w.mine, h.part, h.standing, h.bond, h.at
      FROM unnest(:cells::smallint[], :members::uuid[], :others::uuid[], :mine::boolean[])
           AS w (cell, member, other, mine)
      JOIN models.tie_history h
        ON h.cell = w.cell AND h.member = w.member AND h.other = w.other
     WHERE h.part IN ('friendship', 'block')
    """,
)

_LISTED = Statement(
    "listed_ever",
    """
    SELECT position, list, listed, at FROM models.list_history
     WHERE cell = :cell::smallint AND list = ANY(:lists::uuid[]) AND member = :member::uuid
    """,
)


class Past(msgspec.Struct, frozen=True):
    """A post's author, the position of its first event, and the turns of all that is asked of."""

    author: MemberId
    first: int
    turns: list[Turn]


async def between(connection: Connection, post: UUID, viewer: MemberId) -> Past | None:
    """All turns between something with a gate and a viewer; None where there never was a gate."""
    cell = cell_of(post)
    gates = await _GATE(connection, cell=cell, content=post)
    if not gates:
        return None
    first, author = gates[0][0], MemberId(gates[0][1])
    turns: list[Turn] = [
        GateTurn(Moment(at, cell, position), live, audience, which)
        for position, _, live, audience, which, at in gates
    ]
    if viewer == author:
        return Past(author, first, turns)
    ties = await _TIES(
        connection,
        cells=[cell_of(viewer), cell_of(author)],
        members=[viewer, author],
        others=[author, viewer],
        mine=[True, False],
    )
    turns += (
        TieTurn(Moment(at, of, position), mine, part, standing, bond)
        for of, position, mine, part, standing, bond, at in ties
    )
    lists = sorted({which for _, _, _, _, which, _ in gates if which is not None})
    if lists:
        listed = await _LISTED(connection, cell=cell, lists=lists, member=viewer)
        turns += (
            ListTurn(Moment(at, cell, position), which, on) for position, which, on, at in listed
        )
    return Past(author, first, turns)
