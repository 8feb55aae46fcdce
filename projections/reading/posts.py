"""
Posts, hydrated and gated for a viewer.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from domain.audience import Audience, OnlyMe, visible
from domain.ids import MemberId, cell_of
from projections.gates import audience_of
from projections.reading.carried import Mentioned, Naming, PollView, mentions_of, polls_of
from projections.reading.images import ImageView, images_of, in_order
from projections.reading.statements import Connection, Row, Statement
from projections.reading.viewing import Viewer, viewer_towards, viewer_with_all_ties

#: A cursor: what was last shown. Items are ordered by it, newest first.
Mark = tuple[datetime, UUID]

_COLUMNS = """
           p.post, p.author, p.kind, p.text, p.title, p.mood, p.location, p.share_of,
           p.published_at, p.edited_at, p.cell, p.position, p.version,
           g.live, g.audience,
           f.bond, b.member IS NOT NULL AS blocked, l.member IS NOT NULL AS listed,
           coalesce(c.likes, 0) AS likes, coalesce(c.comments, 0) AS comments,
           k.member IS NOT NULL AS liked,
           m.qq, m.nickname, m.certified_as, m.certified_name,
           p.waits, p.due, p.intended, p.edit_waits, coalesce(w.comments, 0) AS own_waiting,
           p.commenting, p.images, p.mentions, coalesce(c.shares, 0) AS shares
"""

#: All that a post's gate needs of its author's side stands in the post's own cell.
_WITH_GATES = """
      JOIN models.posts p ON p.cell = wanted.cell AND p.post = wanted.post
      JOIN models.gates g ON g.cell = wanted.cell AND g.content = wanted.post
      JOIN models.members m ON m.cell = p.cell AND m.member = p.author
      LEFT JOIN models.counters c ON c.cell = wanted.cell AND c.post = wanted.post
      LEFT JOIN models.likes k
        ON k.cell = wanted.cell AND k.post = wanted.post AND k.member = :viewer::uuid
      LEFT JOIN models.waiting_comments w
        ON w.cell = wanted.cell AND w.post = wanted.post AND w.author = :viewer::uuid
      LEFT JOIN models.friendships f
        ON f.cell = p.cell AND f.member = p.author AND f.other = :viewer::uuid
       AND f.standing <> 'incoming'
      LEFT JOIN models.blocks b
        ON b.cell = p.cell AND b.member = p.author AND b.other = :viewer::uuid
      LEFT JOIN models.list_members l
        ON l.cell = g.cell AND l.list = g.list AND l.member = :viewer::uuid
