"""
What each statement of the product's reads answers, said in Python over the tables in memory.

The reading code runs unchanged on these: a statement has a name, and here stands its twin of that
name. ``test_twins.py`` asks PostgreSQL and the twins the same questions over generated histories
and compares the rows, so that the two cannot drift apart. A new statement is one function here.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Table

from projections.comments import COMMENTS, LIKES
from projections.counters import COUNTERS, WAITING
from projections.gates import GATES
from projections.lists import LIST_MEMBERS, LISTS
from projections.members import MEMBERS
from projections.posts import POSTS
from projections.ties import BLOCKS, FOLLOWS, FRIENDSHIPS
from projections.timeline import TIMELINE
from tests.simulation import (
    authorities,
    carried,
    coins,
    exhibits,
    facts,
    forgetting,
    news,
    pages,
    past,
    reviews,
)
from tests.simulation.asking import TWINS, Asked, Rows, pick, twin, unnest
from tests.simulation.tables import Row, Tables

__all__ = [
    "TWINS",
    "authorities",
    "carried",
    "coins",
    "exhibits",
    "facts",
    "forgetting",
    "news",
    "pages",
    "past",
    "reviews",
]

#: The columns that a shown member has, and those of what a post says.
_SHOWN = ("qq", "nickname", "certified_as", "certified_name")
_WAITS = ("waits", "due", "intended", "edit_waits")
_CARRIED = ("commenting", "images", "mentions")
_SAID = ("kind", "text", "title", "mood", "location", "share_of", "published_at", "edited_at")


def _offered(tables: Tables, cell: int, member: UUID, other: UUID) -> UUID | None:
    """The bond that a member's half stands for."""
    half = tables.get(FRIENDSHIPS, cell, member, other)
    return half["bond"] if half is not None and half["standing"] != "incoming" else None


# A viewer's own side


def _declared(tables: Tables, asked: Asked, others: Sequence[UUID] | None) -> Rows:
    at = (asked["cell"], asked["viewer"])

    def wanted(table: Table) -> list[tuple[UUID, Row]]:
        found = tables.under(table, *at).items()
        return [(key[2], row) for key, row in found if others is None or key[2] in others]

    rows: Rows = [
        ("bond", other, row["other_cell"], row["bond"])
        for other, row in wanted(FRIENDSHIPS)
        if row["standing"] != "incoming"
    ]
    rows += [("block", other, 0, None) for other, _ in wanted(BLOCKS)]
    rows += [("follow", other, row["other_cell"], None) for other, row in wanted(FOLLOWS)]
    return rows


@twin("all_ties")
def _all_ties(tables: Tables, asked: Asked) -> Rows:
    return _declared(tables, asked, None)


@twin("ties_to")
def _ties_to(tables: Tables, asked: Asked) -> Rows:
    return _declared(tables, asked, asked["others"])


# Posts


def _with_gates(tables: Tables, cell: int, post: UUID, viewer: UUID) -> tuple[Any, ...] | None:
    row, gate = tables.get(POSTS, cell, post), tables.get(GATES, cell, post)
    if row is None or gate is None:
        return None
    author = row["author"]
    member = tables.get(MEMBERS, cell, author)
    if member is None:
        return None
    counts = tables.get(COUNTERS, cell, post) or {"likes": 0, "comments": 0, "shares": 0}
    return (
        post,
        author,
        *pick(row, _SAID),
        cell,
        *pick(row, ("position", "version")),
        *pick(gate, ("live", "audience")),
        _offered(tables, cell, author, viewer),
        tables.get(BLOCKS, cell, author, viewer) is not None,
        tables.get(LIST_MEMBERS, cell, gate["list"], viewer) is not None,
        *pick(counts, ("likes", "comments")),
        tables.get(LIKES, cell, post, viewer) is not None,
        *pick(member, _SHOWN),
        *pick(row, _WAITS),
        _waiting(tables, cell, post, viewer),
        *pick(row, _CARRIED),
        counts["shares"],
    )


