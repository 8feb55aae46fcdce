"""
What loads facts: one statement a kind, for as many keys as are wanted at once.

A load asks for what an answer lacks and keeps what it may; see :mod:`projections.recall.facts`.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

from domain.ids import MemberId, cell_of
from projections.reading.posts import waits_of
from projections.reading.statements import Connection, Statement
from projections.reading.viewing import viewers_of
from projections.recall import home_loads
from projections.recall.facts import Facts
from projections.recall.shapes import Member, Own, Pair, Said, Shelf, Standing

#: Of an author's newest posts: what nearly every page needs, and what the longest page can.
SHELF, DEEP_SHELF = 8, 48

_MEMBERS = Statement(
    "facts_of_members",
    """
    SELECT m.member, m.qq, m.nickname, m.certified_as, m.certified_name, m.status, m.joined_at,
           m.position, m.decorated, m.location_consent
      FROM unnest(:cells::smallint[], :members::uuid[]) AS wanted (cell, member)
      JOIN models.members m ON m.cell = wanted.cell AND m.member = wanted.member
    """,
)

_TIES = Statement(
    "ties_of_members",
    """
    SELECT wanted.member, 'bond', f.other, f.other_cell, f.bond
      FROM unnest(:cells::smallint[], :members::uuid[]) AS wanted (cell, member)
      JOIN models.friendships f ON f.cell = wanted.cell AND f.member = wanted.member
     WHERE f.standing <> 'incoming'
    UNION ALL
    SELECT wanted.member, 'block', b.other, 0::smallint, NULL
      FROM unnest(:cells::smallint[], :members::uuid[]) AS wanted (cell, member)
      JOIN models.blocks b ON b.cell = wanted.cell AND b.member = wanted.member
    UNION ALL
    SELECT wanted.member, 'follow', w.other, w.other_cell, NULL
      FROM unnest(:cells::smallint[], :members::uuid[]) AS wanted (cell, member)
      JOIN models.follows w ON w.cell = wanted.cell AND w.member = wanted.member
    """,
)

_HALVES = Statement(
    "halves_towards_members",
    """
    SELECT wanted.viewer, wanted.author, f.bond, b.member IS NOT NULL AS blocked
      FROM unnest(:cells::smallint[], :authors::uuid[], :viewers::uuid[])
           AS wanted (cell, author, viewer)
      LEFT JOIN models.friendships f
        ON f.cell = wanted.cell AND f.member = wanted.author AND f.other = wanted.viewer
       AND f.standing <> 'incoming'
      LEFT JOIN models.blocks b
        ON b.cell = wanted.cell AND b.member = wanted.author AND b.other = wanted.viewer
    """,
)

_MINE = Statement(
    "own_halves_of_pairs",
    """
    SELECT wanted.member, wanted.other, f.bond,
           w.member IS NOT NULL AS follows, b.member IS NOT NULL AS blocked
      FROM unnest(:cells::smallint[], :members::uuid[], :others::uuid[])
           AS wanted (cell, member, other)
      LEFT JOIN models.friendships f
        ON f.cell = wanted.cell AND f.member = wanted.member AND f.other = wanted.other
       AND f.standing <> 'incoming'
      LEFT JOIN models.follows w
        ON w.cell = wanted.cell AND w.member = wanted.member AND w.other = wanted.other
      LEFT JOIN models.blocks b
        ON b.cell = wanted.cell AND b.member = wanted.member AND b.other = wanted.other
    """,
)

_THEIRS = Statement(
    "other_halves_of_pairs",
    """
    SELECT wanted.member, wanted.other, f.bond, f.standing, b.member IS NOT NULL AS blocks
      FROM unnest(:cells::smallint[], :members::uuid[], :others::uuid[])
           AS wanted (cell, member, other)
      LEFT JOIN models.friendships f
        ON f.cell = wanted.cell AND f.member = wanted.other AND f.other = wanted.member
      LEFT JOIN models.blocks b
        ON b.cell = wanted.cell AND b.member = wanted.other AND b.other = wanted.member
    """,
)

_SHELVES = Statement(
    "shelves",
    """
    SELECT newest.published_at, newest.post, wanted.author
      FROM unnest(:cells::smallint[], :authors::uuid[], :counts::int[])
           AS wanted (cell, author, count)
     CROSS JOIN LATERAL (
           SELECT p.published_at, p.post FROM models.posts p
            WHERE p.cell = wanted.cell AND p.author = wanted.author
            ORDER BY p.published_at DESC, p.post DESC
            LIMIT wanted.count) AS newest
    """,
)

_SAID = Statement(
    "facts_of_posts",
    """
    SELECT p.post, p.author, p.kind, p.text, p.title, p.mood, p.location, p.share_of,
           p.published_at, p.edited_at, p.cell, p.position, p.version,
           g.live, g.audience, g.list,
           coalesce(c.likes, 0) AS likes, coalesce(c.comments, 0) AS comments,
           p.waits, p.due, p.intended, p.edit_waits, p.commenting, p.images, p.mentions,
           coalesce(c.shares, 0) AS shares
      FROM unnest(:cells::smallint[], :posts::uuid[]) AS wanted (cell, post)
      JOIN models.posts p ON p.cell = wanted.cell AND p.post = wanted.post
      JOIN models.gates g ON g.cell = wanted.cell AND g.content = wanted.post
      LEFT JOIN models.counters c ON c.cell = wanted.cell AND c.post = wanted.post
    """,
)

_OWN = Statement(
    "own_responses",
    """
    SELECT wanted.member, wanted.post, k.member IS NOT NULL AS liked,
           coalesce(w.comments, 0) AS waiting
      FROM unnest(:cells::smallint[], :posts::uuid[], :members::uuid[])
           AS wanted (cell, post, member)
      LEFT JOIN models.likes k
        ON k.cell = wanted.cell AND k.post = wanted.post AND k.member = wanted.member
      LEFT JOIN models.waiting_comments w
        ON w.cell = wanted.cell AND w.post = wanted.post AND w.author = wanted.member
    """,
)

_LISTED = Statement(
    "facts_of_lists",
    """
    SELECT l.list, l.member
      FROM unnest(:cells::smallint[], :lists::uuid[], :members::uuid[])
           AS wanted (cell, list, member)
      JOIN models.list_members l
        ON l.cell = wanted.cell AND l.list = wanted.list AND l.member = wanted.member
    """,
)

Load = Callable[[Connection, Facts, Sequence[Any]], Awaitable[None]]


async def _members(connection: Connection, facts: Facts, members: Sequence[UUID]) -> None:
    asked = facts.asked()
    cells = [cell_of(member) for member in members]
    rows = await _MEMBERS(connection, cells=cells, members=members)
    found = {member: Member(*shown) for member, *shown in rows}
    for cell, member in zip(cells, members, strict=True):
        facts.keep(facts.members, cell, member, found.get(member), asked)


async def _standings(connection: Connection, facts: Facts, members: Sequence[MemberId]) -> None:
    asked = facts.asked()
    ties = await _TIES(connection, cells=[cell_of(one) for one in members], members=members)
    viewers = viewers_of(members, ties)
    pairs = {(tie[0], tie[2]): tie[3] for tie in ties if tie[1] != "block"}
    halves = await _HALVES(
        connection,
        cells=list(pairs.values()),
        authors=[author for _, author in pairs],
        viewers=[member for member, _ in pairs],
    )
    friends: dict[UUID, set[UUID]] = {member: set() for member in members}
    shut = {member: set(viewers[member].blocked) for member in members}
    for member, author, bond, blocked in halves:
        if blocked:
            shut[member].add(author)
        elif bond is not None and viewers[member].bonds.get(author) == bond:
            friends[member].add(author)
    for member in members:
        near = frozenset(friends[member] - shut[member])
        follows = frozenset(viewers[member].follows - shut[member])
        standing = Standing(near, follows, tuple(near | follows))
        facts.keep(facts.standings, cell_of(member), member, standing, asked)


async def _pairs(connection: Connection, facts: Facts, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    asked = facts.asked()
    members, others = [member for member, _ in pairs], [other for _, other in pairs]
    mine = await _MINE(
        connection, cells=[cell_of(one) for one in members], members=members, others=others
    )
    theirs = await _THEIRS(
        connection, cells=[cell_of(one) for one in others], members=members, others=others
    )
    halves = {(row[0], row[1]): row for row in theirs}
    for member, other, bond, follows, blocked in mine:
        _, _, their_bond, their_standing, blocks = halves[member, other]
        pair = Pair(bond, their_bond, their_standing, follows, blocked, blocks)
        facts.keep(facts.pairs, cell_of(member), (member, other), pair, asked)


async def _shelves(connection: Connection, facts: Facts, authors: Sequence[UUID]) -> None:
    asked = facts.asked()
    cells = [cell_of(author) for author in authors]
    counts = [DEEP_SHELF if author in facts.prolific else SHELF for author in authors]
    rows = await _SHELVES(connection, cells=cells, authors=authors, counts=counts)
    found: dict[UUID, list[tuple[Any, UUID, UUID]]] = {author: [] for author in authors}
    for published_at, post, author in rows:
        found[author].append((published_at, post, author))
    for cell, author, count in zip(cells, authors, counts, strict=True):
        posts = tuple(sorted(found[author], reverse=True))
        facts.keep(facts.shelves, cell, author, Shelf(posts, len(posts) < count), asked)


async def _said(connection: Connection, facts: Facts, posts: Sequence[UUID]) -> None:
    asked = facts.asked()
    cells = [cell_of(post) for post in posts]
    rows = await _SAID(connection, cells=cells, posts=posts)
    # One that is not there is not kept: made-up ids would push out what is.
    for post, *said in rows:
        fact = Said(*said[:17])
        fact.waits = waits_of(*said[17:21])
        fact.commenting, fact.images, fact.mentions, fact.shares = said[21:]
        facts.keep(facts.posts, cell_of(post), post, fact, asked)


async def _own(connection: Connection, facts: Facts, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    asked = facts.asked()
    members, posts = [member for member, _ in pairs], [post for _, post in pairs]
    cells = [cell_of(post) for post in posts]
    rows = await _OWN(connection, cells=cells, posts=posts, members=members)
    for member, post, liked, waiting in rows:
        own = Own(liked, waiting)
        facts.keep(facts.own, cell_of(member), (member, post), own, asked)


async def _listed(connection: Connection, facts: Facts, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    asked = facts.asked()
    lists, members = [which for which, _ in pairs], [member for _, member in pairs]
    cells = [cell_of(which) for which in lists]
    rows = await _LISTED(connection, cells=cells, lists=lists, members=members)
    found = {tuple(row) for row in rows}
    for cell, pair in zip(cells, pairs, strict=True):
        facts.keep(facts.listed, cell, pair, pair in found, asked)


LOADS: Final[dict[str, Load]] = {
    "members": _members,
    "standings": _standings,
    "pairs": _pairs,
    "shelves": _shelves,
    "posts": _said,
    "own": _own,
    "listed": _listed,
    "pages": home_loads.pages,
    "visited": home_loads.visited,
}
