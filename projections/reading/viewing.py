"""
A viewer's own side: what the one who looks has declared towards others.
"""

from collections.abc import Collection, Iterable
from uuid import UUID

import msgspec

from domain.audience import Relation
from domain.ids import MemberId, cell_of
from projections.reading.statements import Connection, Row, Statement

_ALL_TIES = Statement(
    "all_ties",
    """
    SELECT 'bond', other, other_cell, bond FROM models.friendships
     WHERE cell = :cell::smallint AND member = :viewer::uuid AND standing <> 'incoming'
    UNION ALL
    SELECT 'block', other, 0::smallint, NULL FROM models.blocks
     WHERE cell = :cell::smallint AND member = :viewer::uuid
    UNION ALL
    SELECT 'follow', other, other_cell, NULL FROM models.follows
     WHERE cell = :cell::smallint AND member = :viewer::uuid
    """,
)

_TIES_TO = Statement(
    "ties_to",
    """
    SELECT 'bond', other, other_cell, bond FROM models.friendships
     WHERE cell = :cell::smallint AND member = :viewer::uuid AND other = ANY(:others::uuid[])
       AND standing <> 'incoming'
    UNION ALL
    SELECT 'block', other, 0::smallint, NULL FROM models.blocks
     WHERE cell = :cell::smallint AND member = :viewer::uuid AND other = ANY(:others::uuid[])
    UNION ALL
    SELECT 'follow', other, other_cell, NULL FROM models.follows
     WHERE cell = :cell::smallint AND member = :viewer::uuid AND other = ANY(:others::uuid[])
    """,
)


class Viewer(msgspec.Struct):
    """
    Who looks, and the viewer's half of what matters to what is looked at.

    ``bonds`` are the bonds offered, by the other member; ``friends`` of a pair is decided where
    both halves are known.
    """

    member: MemberId
    bonds: dict[UUID, UUID] = {}
    blocked: set[UUID] = set()
    follows: set[UUID] = set()

    def relation(self, author: UUID, *, bond: UUID | None, blocked: bool, listed: bool) -> Relation:
        """
        How the viewer stands to an author.

        :param bond: the bond the author's half offers to the viewer.
        :param blocked: whether the author has blocked the viewer.
        """
        if author == self.member:
            return Relation(is_author=True)
        return Relation(
            friends=bond is not None and self.bonds.get(author) == bond,
            blocked=blocked or author in self.blocked,
            listed=listed,
        )


async def viewer_with_all_ties(
    connection: Connection, member: MemberId
) -> tuple[Viewer, dict[UUID, int]]:
    """The viewer, and the cells of those whose posts may be in the viewer's feed."""
    rows = await _ALL_TIES(connection, cell=cell_of(member), viewer=member)
    viewer = _viewer(member, rows)
    return viewer, {other: cell for what, other, cell, _ in rows if what != "block"}


async def viewer_towards(
    connection: Connection, member: MemberId, others: Collection[UUID]
) -> Viewer:
    """The viewer's half towards some members."""
    wanted = [other for other in others if other != member]
    if not wanted:
        return Viewer(member)
    rows = await _TIES_TO(connection, cell=cell_of(member), viewer=member, others=wanted)
    return _viewer(member, rows)


def viewers_of(members: Iterable[MemberId], rows: Iterable[Row]) -> dict[UUID, Viewer]:
    """The viewers that ties make; each tie led by the member whose it is."""
    viewers: dict[UUID, Viewer] = {member: Viewer(member, {}, set(), set()) for member in members}
    for member, what, other, _, bond in rows:
        _tie(viewers[member], what, other, bond)
    return viewers


def _viewer(member: MemberId, rows: list[Row]) -> Viewer:
    viewer = Viewer(member, {}, set(), set())
    for what, other, _, bond in rows:
        _tie(viewer, what, other, bond)
    return viewer


def _tie(viewer: Viewer, what: str, other: UUID, bond: UUID) -> None:
    if what == "bond":
        viewer.bonds[other] = bond
    elif what == "block":
        viewer.blocked.add(other)
    else:
        viewer.follows.add(other)