def _waiting(tables: Tables, cell: int, post: UUID, member: UUID) -> int:
    """How many of a member's comments under a post wait."""
    row = tables.get(WAITING, cell, post, member)
    return 0 if row is None else int(row["comments"])


@twin("hydrate_posts")
def _hydrate_posts(tables: Tables, asked: Asked) -> Rows:
    wanted = unnest(asked, "cells", "posts")
    rows = (_with_gates(tables, cell, post, asked["viewer"]) for cell, post in wanted)
    return [row for row in rows if row is not None]


def _newest(
    tables: Tables, asked: Asked, sources: Iterable[tuple[int, UUID]], shown: Callable[..., bool]
) -> Rows:
    """A page of what some authors wrote, newest first, as far as ``shown`` lets through."""
    by, mark = set(sources), (asked["before"], asked["before_post"])
    found = [
        (row["published_at"], key[1], key[0])
        for key, row in tables.every(POSTS).items()
        if (key[0], row["author"]) in by
        and (row["published_at"], key[1]) < mark
        and shown(key[0], key[1], row["author"])
    ]
    found.sort(reverse=True)
    rows = (
        _with_gates(tables, cell, post, asked["viewer"])
        for _, post, cell in found[: asked["count"]]
    )
    return [row for row in rows if row is not None]


@twin("page_by_authors")
def _page_by_authors(tables: Tables, asked: Asked) -> Rows:
    return _newest(tables, asked, unnest(asked, "cells", "authors"), lambda *_: True)


@twin("narrowed_page_by_authors")
def _narrowed_page_by_authors(tables: Tables, asked: Asked) -> Rows:
    viewer = asked["viewer"]
    friend: dict[UUID, bool] = {}
    sources: list[tuple[int, UUID]] = []
    for cell, author, bond, follows in unnest(asked, "cells", "authors", "bonds", "follows"):
        friend[author] = _offered(tables, cell, author, viewer) == bond
        member = tables.get(MEMBERS, cell, author)
        certified = member is not None and member["certified_as"] is not None
        if tables.get(BLOCKS, cell, author, viewer) is None and (
            asked["all_posts"] or friend[author] or (follows and certified)
        ):
            sources.append((cell, author))

    def shown(cell: int, post: UUID, author: UUID) -> bool:
        gate = tables.get(GATES, cell, post)
        if gate is None or not gate["live"]:
            return False
        return (
            gate["audience"] == "public"
            or author == viewer
            or (gate["audience"] == "friends" and friend[author])
            or (
                gate["audience"] == "list"
                and tables.get(LIST_MEMBERS, cell, gate["list"], viewer) is not None
            )
        )

    return _newest(tables, asked, sources, shown)


# Comments and likes

_COMMENT = (
    "author",
    "comment_cell",
    "thread",
    "reply_to",
    "text",
    "written_at",
    "position",
    "waits",
)


@twin("comments_of_post")
def _comments_of_post(tables: Tables, asked: Asked) -> Rows:
    mark = (asked["after"], asked["after_comment"])
    found = [
        (row["written_at"], key[1], row)
        for key, row in tables.every(COMMENTS).items()
        if key[0] == asked["cell"]
        and row["post"] == asked["post"]
        and (row["written_at"], key[1]) > mark
    ]
    found.sort(key=lambda one: one[:2])
    return [(comment, *pick(row, _COMMENT)) for _, comment, row in found[: asked["count"]]]


@twin("comment_by_id")
def _comment_by_id(tables: Tables, asked: Asked) -> Rows:
    found = ((one, tables.get(COMMENTS, asked["cell"], one)) for one in set(asked["comments"]))
    return [(one, *pick(row, _COMMENT)) for one, row in found if row is not None]


