"""
A member's timeline, gated for a viewer: what the viewer may see of all that the member did.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import CommentId, MemberId, PostId, cell_of
from projections.reading.posts import Mark, PostView, hydrate, with_shared
from projections.reading.responses import CommentView, comments_by_id
from projections.reading.statements import Connection, Statement
from projections.reading.viewing import viewer_towards

_TIMELINE = Statement(
    "timeline",
    """
    SELECT stream, at, kind, post FROM models.timeline
     WHERE cell = :cell::smallint AND member = :member::uuid
       AND (at, stream) < (:before::timestamptz, :before_stream::uuid)
       AND at >= :since::timestamptz
     ORDER BY at DESC, stream DESC
     LIMIT :count::int
    """,
)


class TimelineEntry(msgspec.Struct, frozen=True):
    """One thing a member did: published, commented on or liked a post."""

    stream: UUID
    at: datetime
    kind: str
    post: PostView
    comment: CommentView | None

    @property
    def mark(self) -> Mark:
        """Where a walk goes on after it."""
        return self.at, self.stream


async def timeline(
    connection: Connection,
    viewer: MemberId,
    member: MemberId,
    before: Mark,
    since: datetime,
    count: int,
) -> list[TimelineEntry]:
    """What a member did, newest first, not before ``since``."""
    page: list[TimelineEntry] = []
    if member in (await viewer_towards(connection, viewer, {member})).blocked:
        # What a blocked member likes of others is no more to be seen than what they write.
        return page
    step = count
    while len(page) < count:
        rows = await _TIMELINE(
            connection,
            cell=cell_of(member),
            member=member,
            before=before[0],
            before_stream=before[1],
            since=since,
            count=step,
        )
        posts = await hydrate(connection, viewer, list({row[3] for row in rows}))
        wanted = [
            (CommentId(stream), PostId(post))
            for stream, _, kind, post in rows
            if kind == "comment" and post in posts
        ]
        comments = await comments_by_id(connection, viewer, wanted) if wanted else {}
        for stream, at, kind, post in rows:
            comment = comments.get(stream)
            if post in posts and (kind != "comment" or comment is not None):
                page.append(TimelineEntry(stream, at, kind, posts[post], comment))
        if len(rows) < step:
            break
        before = (rows[-1][1], rows[-1][0])
        step = min(step * 2, 500)
    page = page[:count]
    # All of them: what was refilled holds views of its own, of posts that were met before.
    await with_shared(connection, viewer, [entry.post for entry in page])
    return page
