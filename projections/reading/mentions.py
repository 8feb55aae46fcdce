"""
The posts that mention a member, gated for that member.
"""

from uuid import UUID

from domain.ids import MemberId, cell_of
from projections.reading.posts import PostView, hydrate, with_shared
from projections.reading.statements import Connection, Statement

_MENTIONING = Statement(
    "posts_mentioning",
    """
    SELECT post FROM models.mentions
     WHERE cell = :cell::smallint AND member = :member::uuid AND post < :before::uuid
     ORDER BY post DESC
     LIMIT :count::int
    """,
)


async def mentioning(
    connection: Connection, viewer: MemberId, before: UUID, count: int
) -> list[PostView]:
    """Posts by others that mention the viewer and that the viewer may see, newest first."""
    page: list[PostView] = []
    step = count
    while len(page) < count:
        rows = await _MENTIONING(
            connection, cell=cell_of(viewer), member=viewer, before=before, count=step
        )
        posts = [post for (post,) in rows]
        views = await hydrate(connection, viewer, posts)
        # An edit may have taken the mention away.
        page += [
            view
            for post in posts
            if (view := views.get(post)) is not None and viewer in (view.mentions or ())
        ]
        if len(rows) < step:
            break
        before = posts[-1]
        step = min(step * 2, 500)
    return await with_shared(connection, viewer, page[:count])
