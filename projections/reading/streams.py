"""
What streams read: where the log holds what concerns a viewer, and what may be shown of it now.

Whatever a stream is about to send passes the same gates as any read.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec

from domain.ids import CommentId, MemberId, PostId, cell_of
from projections.reading import people
from projections.reading.messages import MessageView
from projections.reading.messages import by_id as messages_by_id
from projections.reading.people import MemberView
from projections.reading.posts import PostView, hydrate, with_shared
from projections.reading.responses import CommentView, comments_by_id
from projections.reading.statements import Connection, Statement
from projections.reading.viewing import viewer_towards, viewer_with_all_ties
from projections.streams import Transition
from projections.trail import Facet

_TIED = Statement(
    "tied_since",
    """
    SELECT DISTINCT other FROM models.tie_history
     WHERE cell = :cell::smallint AND member = :member::uuid
       AND position > :after::bigint AND position <= :until::bigint
    """,
)

_TRAILS = Statement(
    "trails",
    """
    SELECT w.number, w.cell, t.position
      FROM unnest(:cells::smallint[], :facets::smallint[], :keys::uuid[],
                  :afters::bigint[], :untils::bigint[])
           WITH ORDINALITY AS w (cell, facet, key, after, until, number)
     CROSS JOIN LATERAL (
           SELECT p.position FROM models.trail p
            WHERE p.cell = w.cell AND p.facet = w.facet AND p.key = w.key
              AND p.position > w.after AND p.position <= w.until
            ORDER BY p.position LIMIT :count::int) AS t
    """,
)

_LIKES = Statement(
    "likes_standing",
    """
    SELECT l.post, l.member
      FROM unnest(:cells::smallint[], :posts::uuid[], :members::uuid[]) AS w (cell, post, member)
      JOIN models.likes l ON l.cell = w.cell AND l.post = w.post AND l.member = w.member
    """,
)


async def sources(connection: Connection, viewer: MemberId) -> set[UUID]:
    """All whose posts may be in a member's stream; the member is one of them."""
    _, others = await viewer_with_all_ties(connection, viewer)
    return {viewer, *others}


async def tied_since(
    connection: Connection, viewer: MemberId, after: Mapping[int, int], until: Mapping[int, int]
) -> set[UUID]:
    """Those towards whom a member declared anything, between two vectors."""
    cell = cell_of(viewer)
    rows = await _TIED(
        connection,
        cell=cell,
        member=viewer,
        after=after.get(cell, 0),
        until=until.get(cell, 0),
    )
    return {other for (other,) in rows}


async def trails(
    connection: Connection,
    wanted: Sequence[tuple[int, Facet]],
    after: Mapping[int, int],
    until: Mapping[int, int],
    count: int,
) -> tuple[dict[int, list[int]], dict[int, int]]:
    """
    Positions of many facets, each in a cell, between two vectors.

    :param count: the most of one facet.
    :return: positions in order by cell, and the vector up to which they are all.
    """
    rows = await _TRAILS(
        connection,
        cells=[cell for cell, _ in wanted],
        facets=[facet for _, (facet, _) in wanted],
        keys=[key for _, (_, key) in wanted],
        afters=[after.get(cell, 0) for cell, _ in wanted],
        untils=[until.get(cell, 0) for cell, _ in wanted],
        count=count,
    )
    ends = dict(until)
    positions: dict[int, set[int]] = {}
    found: dict[int, list[int]] = {}
    for number, cell, position in rows:
        found.setdefault(number, []).append(position)
        positions.setdefault(cell, set()).add(position)
        if len(found[number]) == count:
            ends[cell] = min(ends[cell], max(found[number]))
    return {
        cell: sorted(one for one in all_ if one <= ends[cell]) for cell, all_ in positions.items()
    }, ends


class Shown(msgspec.Struct, frozen=True):
    """What a viewer may see now of what some transitions are about, by id."""

    posts: dict[UUID, PostView]
    comments: dict[UUID, CommentView]
    messages: dict[UUID, MessageView]
    members: dict[UUID, MemberView]
    likes: set[tuple[UUID, UUID]]


async def show(
    connection: Connection, viewer: MemberId, wanted: Iterable[Transition]
) -> Shown | None:
    """What may be sent of these transitions; None when the viewer may see nothing any more."""
    if await people.status(connection, viewer) != "active":
        return None
    present = [one for one in wanted if not one.leaves]
    posts = {one.id for one in present if one.kind.startswith("post.")}
    responses = [one for one in present if one.on is not None]
    towards = await viewer_towards(connection, viewer, {one.member for one in present})
    follows = towards.follows
    views = await hydrate(connection, towards, list(posts))
    feed = {
        post: view
        for post, view in views.items()
        if view.author.member == viewer or view.friends or _followed(view, follows)
    }
    await with_shared(connection, viewer, feed.values())
    under = await hydrate(connection, viewer, list({one.on for one in responses if one.on}))
    wanted_comments = [
        (CommentId(one.id), PostId(one.on))
        for one in responses
        if one.kind == "comment.appeared" and one.on in under
    ]
    comments = await comments_by_id(connection, viewer, wanted_comments)
    likes = await _standing_likes(
        connection,
        [one for one in responses if one.kind == "like.appeared" and one.on in under],
    )
    on_board = {one.id: viewer for one in present if one.kind == "message.appeared"}
    messages = await messages_by_id(connection, viewer, on_board)
    hydrated = ("post.", "comment.", "message.")
    told = {one.member for one in wanted if not one.kind.startswith(hydrated)}
    members = await people.members(connection, viewer, list(told))
    return Shown(feed, comments, messages, members, likes)


def _followed(view: PostView, follows: set[UUID]) -> bool:
    return view.author.certified_as is not None and view.author.member in follows


async def _standing_likes(
    connection: Connection, wanted: Sequence[Transition]
) -> set[tuple[UUID, UUID]]:
    if not wanted:
        return set()
    posts = [one.on for one in wanted if one.on is not None]
    rows = await _LIKES(
        connection,
        cells=[cell_of(post) for post in posts],
        posts=posts,
        members=[one.member for one in wanted],
    )
    return {(post, member) for post, member in rows}
