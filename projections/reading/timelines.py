"""
A member's timeline, gated for a viewer: what the viewer may see of all that the member did.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.home import Home, open_to
from domain.ids import CommentId, MemberId, PostId, cell_of
from projections.reading import albums, photos
from projections.reading.albums import AlbumView
from projections.reading.homes import home_of, messages_seen, stands
from projections.reading.messages import MessageView
from projections.reading.people import MemberView, members
from projections.reading.photos import PhotoView
from projections.reading.posts import Mark, PostView, Profile, hydrate, with_shared
from projections.reading.responses import CommentView, comments_by_id
from projections.reading.statements import Connection, Row, Statement

_TIMELINE = Statement(
    "timeline",
    """
    SELECT stream, at, kind, about FROM models.timeline
     WHERE cell = :cell::smallint AND member = :member::uuid
       AND (at, stream) < (:before::timestamptz, :before_stream::uuid)
       AND at >= :since::timestamptz
       AND kind = ANY(:kinds::text[])
     ORDER BY at DESC, stream DESC
     LIMIT :count::int
    """,
)

DeedKind: TypeAlias = Literal["post", "comment", "like", "vote", "message", "album", "photo"]

#: What is about a post, whose gate decides.
_OF_POSTS: Final = ("post", "comment", "like", "vote")


class TimelineEntry(msgspec.Struct, frozen=True):
    """One thing a member did, with what it was about: one of these, a comment with its post."""

    stream: UUID
    at: datetime
    kind: DeedKind
    post: PostView | None = None
    comment: CommentView | None = None
    message: MessageView | None = None
    board: Profile | None = None
    album: AlbumView | None = None
    photo: PhotoView | None = None

    @property
    def mark(self) -> Mark:
        """Where a walk goes on after it."""
        return self.at, self.stream


def kinds_for(home: Home, viewer: MemberId, owner: MemberView) -> list[str]:
    """
    The kinds of a member's doings that a viewer may come across. Who voted is told to nobody but
    the voter: results that change just then would say for what.
    """
    relation = stands(viewer, owner)
    if relation.blocked or not open_to(home, "posts", relation):
        return []
    kinds = ["post", "comment", "like", "message"]
    if relation.is_author:
        kinds.append("vote")
    if open_to(home, "albums", relation):
        kinds += ["album", "photo"]
    return kinds


async def timeline(
    connection: Connection,
    viewer: MemberId,
    member: MemberId,
    before: Mark,
    since: datetime,
    count: int,
) -> list[TimelineEntry] | None:
    """
    What a member did, newest first, not before ``since``; None when the member is not there for the
    viewer.
    """
    owner = (await members(connection, viewer, [member])).get(member)
    if owner is None or owner.blocks_viewer:
        return None
    home, _ = await home_of(connection, member)
    page: list[TimelineEntry] = []
    kinds = kinds_for(home, viewer, owner)
    step = count
    while kinds and len(page) < count:
        rows = await _TIMELINE(
            connection,
            cell=cell_of(member),
            member=member,
            before=before[0],
            before_stream=before[1],
            since=since,
            kinds=kinds,
            count=step,
        )
        page += await _seen(connection, viewer, rows)
        if len(rows) < step:
            break
        before = (rows[-1][1], rows[-1][0])
        step = min(step * 2, 500)
    page = page[:count]
    # All of them: what was refilled holds views of its own, of posts that were met before.
    await with_shared(connection, viewer, [one.post for one in page if one.post is not None])
    return page


async def _seen(
    connection: Connection, viewer: MemberId, rows: Sequence[Row]
) -> list[TimelineEntry]:
    """What the viewer may see of some rows, in their order."""
    found = await _about_posts(connection, viewer, [row for row in rows if row[2] in _OF_POSTS])
    said: Mapping[UUID, tuple[MessageView, Profile]] = {}
    if on_boards := {row[0]: row[3] for row in rows if row[2] == "message"}:
        said = await messages_seen(connection, viewer, on_boards)
    made: Mapping[UUID, AlbumView] = {}
    if ids := [row[0] for row in rows if row[2] == "album"]:
        made = await albums.hydrate(connection, viewer, ids)
    added: Mapping[UUID, PhotoView] = {}
    if ids := [row[0] for row in rows if row[2] == "photo"]:
        added = await photos.hydrate(connection, viewer, ids)
    for stream, at, kind, _ in rows:
        if stream in said:
            message, board = said[stream]
            found[stream] = TimelineEntry(stream, at, kind, message=message, board=board)
        elif stream in made:
            found[stream] = TimelineEntry(stream, at, kind, album=made[stream])
        elif stream in added:
            found[stream] = TimelineEntry(stream, at, kind, photo=added[stream])
    return [found[row[0]] for row in rows if row[0] in found]


async def _about_posts(
    connection: Connection, viewer: MemberId, rows: Sequence[Row]
) -> dict[UUID, TimelineEntry]:
    posts = await hydrate(connection, viewer, list({row[3] for row in rows}))
    wanted = [
        (CommentId(stream), PostId(post))
        for stream, _, kind, post in rows
        if kind == "comment" and post in posts
    ]
    comments = await comments_by_id(connection, viewer, wanted) if wanted else {}
    return {
        stream: TimelineEntry(stream, at, kind, posts[post], comments.get(stream))
        for stream, at, kind, post in rows
        if post in posts and (kind != "comment" or stream in comments)
    }
