"""
Photos, each behind its own gate and its album's: one statement reads both with the row.

Which album's gate that is, the photo's gate says, never its row, which may not have heard of a
move.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.album_events import Sort
from domain.audience import OnlyMe, Relation, visible
from domain.ids import MemberId, cell_of
from domain.picture import Rendition, Size
from projections.gates import audience_of
from projections.reading.posts import Mark
from projections.reading.statements import Connection, Row, Statement
from projections.reading.viewing import Viewer, viewer_towards

#: A cursor: what was last shown, by what photos are ordered by.
PhotoMark: TypeAlias = tuple[datetime | int, UUID]

_COLUMNS = """
           p.photo, p.owner, p.album, p.caption, p.alt, p.location, p.renditions,
           p.width, p.height, p.format, p.added_at, p.taken_at, p.place,
           p.waits, p.words_wait, p.cell, p.position, p.version,
           g.live, g.audience, h.live AS album_live, h.audience AS album_audience,
           f.bond, b.member IS NOT NULL AS blocked, l.member IS NOT NULL AS listed
"""

_GATES = """
      JOIN models.gates g
        ON g.cell = p.cell AND g.content = p.photo AND g.parent = p.album
      JOIN models.gates h ON h.cell = p.cell AND h.content = p.album
"""

#: ``{owner}`` is whose photos they are: where that is known, it is said, and not joined to.
_TIES = """
      LEFT JOIN models.friendships f
        ON f.cell = p.cell AND f.member = {owner} AND f.other = :viewer::uuid
       AND f.standing <> 'incoming'
      LEFT JOIN models.blocks b
        ON b.cell = p.cell AND b.member = {owner} AND b.other = :viewer::uuid
      LEFT JOIN models.list_members l
        ON l.cell = h.cell AND l.list = h.list AND l.member = :viewer::uuid