"""

_HYDRATE = Statement(
    "hydrate_posts",
    f"""
    SELECT {_COLUMNS}
      FROM unnest(:cells::smallint[], :posts::uuid[]) AS wanted (cell, post)
    {_WITH_GATES}
    """,  # noqa: S608 - put together from constants of this module
)

_PAGE_BY_AUTHORS = Statement(
    "page_by_authors",
    f"""
    SELECT {_COLUMNS}
      FROM (SELECT source.cell, newest.post, newest.published_at
              FROM unnest(:cells::smallint[], :authors::uuid[]) AS source (cell, author)
             CROSS JOIN LATERAL (
                   SELECT n.post, n.published_at FROM models.posts n
                    WHERE n.cell = source.cell AND n.author = source.author
                      AND (n.published_at, n.post) < (:before::timestamptz, :before_post::uuid)
                    ORDER BY n.published_at DESC, n.post DESC
                    LIMIT :count::int) AS newest
             ORDER BY newest.published_at DESC, newest.post DESC
             LIMIT :count::int) AS wanted
    {_WITH_GATES}
     ORDER BY wanted.published_at DESC, wanted.post DESC
    """,  # noqa: S608 - put together from constants of this module
)

# The same, narrowed to sources that count and posts that the gates let through: slower where most
# can be seen, but thousands of hidden posts cost no round trips and no texts. ``visible`` still
# decides, on the rows of either.
_NARROWED_PAGE = Statement(
    "narrowed_page_by_authors",
    f"""
    SELECT {_COLUMNS}
      FROM (SELECT source.cell, newest.post, newest.published_at
              FROM (SELECT s.cell, s.author, f.member IS NOT NULL AS friend
                      FROM unnest(:cells::smallint[], :authors::uuid[], :bonds::uuid[],
                                  :follows::boolean[]) AS s (cell, author, bond, follows)
                      LEFT JOIN models.friendships f
                        ON f.cell = s.cell AND f.member = s.author AND f.other = :viewer::uuid
                       AND f.bond = s.bond AND f.standing <> 'incoming'
                      LEFT JOIN models.blocks b
                        ON b.cell = s.cell AND b.member = s.author AND b.other = :viewer::uuid
                      LEFT JOIN models.members m ON m.cell = s.cell AND m.member = s.author
                     WHERE b.member IS NULL
                       AND (:all_posts::boolean OR f.member IS NOT NULL
                            OR (s.follows AND m.certified_as IS NOT NULL))) AS source
             CROSS JOIN LATERAL (
                   SELECT n.post, n.published_at
                     FROM models.posts n
                     JOIN models.gates h ON h.cell = n.cell AND h.content = n.post
                    WHERE n.cell = source.cell AND n.author = source.author
                      AND (n.published_at, n.post) < (:before::timestamptz, :before_post::uuid)
                      AND h.live
                      AND (h.audience = 'public' OR source.author = :viewer::uuid
                           OR (h.audience = 'friends' AND source.friend)
                           OR (h.audience = 'list' AND EXISTS (
                                 SELECT FROM models.list_members e
                                  WHERE e.cell = h.cell AND e.list = h.list
                                    AND e.member = :viewer::uuid)))
                    ORDER BY n.published_at DESC, n.post DESC
                    LIMIT :count::int) AS newest
             ORDER BY newest.published_at DESC, newest.post DESC
             LIMIT :count::int) AS wanted
    {_WITH_GATES}
     ORDER BY wanted.published_at DESC, wanted.post DESC
    """,  # noqa: S608 - put together from constants of this module
)

#: Stands for the bond where there is none: no bond has this id.
_NO_BOND = UUID(int=0)


class Profile(msgspec.Struct, frozen=True):
    """A member as others see one; names sealed."""

    member: UUID
    qq: bytes
    nickname: bytes
    certified_as: str | None = None
    certified_name: bytes | None = None


class Waits(msgspec.Struct, frozen=True):
    """
    What an author alone sees of a post that waits, or of an edit that does.

    :param post: how the post waits: ``held`` or ``private_view``; None when it is published.
    :param due: by when somebody was to have looked at it.
    :param intended: whom it will be for.
    :param edit: how an edit waits.
    """

    post: str | None
    due: datetime | None
    intended: str | None
    edit: str | None


class PostView(msgspec.Struct):
    """
    A post that its viewer may see; words sealed. ``shared`` is the original, if visible too.
    ``comments`` counts the viewer's own that wait. ``lasting`` says that the same view is given to
    others as well: nobody may change it. What it carries is filled in by :func:`with_shared`.
    """

    post: UUID
    author: Profile
    kind: str
    text: bytes
    title: bytes | None
    mood: bytes | None
    location: bytes | None
    share_of: UUID | None
    published_at: datetime
    edited_at: datetime | None
    cell: int
    position: int
    version: int
    audience: str
    likes: int
    comments: int
    liked: bool
    friends: bool
    waits: Waits | None = None
    shared: "PostView | None" = None
    lasting: bool = False
    commenting: str = "everyone"
    images: Sequence[UUID] | None = None
    mentions: Sequence[UUID] | None = None
    shares: int = 0
    poll: PollView | None = None
    mentioned: Sequence[Mentioned] = ()
    shown: Sequence[ImageView] = ()

    @property
    def carries(self) -> bool:
        """Whether it has more than its words: a poll, images or mentions, which are read apart."""
        return self.kind == "poll" or self.images is not None or self.mentions is not None

    @property
    def mark(self) -> Mark:
        """Where a walk goes on after it."""
        return self.published_at, self.post


async def hydrate(
    connection: Connection, viewer: Viewer | MemberId, posts: Sequence[UUID]
) -> dict[UUID, PostView]:
    """
    Those of the posts that the viewer may see, by id.

    :param viewer: the member who looks, or one whose ties to all authors are known.
    """
    if not posts:
        return {}
    member = viewer.member if isinstance(viewer, Viewer) else viewer
    cells = [cell_of(post) for post in posts]
    rows = await _HYDRATE(connection, cells=cells, posts=list(posts), viewer=member)
    if not isinstance(viewer, Viewer):
        viewer = await viewer_towards(connection, member, {row[1] for row in rows})
    found: dict[UUID, PostView] = {}
    for row in rows:
        view = _gated(viewer, row)
        if view is not None:
            found[view.post] = view
    return found


async def with_shared(
    connection: Connection, viewer: MemberId, posts: Iterable[PostView]
) -> list[PostView]:
    """
    The same posts, with the originals of shares, as far as the viewer may see those, and with all
    that posts carry.
    """
    views = list(posts)
    wanted = [view.share_of for view in views if view.share_of is not None]
    if wanted:
        originals = await hydrate(connection, viewer, list(dict.fromkeys(wanted)))
        for view in views:
            if view.share_of is not None:
                view.shared = originals.get(view.share_of)
        await _carry(connection, viewer, [*views, *originals.values()])
    else:
        await _carry(connection, viewer, views)
    return views


async def _carry(connection: Connection, viewer: MemberId, views: Iterable[PostView]) -> None:
    """Fill in what posts carry."""
    carrying = [view for view in views if view.carries]
    # The same post may be met twice, as it is in a timeline.
    asking = list({view.post: None for view in carrying if view.kind == "poll"})
    naming = {
        view.post: Naming(view.post, MemberId(view.author.member), view.mentions)
        for view in carrying
        if view.mentions is not None
    }
    photos = list({photo: None for view in carrying for photo in view.images or ()})
    pictures = await images_of(connection, viewer, photos) if photos else {}
    polls = await polls_of(connection, viewer, asking) if asking else {}
    mentioned = await mentions_of(connection, viewer, naming.values()) if naming else {}
    for view in carrying:
        view.poll = polls.get(view.post)
        view.mentioned = mentioned.get(view.post, ())
        view.shown = in_order(view.images, pictures)


async def image_in(
    connection: Connection, viewer: MemberId, post: UUID, photo: UUID
) -> ImageView | None:
    """A photo that a post shows; None when the viewer sees no such post, or it shows no such."""
    view = (await hydrate(connection, viewer, [post])).get(post)
    if view is None or photo not in (view.images or ()):
        return None
    return (await images_of(connection, viewer, [photo])).get(photo)


async def space_posts(
    connection: Connection, viewer: MemberId, author: MemberId, before: Mark, count: int
) -> list[PostView]:
    """A member's posts, newest first: ``count`` of them, as long as there are so many."""
    towards = await viewer_towards(connection, viewer, {author})
    return await _fill(connection, towards, {author: cell_of(author)}, before, count, None)


