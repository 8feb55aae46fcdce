"""
The twins of the statements that ask of the past: what stood before a moment, and where the log
holds what.
"""

from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Table

from projections.footprints import FOOTPRINTS
from projections.gates import GATE_HISTORY
from projections.lists import LIST_HISTORY
from projections.members import CERTIFICATION_HISTORY
from projections.ties import TIE_HISTORY
from projections.trail import TRAIL
from tests.simulation.asking import Asked, Rows, pick, twin, unnest
from tests.simulation.tables import Row, Tables

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


@twin("halves_before")
def _halves_before(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    names = ("cells", "members", "others", "ats", "at_cells", "positions")
    for cell, member, other, *moment in unnest(asked, *names):
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


@twin("gates_before")
def _gates_before(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, content, *moment in unnest(
        asked, "cells", "contents", "ats", "at_cells", "positions"
    ):
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


@twin("listed_before")
def _listed_before(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    names = ("cells", "lists", "members", "ats", "at_cells", "positions")
    for cell, which, member, *moment in unnest(asked, *names):
        listed = _before(tables, LIST_HISTORY, (cell, which, member), tuple(moment))
        rows.append((listed is not None and listed["listed"],))
    return rows


@twin("posts_for_list_before")
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


@twin("tied_since")
def _tied_since(tables: Tables, asked: Asked) -> Rows:
    found = {
        key[2]
        for key in tables.every(TIE_HISTORY)
        if key[0] == asked["cell"]
        and key[1] == asked["member"]
        and asked["after"] < key[3] <= asked["until"]
    }
    return [(other,) for other in sorted(found)]


@twin("trails")
def _trails(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    names = ("cells", "facets", "keys", "afters", "untils")
    for number, (cell, facet, key, after, until) in enumerate(unnest(asked, *names), 1):
        found = (one[3] for one in tables.under(TRAIL, cell, facet, key))
        positions = sorted(one for one in found if after < one <= until)
        rows += [(number, cell, position) for position in positions[: asked["count"]]]
    return rows


@twin("trail_positions")
def _trail_positions(tables: Tables, asked: Asked) -> Rows:
    found = (one[3] for one in tables.under(TRAIL, asked["cell"], asked["facet"], asked["key"]))
    positions = sorted(one for one in found if asked["after"] < one <= asked["until"])
    return [(position,) for position in positions[: asked["count"]]]


@twin("footprints_of_ids")
def _footprints_of_ids(tables: Tables, asked: Asked) -> Rows:
    return [
        (cell, key[2])
        for cell, one, until in unnest(asked, "cells", "ids", "untils")
        for key in tables.under(FOOTPRINTS, cell, one)
        if key[2] <= until
    ]


@twin("trail_until")
def _trail_until(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, facet, key, until in unnest(asked, "cells", "facets", "keys", "untils"):
        found = (one[3] for one in tables.under(TRAIL, cell, facet, key))
        positions = sorted((one for one in found if one <= until), reverse=True)
        rows += [(cell, position) for position in positions[: asked["count"]]]
    return rows


# What stood ever


@twin("gate_ever")
def _gate_ever(tables: Tables, asked: Asked) -> Rows:
    history = tables.under(GATE_HISTORY, asked["cell"], asked["content"])
    columns = ("author", "live", "audience", "list", "at")
    return [(key[2], *pick(row, columns)) for key, row in sorted(history.items())]


@twin("ties_ever")
def _ties_ever(tables: Tables, asked: Asked) -> Rows:
    return [
        (cell, key[3], mine, *pick(row, ("part", "standing", "bond", "at")))
        for cell, member, other, mine in unnest(asked, "cells", "members", "others", "mine")
        for key, row in tables.under(TIE_HISTORY, cell, member, other).items()
        if row["part"] in ("friendship", "block")
    ]


@twin("listed_ever")
def _listed_ever(tables: Tables, asked: Asked) -> Rows:
    return [
        (key[3], which, row["listed"], row["at"])
        for which in asked["lists"]
        for key, row in tables.under(LIST_HISTORY, asked["cell"], which, asked["member"]).items()
    ]
