"""
Twins of the statements that notices and badges are read by.
"""

from typing import Any

from projections.badges import BADGES, DEEDS
from projections.gates import GATES
from projections.lists import LIST_MEMBERS
from projections.members import MEMBERS
from projections.notices import NOTICE_HEADS, NOTICE_MARKS, NOTICE_SETTINGS, NOTICES
from projections.ties import BLOCKS, FRIENDSHIPS
from tests.simulation.asking import Asked, Rows, pick, twin, unnest
from tests.simulation.tables import Row, Tables

_HEAD = ("kind", "subject", "about", "at")


def _heads(tables: Tables, asked: Asked) -> list[tuple[Any, int, Row]]:
    """The heads of a member: notice, cell that it came from, and the rest."""
    return [
        (key[2], key[3], row)
        for key, row in tables.every(NOTICE_HEADS).items()
        if key[:2] == (asked["cell"], asked["member"])
    ]


@twin("notice_heads")
def _notice_heads(tables: Tables, asked: Asked) -> Rows:
    newest: dict[Any, tuple[Any, int, Row]] = {}
    for notice, cell, row in _heads(tables, asked):
        if notice not in newest or (row["at"], cell) > newest[notice][:2]:
            newest[notice] = (row["at"], cell, row)
    mark = (asked["before"], asked["before_notice"])
    found = [
        (at, notice, row)
        for notice, (at, _, row) in newest.items()
        if (at, notice) < mark and row["kind"] not in asked["muted"]
    ]
    found.sort(key=lambda one: one[:2], reverse=True)
    return [(notice, *pick(row, _HEAD)) for _, notice, row in found[: asked["count"]]]


@twin("unread_notice_heads")
def _unread_notice_heads(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, after, before in unnest(asked, "cells", "afters", "befores"):
        mine = [
            (row["position"], notice, row)
            for notice, source_cell, row in _heads(tables, asked)
            if source_cell == cell and after < row["position"] < before
        ]
        mine.sort(key=lambda one: one[0], reverse=True)
        rows += [
            (cell, position, notice, *pick(row, _HEAD))
            for position, notice, row in mine[: asked["count"]]
        ]
    return rows


@twin("newest_of_notices")
def _newest_of_notices(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for notice, before, before_source in unnest(asked, "notices", "befores", "before_sources"):
        things = tables.under(NOTICES, asked["cell"], asked["member"], notice).items()
        found = [
            (row["at"], key[3], row)
            for key, row in things
            if (row["at"], key[3]) < (before, before_source)
        ]
        found.sort(key=lambda one: one[:2], reverse=True)
        rows += [
            (notice, source, *pick(row, ("actor", "source_cell", "at", "position")))
            for _, source, row in found[: asked["count"]]
        ]
    return rows


@twin("notice_gates")
def _notice_gates(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    viewer = asked["viewer"]
    for cell, source, actor in unnest(asked, "cells", "sources", "actors"):
        member, gate = tables.get(MEMBERS, cell, actor), tables.get(GATES, cell, source)
        if member is None:
            continue
        half = tables.get(FRIENDSHIPS, cell, actor, viewer)
        which = None if gate is None else gate["list"]
        rows.append(
            (
                source,
                *((None, None) if gate is None else pick(gate, ("live", "audience"))),
                *((None, None) if half is None else pick(half, ("bond", "standing"))),
                tables.get(BLOCKS, cell, actor, viewer) is not None,
                tables.get(LIST_MEMBERS, cell, which, viewer) is not None,
                actor,
                *pick(member, ("qq", "nickname", "certified_as", "certified_name")),
            )
        )
    return rows


@twin("notice_settings")
def _notice_settings(tables: Tables, asked: Asked) -> Rows:
    row = tables.get(NOTICE_SETTINGS, asked["cell"], asked["member"])
    return [] if row is None else [(row["muted"],)]


@twin("notice_marks")
def _notice_marks(tables: Tables, asked: Asked) -> Rows:
    marks = tables.under(NOTICE_MARKS, asked["cell"], asked["member"]).items()
    return [(key[2], row["until"]) for key, row in marks if key[2] in asked["notices"]]


@twin("badges_of_member")
def _badges_of_member(tables: Tables, asked: Asked) -> Rows:
    found = tables.under(BADGES, asked["cell"], asked["member"]).items()
    return [(key[2], *pick(row, ("at", "position"))) for key, row in found]


@twin("deeds_of_member")
def _deeds_of_member(tables: Tables, asked: Asked) -> Rows:
    row = tables.get(DEEDS, asked["cell"], asked["member"])
    return [] if row is None else [pick(row, ("posts", "comments", "photos"))]
