"""
What posts carry beside their words: what they ask, and whom they mention, gated for a viewer.

The posts themselves are known to be visible; most carry nothing, and are read without this.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from domain.audience import Relation, visible
from domain.ids import MemberId, cell_of
from projections.gates import audience_of
from projections.reading.statements import Connection, Statement
from projections.reading.viewing import viewer_towards

_POLLS = Statement(
    "polls_of_posts",
    """
    SELECT p.post, p.options, p.choose, p.closes_at, coalesce(t.voters, 0) AS voters, v.options
      FROM unnest(:cells::smallint[], :posts::uuid[]) AS wanted (cell, post)
      JOIN models.polls p ON p.cell = wanted.cell AND p.post = wanted.post
      LEFT JOIN models.turnouts t ON t.cell = wanted.cell AND t.post = wanted.post
      LEFT JOIN models.votes v
        ON v.cell = wanted.cell AND v.post = wanted.post AND v.member = :viewer::uuid
    """,
)

_TALLIES = Statement(
    "tallies_of_posts",
    """
    SELECT t.post, t.option, t.votes
      FROM unnest(:cells::smallint[], :posts::uuid[]) AS wanted (cell, post)
      JOIN models.tallies t ON t.cell = wanted.cell AND t.post = wanted.post
    """,
)

# Whether the mentioned may see the post: the author's half, in the post's cell …
_NAMED = Statement(
    "mentions_of_posts",
    """
    SELECT wanted.post, wanted.member, g.live, g.audience,
           f.bond, b.member IS NOT NULL AS blocked, l.member IS NOT NULL AS listed
      FROM unnest(:cells::smallint[], :posts::uuid[], :authors::uuid[], :members::uuid[])
           AS wanted (cell, post, author, member)
      JOIN models.gates g ON g.cell = wanted.cell AND g.content = wanted.post
      LEFT JOIN models.friendships f
        ON f.cell = wanted.cell AND f.member = wanted.author AND f.other = wanted.member
       AND f.standing <> 'incoming'
      LEFT JOIN models.blocks b
        ON b.cell = wanted.cell AND b.member = wanted.author AND b.other = wanted.member
      LEFT JOIN models.list_members l
        ON l.cell = g.cell AND l.list = g.list AND l.member = wanted.member
    """,
)

# … and the mentioned's own, with how they are shown and whether they have blocked the viewer.
_MENTIONED = Statement(
    "mentioned_members",
    """
    SELECT m.member, wanted.author, m.qq, m.nickname, f.bond,
           b.member IS NOT NULL AS blocks_author, v.member IS NOT NULL AS blocks_viewer
      FROM unnest(:cells::smallint[], :members::uuid[], :authors::uuid[])
           AS wanted (cell, member, author)
      JOIN models.members m ON m.cell = wanted.cell AND m.member = wanted.member
      LEFT JOIN models.friendships f
        ON f.cell = wanted.cell AND f.member = wanted.member AND f.other = wanted.author
       AND f.standing <> 'incoming'
      LEFT JOIN models.blocks b
        ON b.cell = wanted.cell AND b.member = wanted.member AND b.other = wanted.author
      LEFT JOIN models.blocks v
        ON v.cell = wanted.cell AND v.member = wanted.member AND v.other = :viewer::uuid
    """,
)


class PollView(msgspec.Struct, frozen=True):
    """
    What a post asks; options sealed. ``votes`` are by option and ``voters`` how many voted, exact,
    whoever is told of them; ``voted`` is what the viewer chose, empty before.
    """

    options: Sequence[bytes]
    choose: int
    closes_at: datetime | None
    votes: Sequence[int]
    voters: int
    voted: Sequence[int]


class Mentioned(msgspec.Struct, frozen=True):
    """A member whom a post mentions; names sealed."""

    member: UUID
    qq: bytes
    nickname: bytes


class Naming(NamedTuple):
    """A post, its author, and whom it mentions."""

    post: UUID
    author: MemberId
    members: Sequence[UUID]


async def polls_of(
    connection: Connection, viewer: MemberId, posts: Sequence[UUID]
) -> dict[UUID, PollView]:
    """What posts ask, by their ids."""
    where = {"cells": [cell_of(post) for post in posts], "posts": list(posts)}
    rows = await _POLLS(connection, viewer=viewer, **where)
    tallies = {(post, option): votes for post, option, votes in await _TALLIES(connection, **where)}
    return {
        post: PollView(
            options=options,
            choose=choose,
            closes_at=closes_at,
            votes=[tallies.get((post, number), 0) for number in range(len(options))],
            voters=voters,
            voted=voted or (),
        )
        for post, options, choose, closes_at, voters, voted in rows
    }


async def mentions_of(
    connection: Connection, viewer: MemberId, naming: Iterable[Naming]
) -> dict[UUID, list[Mentioned]]:
    """
    Whom posts mention, by their ids, each post asked about once: those who may see the post
    themselves, as far as neither they nor the viewer have blocked the other.
    """
    pairs = [(post, author, member) for post, author, members in naming for member in members]
    # Several posts of one author may mention one member; each pair is asked about once.
    halves = list({(member, author): None for _, author, member in pairs})
    shown = await _mentioned(connection, viewer, halves)
    towards = await viewer_towards(connection, viewer, {member for member, _ in halves})
    rows = await _NAMED(
        connection,
        cells=[cell_of(post) for post, _, _ in pairs],
        posts=[post for post, _, _ in pairs],
        authors=[author for _, author, _ in pairs],
        members=[member for _, _, member in pairs],
    )
    authors = {post: author for post, author, _ in pairs}
    seen: dict[tuple[UUID, UUID], Mentioned] = {}
    for post, member, live, audience, bond, blocked, listed in rows:
        half = shown.get((member, authors[post]))
        if half is None or half.apart or member in towards.blocked:
            continue
        friends = bond is not None and bond == half.bond
        relation = Relation(friends=friends, blocked=blocked, listed=listed)
        if visible(live, audience_of(audience), relation):
            seen[post, member] = half.member
    found: dict[UUID, list[Mentioned]] = {}
    for post, _, member in pairs:
        if (one := seen.get((post, member))) is not None:
            found.setdefault(post, []).append(one)
    return found


class _Half(msgspec.Struct, frozen=True):
    """The mentioned's own side: the bond offered to the author, and blocks of author or viewer."""

    member: Mentioned
    bond: UUID | None
    apart: bool


async def _mentioned(
    connection: Connection, viewer: MemberId, halves: Sequence[tuple[UUID, MemberId]]
) -> Mapping[tuple[UUID, UUID], _Half]:
    rows = await _MENTIONED(
        connection,
        cells=[cell_of(member) for member, _ in halves],
        members=[member for member, _ in halves],
        authors=[author for _, author in halves],
        viewer=viewer,
    )
    return {
        (member, author): _Half(
            Mentioned(member, qq, nickname), bond, blocks_author or blocks_viewer
        )
        for member, author, qq, nickname, bond, blocks_author, blocks_viewer in rows
    }
