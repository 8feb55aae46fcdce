"""
What each statement of the product's reads answers, said in Python over the tables in memory.

The reading code runs unchanged on these: a statement has a name, and here stands its twin of that
name. ``test_twins.py`` asks PostgreSQL and the twins the same questions over generated histories
and compares the rows, so that the two cannot drift apart. A new statement is one function here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Table

from projections.comments import COMMENTS, LIKES
from projections.counters import COUNTERS
from projections.gates import GATE_HISTORY, GATES
from projections.lists import LIST_HISTORY, LIST_MEMBERS, LISTS
from projections.members import CERTIFICATION_HISTORY, MEMBERS
from projections.posts import POSTS
from projections.ties import BLOCKS, FOLLOWS, FRIENDSHIPS, TIE_HISTORY
from projections.timeline import TIMELINE
from projections.trail import TRAIL
from tests.simulation.tables import Row, Tables

Rows: TypeAlias = list[tuple[Any, ...]]
Asked: TypeAlias = Mapping[str, Any]
Twin: TypeAlias = Callable[[Tables, Asked], Rows]

TWINS: dict[str, Twin] = {}

#: The columns that a shown member has, and those of what a post says.
_SHOWN = ("qq", "nickname", "certified_as", "certified_name")
_SAID = ("kind", "text", "title", "mood", "location", "share_of", "published_at", "edited_at")


def _twin(name: str) -> Callable[[Twin], Twin]:
    def keep(twin: Twin) -> Twin:
        assert name not in TWINS
        TWINS[name] = twin
        return twin

    return keep


def _pick(row: Row, columns: Iterable[str]) -> tuple[Any, ...]:
    return tuple(row[column] for column in columns)


def _zip(asked: Asked, *names: str) -> Iterable[tuple[Any, ...]]:
    """What ``unnest`` makes of arrays."""
    return zip(*(asked[name] for name in names), strict=True)


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


@_twin("all_ties")
def _all_ties(tables: Tables, asked: Asked) -> Rows:
    return _declared(tables, asked, None)


@_twin("ties_to")
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
    counts = tables.get(COUNTERS, cell, post) or {"likes": 0, "comments": 0}
    return (
        post,
        author,
        *_pick(row, _SAID),
        cell,
        *_pick(row, ("position", "version")),
        *_pick(gate, ("live", "audience")),
        _offered(tables, cell, author, viewer),
        tables.get(BLOCKS, cell, author, viewer) is not None,
        tables.get(LIST_MEMBERS, cell, gate["list"], viewer) is not None,
        *_pick(counts, ("likes", "comments")),
        tables.get(LIKES, cell, post, viewer) is not None,
        *_pick(member, _SHOWN),
    )


@_twin("hydrate_posts")
def _hydrate_posts(tables: Tables, asked: Asked) -> Rows:
    wanted = _zip(asked, "cells", "posts")
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


@_twin("page_by_authors")
def _page_by_authors(tables: Tables, asked: Asked) -> Rows:
    return _newest(tables, asked, _zip(asked, "cells", "authors"), lambda *_: True)


@_twin("narrowed_page_by_authors")
def _narrowed_page_by_authors(tables: Tables, asked: Asked) -> Rows:
    viewer = asked["viewer"]
    friend: dict[UUID, bool] = {}
    sources: list[tuple[int, UUID]] = []
    for cell, author, bond, follows in _zip(asked, "cells", "authors", "bonds", "follows"):
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

_COMMENT = ("author", "comment_cell", "thread", "reply_to", "text", "written_at", "position")


@_twin("comments_of_post")
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
    return [(comment, *_pick(row, _COMMENT)) for _, comment, row in found[: asked["count"]]]


@_twin("comment_by_id")
def _comment_by_id(tables: Tables, asked: Asked) -> Rows:
    found = ((one, tables.get(COMMENTS, asked["cell"], one)) for one in set(asked["comments"]))
    return [(one, *_pick(row, _COMMENT)) for one, row in found if row is not None]


@_twin("comment_gates")
def _comment_gates(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, comment, author in _zip(asked, "cells", "comments", "authors"):
        gate, member = tables.get(GATES, cell, comment), tables.get(MEMBERS, cell, author)
        if gate is not None and member is not None:
            blocked = tables.get(BLOCKS, cell, author, asked["viewer"]) is not None
            shown = _pick(member, _SHOWN)
            rows.append((comment, gate["live"], gate["audience"], blocked, author, *shown))
    return rows


@_twin("likes_of_post")
def _likes_of_post(tables: Tables, asked: Asked) -> Rows:
    mark = (asked["before"], asked["before_member"])
    likes = tables.under(LIKES, asked["cell"], asked["post"]).items()
    found = sorted(((row["liked_at"], key[2]) for key, row in likes), reverse=True)
    return [(member, at) for at, member in found if (at, member) < mark][: asked["count"]]


@_twin("likers")
def _likers(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, member in _zip(asked, "cells", "members"):
        row = tables.get(MEMBERS, cell, member)
        if row is not None:
            blocked = tables.get(BLOCKS, cell, member, asked["viewer"]) is not None
            rows.append((member, *_pick(row, _SHOWN), blocked))
    return rows


@_twin("likes_standing")
def _likes_standing(tables: Tables, asked: Asked) -> Rows:
    wanted = _zip(asked, "cells", "posts", "members")
    return [
        (post, member)
        for cell, post, member in wanted
        if tables.get(LIKES, cell, post, member) is not None
    ]


# Members, ties and lists


@_twin("members_by_id")
def _members_by_id(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, member in _zip(asked, "cells", "members"):
        row = tables.get(MEMBERS, cell, member)
        if row is None:
            continue
        half = tables.get(FRIENDSHIPS, cell, member, asked["viewer"])
        rows.append(
            (
                member,
                *_pick(row, (*_SHOWN, "status", "joined_at")),
                None if half is None else half["bond"],
                None if half is None else half["standing"],
                tables.get(BLOCKS, cell, member, asked["viewer"]) is not None,
                row["position"],
            )
        )
    return rows


@_twin("member_status")
def _member_status(tables: Tables, asked: Asked) -> Rows:
    row = tables.get(MEMBERS, asked["cell"], asked["member"])
    return [] if row is None else [(row["status"],)]


@_twin("friendship_halves")
def _friendship_halves(tables: Tables, asked: Asked) -> Rows:
    halves = tables.under(FRIENDSHIPS, asked["cell"], asked["member"]).items()
    found = [
        (key[2], *_pick(row, ("standing", "bond", "since")))
        for key, row in halves
        if row["bond"] < asked["before"]
    ]
    return sorted(found, key=lambda one: one[2], reverse=True)[: asked["count"]]


def _ties(tables: Tables, table: Table, asked: Asked) -> Rows:
    found = tables.under(table, asked["cell"], asked["member"]).items()
    rows = sorted((key[2], row["since"]) for key, row in found if key[2] > asked["after"])
    return rows[: asked["count"]]


@_twin("blocked_members")
def _blocked_members(tables: Tables, asked: Asked) -> Rows:
    return _ties(tables, BLOCKS, asked)


@_twin("followed_spaces")
def _followed_spaces(tables: Tables, asked: Asked) -> Rows:
    return _ties(tables, FOLLOWS, asked)


@_twin("lists_of_owner")
def _lists_of_owner(tables: Tables, asked: Asked) -> Rows:
    found = sorted(tables.under(LISTS, asked["cell"], asked["owner"]).items())
    return [(key[2], *_pick(row, ("name", "saved_at"))) for key, row in found]


@_twin("members_of_lists")
def _members_of_lists(tables: Tables, asked: Asked) -> Rows:
    return [
        (key[1], key[2])
        for which in asked["lists"]
        for key in tables.under(LIST_MEMBERS, asked["cell"], which)
    ]


@_twin("timeline")
def _timeline(tables: Tables, asked: Asked) -> Rows:
    mark = (asked["before"], asked["before_stream"])
    found = [
        (row["at"], key[2], row)
        for key, row in tables.under(TIMELINE, asked["cell"], asked["member"]).items()
        if (row["at"], key[2]) < mark and row["at"] >= asked["since"]
    ]
    found.sort(key=lambda one: one[:2], reverse=True)
    return [
        (stream, at, *_pick(row, ("kind", "post"))) for at, stream, row in found[: asked["count"]]
    ]


# What stood before a moment

_Moment: TypeAlias = tuple[datetime, int, int]


def _before(
    tables: Tables, table: Table, at: tuple[Any, ...], moment: _Moment, **where: Any
) -> Row | None:
    """The last row of a history that is earlier than a moment."""
    last: tuple[int, Row] | None = None
    for key, row in tables.under(table, *at).items():
        if (row["at"], key[0], key[-1]) < moment and all(
            row[column] == value for column, value in where.items()
        ):
            last = (key[-1], row) if last is None or key[-1] > last[0] else last
    return None if last is None else last[1]


@_twin("halves_before")
def _halves_before(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    names = ("cells", "members", "others", "ats", "at_cells", "positions")
    for cell, member, other, *moment in _zip(asked, *names):
        when = tuple(moment)
        friendship, block, follow = (
            _before(tables, TIE_HISTORY, (cell, member, other), when, part=part)
            for part in ("friendship", "block", "follow")
        )
        certified = _before(tables, CERTIFICATION_HISTORY, (cell, member), when)
        rows.append(
            (
                None if friendship is None else friendship["standing"],
                None if friendship is None else friendship["bond"],
                block is not None and block["standing"],
                follow is not None and follow["standing"],
                certified is not None and certified["certified"],
            )
        )
    return rows


@_twin("gates_before")
def _gates_before(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, content, *moment in _zip(asked, "cells", "contents", "ats", "at_cells", "positions"):
        gate = _before(tables, GATE_HISTORY, (cell, content), tuple(moment))
        history = tables.under(GATE_HISTORY, cell, content) if cell != moment[1] else {}
        first = history[min(history)] if history else None
        known = gate or first
        if known is None:
            rows.append((None, None, None))
        else:
            audience = known["audience"] or (first and first["audience"])
            rows.append((known["live"], audience, known["list"]))
    return rows


@_twin("listed_before")
def _listed_before(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    names = ("cells", "lists", "members", "ats", "at_cells", "positions")
    for cell, which, member, *moment in _zip(asked, *names):
        listed = _before(tables, LIST_HISTORY, (cell, which, member), tuple(moment))
        rows.append((listed is not None and listed["listed"],))
    return rows


@_twin("posts_for_list_before")
def _posts_for_list_before(tables: Tables, asked: Asked) -> Rows:
    cell, which, position = asked["cell"], asked["list"], asked["position"]
    history = tables.every(GATE_HISTORY).items()
    ever = {
        key[1]
        for key, row in history
        if key[0] == cell and row["list"] == which and key[2] < position
    }
    rows: Rows = []
    for content in sorted(ever):
        past = {
            key[2]: row
            for key, row in tables.under(GATE_HISTORY, cell, content).items()
            if key[2] < position
        }
        last = past[max(past)]
        if last["live"] and last["list"] == which:
            rows.append((content,))
    return rows


# The trail


@_twin("tied_since")
def _tied_since(tables: Tables, asked: Asked) -> Rows:
    found = {
        key[2]
        for key in tables.every(TIE_HISTORY)
        if key[0] == asked["cell"]
        and key[1] == asked["member"]
        and asked["after"] < key[3] <= asked["until"]
    }
    return [(other,) for other in sorted(found)]


@_twin("trails")
def _trails(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    names = ("cells", "facets", "keys", "afters", "untils")
    for number, (cell, facet, key, after, until) in enumerate(_zip(asked, *names), 1):
        found = (one[3] for one in tables.under(TRAIL, cell, facet, key))
        positions = sorted(one for one in found if after < one <= until)
        rows += [(number, cell, position) for position in positions[: asked["count"]]]
    return rows


@_twin("trail_positions")
def _trail_positions(tables: Tables, asked: Asked) -> Rows:
    found = (one[3] for one in tables.under(TRAIL, asked["cell"], asked["facet"], asked["key"]))
    positions = sorted(one for one in found if asked["after"] < one <= asked["until"])
    return [(position,) for position in positions[: asked["count"]]]
