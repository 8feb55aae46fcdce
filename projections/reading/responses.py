"""
Comments and likes under a post, gated for a viewer: each needs its own gate and its post's.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from domain.audience import Relation, visible
from domain.ids import CommentId, MemberId, PostId, cell_of
from projections.gates import audience_of
from projections.reading.posts import Mark, Profile, hydrate
from projections.reading.statements import Connection, Row, Statement
from projections.reading.viewing import Viewer, viewer_towards

_COMMENTS = Statement(
    "comments_of_post",
    """
    SELECT comment, author, comment_cell, thread, reply_to, text, written_at, position, waits
      FROM models.comments
     WHERE cell = :cell::smallint AND post = :post::uuid
       AND (written_at, comment) > (:after::timestamptz, :after_comment::uuid)
     ORDER BY written_at, comment
     LIMIT :count::int
    """,
)

_COMMENT = Statement(
    "comment_by_id",
    """
    SELECT c.comment, c.author, c.comment_cell, c.thread, c.reply_to, c.text, c.written_at,
           c.position, c.waits
      FROM unnest(:comments::uuid[]) AS wanted (comment)
      JOIN models.comments c ON c.cell = :cell::smallint AND c.comment = wanted.comment
    """,
)

_COMMENT_GATES = Statement(
    "comment_gates",
    """
    SELECT g.content, g.live, g.audience, b.member IS NOT NULL AS blocked,
           m.member, m.qq, m.nickname, m.certified_as, m.certified_name
      FROM unnest(:cells::smallint[], :comments::uuid[], :authors::uuid[])
           AS wanted (cell, comment, author)
      JOIN models.gates g ON g.cell = wanted.cell AND g.content = wanted.comment
      JOIN models.members m ON m.cell = wanted.cell AND m.member = wanted.author
      LEFT JOIN models.blocks b
        ON b.cell = wanted.cell AND b.member = wanted.author AND b.other = :viewer::uuid
    """,
)

_LIKES = Statement(
    "likes_of_post",
    """
    SELECT member, liked_at FROM models.likes
     WHERE cell = :cell::smallint AND post = :post::uuid
       AND (liked_at, member) < (:before::timestamptz, :before_member::uuid)
     ORDER BY liked_at DESC, member DESC
     LIMIT :count::int
    """,
)

_LIKERS = Statement(
    "likers",
    """
    SELECT m.member, m.qq, m.nickname, m.certified_as, m.certified_name,
           b.member IS NOT NULL AS blocked
      FROM unnest(:cells::smallint[], :members::uuid[]) AS wanted (cell, member)
      JOIN models.members m ON m.cell = wanted.cell AND m.member = wanted.member
      LEFT JOIN models.blocks b
        ON b.cell = wanted.cell AND b.member = wanted.member AND b.other = :viewer::uuid
    """,
)


class CommentView(msgspec.Struct, frozen=True):
    """
    A comment that its viewer may see; the text sealed. ``waits`` says how, to its author alone:
    nobody else sees one that does.
    """

    comment: UUID
    author: Profile
    thread: UUID
    reply_to: UUID | None
    text: bytes
    written_at: datetime
    cell: int
    position: int
    waits: str | None = None

    @property
    def mark(self) -> Mark:
        """Where a walk goes on after it."""
        return self.written_at, self.comment


class LikeView(msgspec.Struct, frozen=True):
    """Who liked, and when."""

    member: Profile
    liked_at: datetime

    @property
    def mark(self) -> Mark:
        """Where a walk goes on after it."""
        return self.liked_at, self.member.member


async def comments(
    connection: Connection, viewer: MemberId, post: PostId, after: Mark, count: int
) -> list[CommentView] | None:
    """A post's comments, oldest first; None when the viewer cannot see the post."""
    if not await hydrate(connection, viewer, [post]):
        return None
    return await comments_under(connection, viewer, post, after, count)