async def feed(
    connection: Connection, viewer: MemberId, before: Mark, count: int
) -> list[PostView]:
    """The information center: posts by friends and followed certified spaces, newest first."""
    towards, sources = await viewer_with_all_ties(connection, viewer)
    return await _fill(connection, towards, sources, before, count, towards.follows)


async def _fill(
    connection: Connection,
    viewer: Viewer,
    sources: dict[UUID, int],
    before: Mark,
    count: int,
    follows: Collection[UUID] | None,
) -> list[PostView]:
    """References, gated, until ``count`` of them lead to something that the viewer may see."""
    page: list[PostView] = []
    if not sources:
        return page
    authors = [author for author in sources if author not in viewer.blocked]
    where = {"cells": [sources[author] for author in authors], "authors": authors}
    narrowed = {
        "bonds": [viewer.bonds.get(author, _NO_BOND) for author in authors],
        "follows": [author in viewer.follows for author in authors],
        "all_posts": follows is None,
    }
    # A few more than asked for: most pages have a post or two that are not for this viewer.
    step, statement = count + count // 4 + 4, _PAGE_BY_AUTHORS
    while len(page) < count:
        mark = {"before": before[0], "before_post": before[1], "count": step}
        rows = await statement(connection, viewer=viewer.member, **where, **narrowed, **mark)
        for row in rows:
            view = _gated(viewer, row)
            if view is not None and (follows is None or _in_feed(view, follows)):
                page.append(view)
        if len(rows) < step:
            break
        before = (rows[-1][8], rows[-1][0])
        step, statement = count, _NARROWED_PAGE
    return await with_shared(connection, viewer.member, page[:count])


def waits_of(
    post: str | None, due: datetime | None, intended: str | None, edit: str | None
) -> Waits | None:
    """What a row says of waiting; None when nothing does."""
    return None if post is None and edit is None else Waits(post, due, intended, edit)


def audience_so_far(audience: str, waits: Waits | None) -> Audience:
    """
    For whom a post is there, by its gate and as far as its row knows. The gate of one that was
    approved opens at the commit; a row that has not heard of it may say what nobody approved of.
    """
    return OnlyMe() if waits is not None and waits.post is not None else audience_of(audience)


def _in_feed(view: PostView, follows: Collection[UUID]) -> bool:
    certified = view.author.certified_as is not None
    return view.friends or (certified and view.author.member in follows)


def _gated(viewer: Viewer, row: Row) -> PostView | None:
    (post, author, kind, text, title, mood, location, share_of, published_at, edited_at) = row[:10]
    (cell, position, version, live, audience, bond, blocked, listed) = row[10:18]
    (likes, comments, liked, qq, nickname, certified_as, certified_name) = row[18:25]
    (post_waits, due, intended, edit_waits, own_waiting, commenting) = row[25:31]
    (images, mentions, shares) = row[31:]
    relation = viewer.relation(author, bond=bond, blocked=blocked, listed=listed)
    waits = waits_of(post_waits, due, intended, edit_waits)
    if not visible(live, audience_so_far(audience, waits), relation):
        return None
    profile = Profile(author, qq, nickname, certified_as, certified_name)
    return PostView(
        post=post,
        author=profile,
        kind=kind,
        text=text,
        title=title,
        mood=mood,
        location=location,
        share_of=share_of,
        published_at=published_at,
        edited_at=edited_at,
        cell=cell,
        position=position,
        version=version,
        audience=audience,
        likes=likes,
        comments=comments + own_waiting,
        liked=liked,
        friends=relation.friends,
        waits=waits,
        commenting=commenting,
        images=images,
        mentions=mentions,
        shares=shares,
    )
