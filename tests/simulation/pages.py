"""
The twins of the statements about home pages: what owners made of them, who came by, what stands on
boards.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from projections.gates import GATES
from projections.homes import HOMES
from projections.messages import MESSAGES
from projections.visits import REMOVED_VISITORS, VISIT_COUNTS, VISIT_DAYS, VISITORS
from tests.simulation.asking import Asked, Rows, pick, twin, unnest
from tests.simulation.tables import Tables

_MESSAGE = (
    "author", "message_cell", "thread", "reply_to", "text", "written_at", "position", "waits",
)  # fmt: skip


@twin("homes_of_members")
def _homes_of_members(tables: Tables, asked: Asked) -> Rows:
    wanted = unnest(asked, "cells", "members")
    found = ((member, tables.get(HOMES, cell, member)) for cell, member in wanted)
    return [(member, row["home"], row["position"]) for member, row in found if row is not None]


@twin("visits_of_spaces")
def _visits_of_spaces(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for cell, space in unnest(asked, "cells", "spaces"):
        counted = tables.get(VISIT_COUNTS, cell, space)
        if counted is None:
            continue
        days = tables.under(VISIT_DAYS, cell, space).items()
        last = max(((key[2], row["visits"]) for key, row in days), default=(None, None))
        rows.append((space, *pick(counted, ("total", "visitors")), *last))
    return rows


def _visitors(tables: Tables, cell: int, space: UUID) -> list[tuple[datetime, UUID, int]]:
    """When each who is on the list was there last, who it was and how often; the latest first."""
    found = []
    for (_, _, visitor), row in tables.under(VISITORS, cell, space).items():
        removed = tables.get(REMOVED_VISITORS, cell, space, visitor) or {"times": 0}
        if row["times"] > removed["times"]:
            found.append((row["visited_at"], visitor, row["times"] - removed["times"]))
    return sorted(found, reverse=True)


@twin("newest_visitors")
def _newest_visitors(tables: Tables, asked: Asked) -> Rows:
    return [
        (space, visitor, at)
        for cell, space in unnest(asked, "cells", "spaces")
        for at, visitor, _ in _visitors(tables, cell, space)[: asked["count"]]
    ]


@twin("visitors_of_space")
def _visitors_of_space(tables: Tables, asked: Asked) -> Rows:
    mark = (asked["before"], asked["before_visitor"])
    found = [one for one in _visitors(tables, asked["cell"], asked["space"]) if one[:2] < mark]
    return [(visitor, times, at) for at, visitor, times in found[: asked["count"]]]


def _messages(tables: Tables, cell: int, space: UUID) -> list[tuple[Any, ...]]:
    """All that stands on a board, the newest first."""
    found = [
        (key[1], row)
        for key, row in tables.every(MESSAGES).items()
        if key[0] == cell and row["space"] == space
    ]
    found.sort(key=lambda one: (one[1]["written_at"], one[0]), reverse=True)
    return [(message, *pick(row, _MESSAGE)) for message, row in found]


@twin("newest_messages")
def _newest_messages(tables: Tables, asked: Asked) -> Rows:
    return [
        (space, *row)
        for cell, space in unnest(asked, "cells", "spaces")
        for row in _messages(tables, cell, space)[: asked["count"]]
    ]


@twin("messages_of_space")
def _messages_of_space(tables: Tables, asked: Asked) -> Rows:
    mark = (asked["before"], asked["before_message"])
    found = _messages(tables, asked["cell"], asked["space"])
    return [row for row in found if (row[6], row[0]) < mark][: asked["count"]]


@twin("messages_by_id")
def _messages_by_id(tables: Tables, asked: Asked) -> Rows:
    wanted = unnest(asked, "cells", "messages")
    found = ((one, tables.get(MESSAGES, cell, one)) for cell, one in wanted)
    return [(one, *pick(row, _MESSAGE)) for one, row in found if row is not None]


@twin("facts_of_gates")
def _facts_of_gates(tables: Tables, asked: Asked) -> Rows:
    wanted = unnest(asked, "cells", "contents")
    found = ((content, tables.get(GATES, cell, content)) for cell, content in wanted)
    return [(content, row["live"], row["audience"]) for content, row in found if row is not None]
