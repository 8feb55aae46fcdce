"""
The twins of the statements about what posts carry: polls, votes and mentions.
"""

from typing import Any
from uuid import UUID

from projections.gates import GATES
from projections.lists import LIST_MEMBERS
from projections.members import MEMBERS
from projections.mentions import MENTIONS
from projections.photos import PHOTOS
from projections.polls import POLLS, TALLIES, TURNOUTS, VOTES
from projections.ties import BLOCKS, FRIENDSHIPS
from tests.simulation.asking import Asked, Rows, pick, twin, unnest
from tests.simulation.tables import Tables


@twin("polls_of_posts")
def _polls_of_posts(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, post in unnest(asked, "cells", "posts"):
        poll = tables.get(POLLS, cell, post)
        if poll is not None:
            turnout = tables.get(TURNOUTS, cell, post) or {"voters": 0}
            vote = tables.get(VOTES, cell, post, asked["viewer"])
            own = None if vote is None else vote["options"]
            asks = pick(poll, ("options", "choose", "closes_at"))
            rows.append((post, *asks, turnout["voters"], own))
    return rows


@twin("tallies_of_posts")
def _tallies_of_posts(tables: Tables, asked: Asked) -> Rows:
    return [
        (post, key[2], row["votes"])
        for cell, post in unnest(asked, "cells", "posts")
        for key, row in tables.under(TALLIES, cell, post).items()
    ]


def _offered(tables: Tables, cell: int, member: UUID, other: UUID) -> Any:
    half = tables.get(FRIENDSHIPS, cell, member, other)
    return half["bond"] if half is not None and half["standing"] != "incoming" else None


@twin("mentions_of_posts")
def _mentions_of_posts(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, post, author, member in unnest(asked, "cells", "posts", "authors", "members"):
        gate = tables.get(GATES, cell, post)
        if gate is not None:
            rows.append(
                (
                    post,
                    member,
                    *pick(gate, ("live", "audience")),
                    _offered(tables, cell, author, member),
                    tables.get(BLOCKS, cell, author, member) is not None,
                    tables.get(LIST_MEMBERS, cell, gate["list"], member) is not None,
                )
            )
    return rows


@twin("mentioned_members")
def _mentioned_members(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, member, author in unnest(asked, "cells", "members", "authors"):
        row = tables.get(MEMBERS, cell, member)
        if row is not None:
            blocks = (tables.get(BLOCKS, cell, member, one) for one in (author, asked["viewer"]))
            bond = _offered(tables, cell, member, author)
            shown = pick(row, ("qq", "nickname"))
            rows.append((member, author, *shown, bond, *(one is not None for one in blocks)))
    return rows


@twin("posts_mentioning")
def _posts_mentioning(tables: Tables, asked: Asked) -> Rows:
    found = tables.under(MENTIONS, asked["cell"], asked["member"])
    posts = sorted((key[2] for key in found if key[2] < asked["before"]), reverse=True)
    return [(post,) for post in posts[: asked["count"]]]


@twin("images_of_posts")
def _images_of_posts(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, photo in unnest(asked, "cells", "photos"):
        row, gate = tables.get(PHOTOS, cell, photo), tables.get(GATES, cell, photo)
        over = None if gate is None else tables.get(GATES, cell, gate["parent"])
        if row is not None and gate is not None and over is not None:
            shown = pick(row, ("owner", "alt", "renditions", "waits"))
            rows.append((photo, *shown, gate["live"] and over["live"], gate["audience"]))
    return rows
