"""
Albums, hydrated and gated for a viewer.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from domain.audience import OnlyMe, visible
from domain.ids import MemberId, cell_of
from projections.gates import audience_of
from projections.reading.posts import Mark, Profile
from projections.reading.statements import Connection, Row, Statement
from projections.reading.viewing import Viewer, viewer_towards

_COLUMNS = """
           a.album, a.owner, a.title, a.layout, a.sort, a.slideshow, a.created_at,
           a.waits, a.intended, a.title_waits, a.cell, a.position, a.version,
           g.live, g.audience,
           f.bond, b.member IS NOT NULL AS blocked, l.member IS NOT NULL AS listed,
           coalesce(c.photos, 0) AS photos, coalesce(c.waiting, 0) AS waiting,
           k.content AS cover,
           m.qq, m.nickname, m.certified_as, m.certified_name
"""

#: A cover shows as long as the viewer may see that photo there.
_WITH_GATES = """
      JOIN models.albums a ON a.cell = wanted.cell AND a.album = wanted.album
      JOIN models.gates g ON g.cell = wanted.cell AND g.content = wanted.album
      JOIN models.members m ON m.cell = a.cell AND m.member = a.owner
      LEFT JOIN models.album_counts c ON c.cell = wanted.cell AND c.album = wanted.album
      LEFT JOIN models.gates k
        ON k.cell = a.cell AND k.content = a.cover AND k.parent = a.album AND k.live
       AND (k.audience = 'public' OR k.author = :viewer::uuid)
      LEFT JOIN models.friendships f
        ON f.cell = a.cell AND f.member = a.owner AND f.other = :viewer::uuid
       AND f.standing <> 'incoming'
      LEFT JOIN models.blocks b
        ON b.cell = a.cell AND b.member = a.owner AND b.other = :viewer::uuid
      LEFT JOIN models.list_members l
        ON l.cell = g.cell AND l.list = g.list AND l.member = :viewer::uuid
"""

_HYDRATE = Statement(
    "hydrate_albums",
    f"""
    SELECT {_COLUMNS}
      FROM unnest(:cells::smallint[], :albums::uuid[]) AS wanted (cell, album)
    {_WITH_GATES}
    """,  # noqa: S608 - put together from constants of this module
)

_PAGE = Statement(
    "albums_of_member",
    f"""
    SELECT {_COLUMNS}
      FROM (SELECT n.cell, n.album, n.created_at FROM models.albums n
             WHERE n.cell = :cell::smallint AND n.owner = :owner::uuid
               AND (n.created_at, n.album) < (:before::timestamptz, :before_album::uuid)
             ORDER BY n.created_at DESC, n.album DESC
             LIMIT :count::int) AS wanted
    {_WITH_GATES}
     ORDER BY wanted.created_at DESC, wanted.album DESC
    """,  # noqa: S608 - put together from constants of this module
)

_STORAGE = Statement(
    "storage_of_member",
    """
    SELECT a.album, coalesce(c.stored, 0) AS stored
      FROM models.albums a
      LEFT JOIN models.album_counts c ON c.cell = a.cell AND c.album = a.album
     WHERE a.cell = :cell::smallint AND a.owner = :owner::uuid
    """,
)


class AlbumView(msgspec.Struct, frozen=True):
    """
    An album that its viewer may see; the title sealed. ``photos`` counts those that others see, and
    for its owner those that wait, too. What waits is for its owner alone.
    """

    album: UUID
    owner: Profile
    title: bytes
    layout: str
    sort: str
    slideshow: str
    created_at: datetime
    audience: str
    photos: int
    cover: UUID | None
    cell: int
    position: int
    version: int
    own: bool
    waits: str | None
    intended: str | None
    title_waits: str | None

    @property
    def mark(self) -> Mark:
        """Where a walk goes on after it."""
        return self.created_at, self.album


async def hydrate(
    connection: Connection, viewer: MemberId, albums: Sequence[UUID]
) -> dict[UUID, AlbumView]:
    """Those of the albums that the viewer may see, by id."""
    cells = [cell_of(album) for album in albums]
    rows = await _HYDRATE(connection, cells=cells, albums=list(albums), viewer=viewer)
    towards = await viewer_towards(connection, viewer, {row[1] for row in rows})
    views = (_gated(towards, row) for row in rows)
    return {view.album: view for view in views if view is not None}


async def album(connection: Connection, viewer: MemberId, album: UUID) -> AlbumView | None:
    """An album; None when there is none that the viewer may see."""
    return (await hydrate(connection, viewer, [album])).get(album)


async def albums_of(
    connection: Connection, viewer: MemberId, owner: MemberId, before: Mark, count: int
) -> list[AlbumView]:
    """A member's albums, the newest first: ``count`` of them, as long as there are so many."""
    towards = await viewer_towards(connection, viewer, {owner})
    page: list[AlbumView] = []
    # A member has at most a thousand: the walk over those that are not for this viewer has an end.
    step = count + 50
    while len(page) < count:
        rows = await _PAGE(
            connection, cell=cell_of(owner), owner=owner, viewer=viewer,
            before=before[0], before_album=before[1], count=step,
        )  # fmt: skip
        page += [view for row in rows if (view := _gated(towards, row)) is not None]
        if len(rows) < step:
            break
        before = (rows[-1][6], rows[-1][0])
    return page[:count]


async def storage(connection: Connection, member: MemberId) -> dict[UUID, int]:
    """How many bytes a member's albums take, by album."""
    rows = await _STORAGE(connection, cell=cell_of(member), owner=member)
    return {row[0]: row[1] for row in rows}


def _gated(viewer: Viewer, row: Row) -> AlbumView | None:
    (album, owner, title, layout, sort, slideshow, created_at) = row[:7]
    (waits, intended, title_waits, cell, position, version, live, audience) = row[7:15]
    (bond, blocked, listed, photos, waiting, cover) = row[15:21]
    (qq, nickname, certified_as, certified_name) = row[21:]
    relation = viewer.relation(owner, bond=bond, blocked=blocked, listed=listed)
    # A row that has not heard of an approval may say what nobody approved of.
    whom = OnlyMe() if waits is not None else audience_of(audience)
    if not visible(live, whom, relation):
        return None
    return AlbumView(
        album=album,
        owner=Profile(owner, qq, nickname, certified_as, certified_name),
        title=title,
        layout=layout,
        sort=sort,
        slideshow=slideshow,
        created_at=created_at,
        audience=audience,
        photos=photos + (waiting if relation.is_author else 0),
        cover=cover,
        cell=cell,
        position=position,
        version=version,
        own=relation.is_author,
        waits=waits,
        intended=intended,
        title_waits=title_waits,
    )