async def comments_under(
    connection: Connection, viewer: MemberId, post: PostId, after: Mark, count: int
) -> list[CommentView]:
    """The comments of a post that is known to be visible, oldest first."""
    page: list[CommentView] = []
    step = count
    while len(page) < count:
        rows = await _COMMENTS(
            connection,
            cell=cell_of(post),
            post=post,
            after=after[0],
            after_comment=after[1],
            count=step,
        )
        page += await _gated_comments(connection, viewer, rows)
        if len(rows) < step:
            break
        after = (rows[-1][6], rows[-1][0])
        step = min(step * 2, 500)
    return page[:count]


async def comments_by_id(
    connection: Connection, viewer: MemberId, wanted: list[tuple[CommentId, PostId]]
) -> dict[UUID, CommentView]:
    """Those of some comments, under posts known to be visible, that the viewer may see."""
    rows: list[Row] = []
    by_cell: dict[int, list[UUID]] = {}
    for comment, post in wanted:
        by_cell.setdefault(cell_of(post), []).append(comment)
    for cell, ids in by_cell.items():
        rows += await _COMMENT(connection, cell=cell, comments=ids)
    return {view.comment: view for view in await _gated_comments(connection, viewer, rows)}


async def _gated_comments(
    connection: Connection, viewer: MemberId, rows: list[Row]
) -> list[CommentView]:
    wanted = [(row[2], row[0], row[1]) for row in rows]
    profiles = await through_gates(connection, viewer, wanted)
    return [
        CommentView(comment, profiles[comment], thread, reply_to, text, at, cell, position, waits)
        for comment, _, cell, thread, reply_to, text, at, position, waits in rows
        if comment in profiles
    ]


async def through_gates(
    connection: Connection, viewer: MemberId, wanted: Sequence[tuple[int, UUID, UUID]]
) -> dict[UUID, Profile]:
    """
    The authors of those comments or messages whose own gates are open to the viewer, by their ids.

    :param wanted: the cell, the id and the author of each.
    """
    if not wanted:
        return {}
    gates = await _COMMENT_GATES(
        connection,
        cells=[cell for cell, _, _ in wanted],
        comments=[content for _, content, _ in wanted],
        authors=[author for _, _, author in wanted],
        viewer=viewer,
    )
    towards = await viewer_towards(connection, viewer, {author for _, _, author in wanted})
    profiles: dict[UUID, Profile] = {}
    for comment, live, audience, blocked, member, *shown in gates:
        relation = towards.relation(member, bond=None, blocked=blocked, listed=False)
        if visible(live, audience_of(audience), relation):
            profiles[comment] = Profile(member, *shown)
    return profiles


async def likes(
    connection: Connection, viewer: MemberId, post: PostId, before: Mark, count: int
) -> list[LikeView] | None:
    """Who likes a post, latest first; None when the viewer cannot see the post."""
    if not await hydrate(connection, viewer, [post]):
        return None
    return await likes_under(connection, viewer, post, before, count)


async def likes_under(
    connection: Connection, viewer: MemberId, post: PostId, before: Mark, count: int
) -> list[LikeView]:
    """Who likes a post that is known to be visible, latest first."""
    page: list[LikeView] = []
    step = count
    while len(page) < count:
        rows = await _LIKES(
            connection,
            cell=cell_of(post),
            post=post,
            before=before[0],
            before_member=before[1],
            count=step,
        )
        profiles = await profiles_of(connection, viewer, [member for member, _ in rows])
        page += [
            LikeView(profiles[member], liked_at) for member, liked_at in rows if member in profiles
        ]
        if len(rows) < step:
            break
        before = (rows[-1][1], rows[-1][0])
        step = min(step * 2, 500)
    return page[:count]


async def profiles_of(
    connection: Connection, viewer: MemberId, members: list[UUID]
) -> dict[UUID, Profile]:
    """Those of some members who neither block the viewer nor are blocked by them."""
    if not members:
        return {}
    towards: Viewer = await viewer_towards(connection, viewer, members)
    found = await _LIKERS(
        connection, cells=[cell_of(member) for member in members], members=members, viewer=viewer
    )
    profiles: dict[UUID, Profile] = {}
    for member, *shown, blocked in found:
        relation: Relation = towards.relation(member, bond=None, blocked=blocked, listed=False)
        if relation.is_author or not relation.blocked:
            profiles[member] = Profile(member, *shown)
    return profiles
