"""
The twins of the statements that load facts into memory.
"""

from typing import Any
from uuid import UUID

from projections.comments import LIKES
from projections.counters import COUNTERS, WAITING
from projections.gates import GATES
from projections.lists import LIST_MEMBERS
from projections.members import MEMBERS
from projections.posts import POSTS
from projections.ties import BLOCKS, FOLLOWS, FRIENDSHIPS
from tests.simulation.asking import Asked, Rows, pick, twin, unnest
from tests.simulation.tables import Tables

_MEMBER = (
    "qq", "nickname", "certified_as", "certified_name", "status", "joined_at", "position",
    "decorated", "location_consent",
)  # fmt: skip
_LAST = ("waits", "due", "intended", "edit_waits", "commenting", "images", "mentions")
_POST = (
    "author", "kind", "text", "title", "mood", "location", "share_of", "published_at", "edited_at"
)  # fmt: skip


@twin("facts_of_members")
def _facts_of_members(tables: Tables, asked: Asked) -> Rows:
    wanted = unnest(asked, "cells", "members")
    found = ((member, tables.get(MEMBERS, cell, member)) for cell, member in wanted)
    return [(member, *pick(row, _MEMBER)) for member, row in found if row is not None]


@twin("ties_of_members")
def _ties_of_members(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, member in unnest(asked, "cells", "members"):
        rows += [
            (member, "bond", key[2], row["other_cell"], row["bond"])
            for key, row in tables.under(FRIENDSHIPS, cell, member).items()
            if row["standing"] != "incoming"
        ]
        blocks, follows = (tables.under(table, cell, member) for table in (BLOCKS, FOLLOWS))
        rows += [(member, "block", key[2], 0, None) for key in blocks]
        rows += [
            (member, "follow", key[2], row["other_cell"], None) for key, row in follows.items()
        ]
    return rows


def _half(tables: Tables, cell: int, member: UUID, other: UUID) -> Any:
    """The bond offered, whether followed, whether blocked."""
    half = tables.get(FRIENDSHIPS, cell, member, other)
    offered = half is not None and half["standing"] != "incoming"
    return (
        half["bond"] if half is not None and offered else None,
        tables.get(FOLLOWS, cell, member, other) is not None,
        tables.get(BLOCKS, cell, member, other) is not None,
    )


@twin("halves_towards_members")
def _halves_towards_members(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, author, viewer in unnest(asked, "cells", "authors", "viewers"):
        bond, _, blocked = _half(tables, cell, author, viewer)
        rows.append((viewer, author, bond, blocked))
    return rows


@twin("own_halves_of_pairs")
def _own_halves_of_pairs(tables: Tables, asked: Asked) -> Rows:
    pairs = unnest(asked, "cells", "members", "others")
    return [(member, other, *_half(tables, cell, member, other)) for cell, member, other in pairs]


@twin("other_halves_of_pairs")
def _other_halves_of_pairs(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, member, other in unnest(asked, "cells", "members", "others"):
        half = tables.get(FRIENDSHIPS, cell, other, member)
        said = (None, None) if half is None else pick(half, ("bond", "standing"))
        blocks = tables.get(BLOCKS, cell, other, member) is not None
        rows.append((member, other, *said, blocks))
    return rows


@twin("shelves")
def _shelves(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, author, count in unnest(asked, "cells", "authors", "counts"):
        found = sorted(
            (
                (row["published_at"], key[1])
                for key, row in tables.every(POSTS).items()
                if key[0] == cell and row["author"] == author
            ),
            reverse=True,
        )
        rows += [(at, post, author) for at, post in found[:count]]
    return rows


@twin("facts_of_posts")
def _facts_of_posts(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, post in unnest(asked, "cells", "posts"):
        row, gate = tables.get(POSTS, cell, post), tables.get(GATES, cell, post)
        if row is None or gate is None:
            continue
        counts = tables.get(COUNTERS, cell, post) or {"likes": 0, "comments": 0, "shares": 0}
        place = (cell, *pick(row, ("position", "version")))
        shown = pick(gate, ("live", "audience", "list"))
        counted = pick(counts, ("likes", "comments"))
        said = (*pick(row, _POST), *place, *shown, *counted, *pick(row, _LAST))
        rows.append((post, *said, counts["shares"]))
    return rows


@twin("own_responses")
def _own_responses(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, post, member in unnest(asked, "cells", "posts", "members"):
        waiting = tables.get(WAITING, cell, post, member) or {"comments": 0}
        liked = tables.get(LIKES, cell, post, member) is not None
        rows.append((member, post, liked, waiting["comments"]))
    return rows


@twin("facts_of_lists")
def _facts_of_lists(tables: Tables, asked: Asked) -> Rows:
    return [
        (which, member)
        for cell, which, member in unnest(asked, "cells", "lists", "members")
        if tables.get(LIST_MEMBERS, cell, which, member) is not None
    ]