@twin("comment_gates")
def _comment_gates(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, comment, author in unnest(asked, "cells", "comments", "authors"):
        gate, member = tables.get(GATES, cell, comment), tables.get(MEMBERS, cell, author)
        if gate is not None and member is not None:
            blocked = tables.get(BLOCKS, cell, author, asked["viewer"]) is not None
            shown = pick(member, _SHOWN)
            rows.append((comment, gate["live"], gate["audience"], blocked, author, *shown))
    return rows


@twin("likes_of_post")
def _likes_of_post(tables: Tables, asked: Asked) -> Rows:
    mark = (asked["before"], asked["before_member"])
    likes = tables.under(LIKES, asked["cell"], asked["post"]).items()
    found = sorted(((row["liked_at"], key[2]) for key, row in likes), reverse=True)
    return [(member, at) for at, member in found if (at, member) < mark][: asked["count"]]


@twin("likers")
def _likers(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, member in unnest(asked, "cells", "members"):
        row = tables.get(MEMBERS, cell, member)
        if row is not None:
            blocked = tables.get(BLOCKS, cell, member, asked["viewer"]) is not None
            rows.append((member, *pick(row, _SHOWN), blocked))
    return rows


@twin("likes_standing")
def _likes_standing(tables: Tables, asked: Asked) -> Rows:
    wanted = unnest(asked, "cells", "posts", "members")
    return [
        (post, member)
        for cell, post, member in wanted
        if tables.get(LIKES, cell, post, member) is not None
    ]


# Members, ties and lists


@twin("members_by_id")
def _members_by_id(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, member in unnest(asked, "cells", "members"):
        row = tables.get(MEMBERS, cell, member)
        if row is None:
            continue
        half = tables.get(FRIENDSHIPS, cell, member, asked["viewer"])
        rows.append(
            (
                member,
                *pick(row, (*_SHOWN, "status", "joined_at")),
                None if half is None else half["bond"],
                None if half is None else half["standing"],
                tables.get(BLOCKS, cell, member, asked["viewer"]) is not None,
                row["position"],
                *pick(row, ("decorated", "location_consent")),
            )
        )
    return rows


@twin("member_status")
def _member_status(tables: Tables, asked: Asked) -> Rows:
    row = tables.get(MEMBERS, asked["cell"], asked["member"])
    return [] if row is None else [(row["status"],)]


@twin("friendship_halves")
def _friendship_halves(tables: Tables, asked: Asked) -> Rows:
    halves = tables.under(FRIENDSHIPS, asked["cell"], asked["member"]).items()
    found = [
        (key[2], *pick(row, ("standing", "bond", "since")))
        for key, row in halves
        if row["bond"] < asked["before"]
    ]
    return sorted(found, key=lambda one: one[2], reverse=True)[: asked["count"]]


def _ties(tables: Tables, table: Table, asked: Asked) -> Rows:
    found = tables.under(table, asked["cell"], asked["member"]).items()
    rows = sorted((key[2], row["since"]) for key, row in found if key[2] > asked["after"])
    return rows[: asked["count"]]


@twin("blocked_members")
def _blocked_members(tables: Tables, asked: Asked) -> Rows:
    return _ties(tables, BLOCKS, asked)


@twin("followed_spaces")
def _followed_spaces(tables: Tables, asked: Asked) -> Rows:
    return _ties(tables, FOLLOWS, asked)


@twin("lists_of_owner")
def _lists_of_owner(tables: Tables, asked: Asked) -> Rows:
    found = sorted(tables.under(LISTS, asked["cell"], asked["owner"]).items())
    return [(key[2], *pick(row, ("name", "saved_at"))) for key, row in found]


@twin("members_of_lists")
def _members_of_lists(tables: Tables, asked: Asked) -> Rows:
    return [
        (key[1], key[2])
        for which in asked["lists"]
        for key in tables.under(LIST_MEMBERS, asked["cell"], which)
    ]


@twin("timeline")
def _timeline(tables: Tables, asked: Asked) -> Rows:
    mark = (asked["before"], asked["before_stream"])
    found = [
        (row["at"], key[2], row)
        for key, row in tables.under(TIMELINE, asked["cell"], asked["member"]).items()
        if (row["at"], key[2]) < mark
        and row["at"] >= asked["since"]
        and row["kind"] in asked["kinds"]
    ]
    found.sort(key=lambda one: one[:2], reverse=True)
    return [
        (stream, at, *pick(row, ("kind", "about"))) for at, stream, row in found[: asked["count"]]
    ]