"""
_TIES_OF_OWNER: Final = _TIES.format(owner=":owner::uuid")

_SOME = Statement(
    "hydrate_photos",
    f"""
    SELECT {_COLUMNS}
      FROM unnest(:cells::smallint[], :photos::uuid[]) AS wanted (cell, photo)
      JOIN models.photos p ON p.cell = wanted.cell AND p.photo = wanted.photo
      JOIN models.members m ON m.cell = p.cell AND m.member = p.owner
    {_GATES}
    {_TIES.format(owner="p.owner")}
    """,  # noqa: S608 - put together from constants of this module
)


def _page(name: str, column: str, kind: str, way: Literal["<", ">"]) -> Statement:
    """The photos of an album by one of its orders. ``visible`` still decides, on the rows."""
    down = " DESC" if way == "<" else ""
    return Statement(
        name,
        f"""
        SELECT {_COLUMNS}
          FROM models.photos p
        {_GATES}
        {_TIES_OF_OWNER}
         WHERE p.cell = :cell::smallint AND p.album = :album::uuid
           AND (p.{column}, p.photo) {way} (:mark::{kind}, :mark_photo::uuid)
           AND g.live AND (g.audience = 'public' OR p.owner = :viewer::uuid)
         ORDER BY p.{column}{down}, p.photo{down}
         LIMIT :count::int
        """,  # noqa: S608 - put together from constants of this module
    )


_NEWEST = _page("photos_newest", "added_at", "timestamptz", "<")
_OLDEST = _page("photos_oldest", "added_at", "timestamptz", ">")
_TAKEN = _page("photos_taken", "taken_at", "timestamptz", ">")
_OWN = _page("photos_own", "place", "bigint", ">")
_PAGES: Final[Mapping[Sort, Statement]] = {
    "newest": _NEWEST, "oldest": _OLDEST, "taken": _TAKEN, "own": _OWN,
}  # fmt: skip

# Narrowed to what the gates let through, so that an album of ten thousand that is for nobody costs
# no round trips; ``visible`` decides again, on the rows.
_WALL = Statement(
    "photos_of_member",
    f"""
    SELECT {_COLUMNS}
      FROM models.photos p
    {_GATES}
    {_TIES_OF_OWNER}
     WHERE p.cell = :cell::smallint AND p.owner = :owner::uuid
       AND (p.added_at, p.photo) < (:before::timestamptz, :before_photo::uuid)
       AND g.live AND h.live
       AND (p.owner = :viewer::uuid
            OR (g.audience = 'public'
                AND (h.audience = 'public'
                     OR (h.audience = 'friends' AND f.member IS NOT NULL)
                     OR (h.audience = 'list' AND l.member IS NOT NULL))))
     ORDER BY p.added_at DESC, p.photo DESC
     LIMIT :count::int
    """,  # noqa: S608 - put together from constants of this module
)

# What was taken down keeps its bytes, whatever becomes of the album. The gate says which photos are
# in it; a row may not have heard that one has left.
_BYTES = Statement(
    "renditions_of_album",
    """
    SELECT p.photo, p.added_at, p.renditions, g.live AND g.parent = p.album AS goes
      FROM (SELECT n.cell, n.photo, n.album, n.added_at, n.renditions FROM models.photos n
             WHERE n.cell = :cell::smallint AND n.album = :album::uuid
               AND (n.added_at, n.photo) > (:after::timestamptz, :after_photo::uuid)
             ORDER BY n.added_at, n.photo
             LIMIT :count::int) AS p
      JOIN models.gates g ON g.cell = p.cell AND g.content = p.photo
     ORDER BY p.added_at, p.photo
    """,
)

_renditions = msgspec.json.Decoder(tuple[Rendition, Rendition, Rendition]).decode


class PhotoView(msgspec.Struct, frozen=True):
    """
    A photo that its viewer may see; words sealed. ``location``, ``place`` and what waits are for
    its owner alone.
    """

    photo: UUID
    owner: UUID
    album: UUID
    caption: bytes | None
    alt: bytes | None
    location: bytes | None
    renditions: bytes
    width: int
    height: int
    format: str
    added_at: datetime
    taken_at: datetime
    place: int
    waits: str | None
    words_wait: str | None
    cell: int
    position: int
    version: int
    own: bool

    def rendition(self, size: Size) -> Rendition:
        """What is stored of it in a size."""
        original, screen, thumb = _renditions(self.renditions)
        return {"original": original, "screen": screen, "thumb": thumb}[size]

    def mark(self, sort: Sort) -> PhotoMark:
        """Where a walk in an order goes on after it."""
        match sort:
            case "newest" | "oldest":
                return self.added_at, self.photo
            case "taken":
                return self.taken_at, self.photo
            case "own":
                return self.place, self.photo


async def hydrate(
    connection: Connection, viewer: MemberId, photos: Sequence[UUID]
) -> dict[UUID, PhotoView]:
    """Those of the photos that the viewer may see, by id."""
    cells = [cell_of(photo) for photo in photos]
    rows = await _SOME(connection, cells=cells, photos=list(photos), viewer=viewer)
    towards = await viewer_towards(connection, viewer, {row[1] for row in rows})
    views = (_gated(towards, row) for row in rows)
    return {view.photo: view for view in views if view is not None}


async def photo(connection: Connection, viewer: MemberId, photo: UUID) -> PhotoView | None:
    """A photo; None when there is none that the viewer may see."""
    return (await hydrate(connection, viewer, [photo])).get(photo)


async def photos_in(
    connection: Connection, viewer: MemberId, album: UUID, owner: UUID, sort: Sort,
    after: PhotoMark, count: int,
) -> list[PhotoView]:  # fmt: skip
    """
    The photos of an album that the viewer may see, in an order: ``count`` of them, as long as there
    are so many.

    :param owner: whose album it is.
    """
    towards = await viewer_towards(connection, viewer, {owner})
    rows = await _PAGES[sort](
        connection, cell=cell_of(album), album=album, owner=owner, viewer=viewer,
        mark=after[0], mark_photo=after[1], count=count,
    )  # fmt: skip
    return [view for row in rows if (view := _gated(towards, row)) is not None]


async def wall(
    connection: Connection, viewer: MemberId, owner: MemberId, before: Mark, count: int
) -> list[PhotoView]:
    """
    What of a member's photos the viewer may see, whichever albums they are in, the newest first:
    ``count`` of them, as long as there are so many.
    """
    towards = await viewer_towards(connection, viewer, {owner})
    page: list[PhotoView] = []
    if owner in towards.blocked:
        return page
    while len(page) < count:
        rows = await _WALL(
            connection, cell=cell_of(owner), owner=owner, viewer=viewer,
            before=before[0], before_photo=before[1], count=count,
        )  # fmt: skip
        page += [view for row in rows if (view := _gated(towards, row)) is not None]
        if len(rows) < count:
            break
        before = (rows[-1][10], rows[-1][0])
    return page[:count]


async def bytes_of(
    connection: Connection, album: UUID, after: Mark, count: int
) -> tuple[list[Rendition], Mark | None]:
    """
    What is stored of the photos of an album that was deleted, from a mark on; and where it goes on.
    """
    rows = await _BYTES(
        connection, cell=cell_of(album), album=album,
        after=after[0], after_photo=after[1], count=count,
    )  # fmt: skip
    found = [one for row in rows if row[3] for one in _renditions(row[2])]
    return found, (rows[-1][1], rows[-1][0]) if len(rows) == count else None


async def photos_of(
    connection: Connection, album: UUID, after: Mark, count: int
) -> tuple[list[UUID], Mark | None]:
    """The photos themselves, that :func:`bytes_of` tells the bytes of."""
    rows = await _BYTES(
        connection, cell=cell_of(album), album=album,
        after=after[0], after_photo=after[1], count=count,
    )  # fmt: skip
    found = [row[0] for row in rows if row[3]]
    return found, (rows[-1][1], rows[-1][0]) if len(rows) == count else None


def _gated(viewer: Viewer, row: Row) -> PhotoView | None:
    live, audience, album_live, album_audience, bond, blocked, listed = row[18:]
    relation = viewer.relation(row[1], bond=bond, blocked=blocked, listed=listed)
    if not visible(album_live, audience_of(album_audience), relation):
        return None
    return _there(row, live, audience, relation)


def _there(row: Row, live: bool, audience: str, relation: Relation) -> PhotoView | None:
    """The photo by its own gate, whatever shows it."""
    # A row that has not heard of an approval may say what nobody approved of.
    whom = OnlyMe() if row[13] is not None else audience_of(audience)
    return PhotoView(*(*row[:18], relation.is_author)) if visible(live, whom, relation) else None
