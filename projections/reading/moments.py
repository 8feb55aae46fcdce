"""
How things stood between a viewer and what an event is about, just before it.

History alone is asked, never the present: so an open stream and one that resumes get one answer.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from domain.event import Recorded
from domain.ids import MemberId, cell_of
from projections.reading.statements import Connection, Statement
from projections.streams import (
    Before,
    Gate,
    Moment,
    Question,
    Standing,
    Transition,
    moment_of,
    question,
    transitions,
)

_HALVES = Statement(
    "halves_before",
    """
    SELECT f.standing, f.bond, coalesce(b.standing, false), coalesce(s.standing, false),
           coalesce(c.certified, false)
      FROM unnest(:cells::smallint[], :members::uuid[], :others::uuid[],
                  :ats::timestamptz[], :at_cells::smallint[], :positions::bigint[])
           WITH ORDINALITY AS w (cell, member, other, at, at_cell, position, number)
      LEFT JOIN LATERAL (
           SELECT h.standing, h.bond FROM models.tie_history h
            WHERE h.cell = w.cell AND h.member = w.member AND h.other = w.other
              AND h.part = 'friendship'
              AND (h.at, h.cell, h.position) < (w.at, w.at_cell, w.position)
            ORDER BY h.position DESC LIMIT 1) AS f ON true
      LEFT JOIN LATERAL (
           SELECT h.standing FROM models.tie_history h
            WHERE h.cell = w.cell AND h.member = w.member AND h.other = w.other
              AND h.part = 'block'
              AND (h.at, h.cell, h.position) < (w.at, w.at_cell, w.position)
            ORDER BY h.position DESC LIMIT 1) AS b ON true
      LEFT JOIN LATERAL (
           SELECT h.standing FROM models.tie_history h
            WHERE h.cell = w.cell AND h.member = w.member AND h.other = w.other
              AND h.part = 'follow'
              AND (h.at, h.cell, h.position) < (w.at, w.at_cell, w.position)
            ORDER BY h.position DESC LIMIT 1) AS s ON true
      LEFT JOIN LATERAL (
           SELECT h.certified FROM models.certification_history h
            WHERE h.cell = w.cell AND h.member = w.member
              AND (h.at, h.cell, h.position) < (w.at, w.at_cell, w.position)
            ORDER BY h.position DESC LIMIT 1) AS c ON true
     ORDER BY w.number
    """,
)

# A response presupposes its post, whatever the clocks of two servers say: where a gate has no
# history before a moment, it counts as what it first was.
_GATES = Statement(
    "gates_before",
    """
    SELECT coalesce(g.live, first.live), coalesce(g.audience, first.audience),
           CASE WHEN g.live IS NULL THEN first.list ELSE g.list END
      FROM unnest(:cells::smallint[], :contents::uuid[],
                  :ats::timestamptz[], :at_cells::smallint[], :positions::bigint[])
           WITH ORDINALITY AS w (cell, content, at, at_cell, position, number)
      LEFT JOIN LATERAL (
           SELECT h.live, h.audience, h.list FROM models.gate_history h
            WHERE h.cell = w.cell AND h.content = w.content
              AND (h.at, h.cell, h.position) < (w.at, w.at_cell, w.position)
            ORDER BY h.position DESC LIMIT 1) AS g ON true
      LEFT JOIN LATERAL (
           SELECT h.live, h.audience, h.list FROM models.gate_history h
            WHERE h.cell = w.cell AND h.content = w.content AND h.cell <> w.at_cell
            ORDER BY h.position LIMIT 1) AS first ON true
     ORDER BY w.number
    """,
)

_LISTED = Statement(
    "listed_before",
    """
    SELECT coalesce(l.listed, false)
      FROM unnest(:cells::smallint[], :lists::uuid[], :members::uuid[],
                  :ats::timestamptz[], :at_cells::smallint[], :positions::bigint[])
           WITH ORDINALITY AS w (cell, list, member, at, at_cell, position, number)
      LEFT JOIN LATERAL (
           SELECT h.listed FROM models.list_history h
            WHERE h.cell = w.cell AND h.list = w.list AND h.member = w.member
              AND (h.at, h.cell, h.position) < (w.at, w.at_cell, w.position)
            ORDER BY h.position DESC LIMIT 1) AS l ON true
     ORDER BY w.number
    """,
)

_POSTS_FOR_LIST = Statement(
    "posts_for_list_before",
    """
    SELECT ever.content
      FROM (SELECT DISTINCT h.content FROM models.gate_history h
             WHERE h.cell = :cell::smallint AND h.list = :list::uuid
               AND h.position < :position::bigint) AS ever
     CROSS JOIN LATERAL (
           SELECT h.live, h.list FROM models.gate_history h
            WHERE h.cell = :cell::smallint AND h.content = ever.content
              AND h.position < :position::bigint
            ORDER BY h.position DESC LIMIT 1) AS last
     WHERE last.live AND last.list = :list::uuid
     ORDER BY ever.content
    """,
)

#: An event, and one of those it reaches.
Case = tuple[Recorded, MemberId]
_Half = tuple[UUID, UUID, Moment]


async def judge(connection: Connection, cases: Sequence[Case]) -> list[tuple[Transition, ...]]:
    """What each event means to the member it reaches, by what stood just before it."""
    asked = [question(recorded, viewer) for recorded, viewer in cases]
    moments = [moment_of(recorded) for recorded, _ in cases]
    standings = await _standings(connection, cases, asked, moments)
    gates = await _gates(connection, asked, moments)
    lists = await _lists(connection, cases, asked, moments, gates)
    judged: list[tuple[Transition, ...]] = []
    posts: dict[Moment, tuple[UUID, ...]] = {}
    for (recorded, viewer), one, moment in zip(cases, asked, moments, strict=True):
        if one is None:
            judged.append(())
            continue
        if one.list is not None and one.content is None and moment not in posts:
            posts[moment] = await _posts_for_list(connection, one.list, moment)
        apart = standings.get((viewer, one.by, moment)) if one.by is not None else None
        before = Before(
            standing=standings.get((viewer, one.other, moment), Standing()),
            gate=None if one.content is None else gates.get((one.content, moment)),
            lists=frozenset(
                which
                for which in (one.list, _list_of(one, gates, moment))
                if which is not None and (which, viewer, moment) in lists
            ),
            apart=apart is not None and apart.apart,
            posts=posts.get(moment, ()),
        )
        judged.append(transitions(recorded, viewer, before))
    return judged


async def _standings(
    connection: Connection,
    cases: Sequence[Case],
    asked: Sequence[Question | None],
    moments: Sequence[Moment],
) -> dict[tuple[MemberId, UUID, Moment], Standing]:
    pairs: dict[tuple[MemberId, UUID, Moment], None] = {}
    for (_, viewer), one, moment in zip(cases, asked, moments, strict=True):
        for other in () if one is None else (one.other, one.by):
            if other is not None and other != viewer:
                pairs[viewer, other, moment] = None
    if not pairs:
        return {}
    halves: list[_Half] = list(pairs)
    halves += [(other, viewer, moment) for viewer, other, moment in pairs]
    rows = await _HALVES(
        connection,
        cells=[cell_of(member) for member, _, _ in halves],
        members=[member for member, _, _ in halves],
        others=[other for _, other, _ in halves],
        **_moments([moment for _, _, moment in halves]),
    )
    found = {}
    for pair, mine, theirs in zip(pairs, rows[: len(pairs)], rows[len(pairs) :], strict=True):
        found[pair] = Standing(
            mine=mine[1] if mine[0] else None,
            theirs=theirs[1] if theirs[0] else None,
            known=mine[1],
            blocked=mine[2],
            blocks_viewer=theirs[2],
            follows=mine[3],
            certified=theirs[4],
        )
    return found


async def _gates(
    connection: Connection, asked: Sequence[Question | None], moments: Sequence[Moment]
) -> dict[tuple[UUID, Moment], Gate]:
    wanted = {
        (one.content, moment): None
        for one, moment in zip(asked, moments, strict=True)
        if one is not None and one.content is not None
    }
    if not wanted:
        return {}
    contents = [content for content, _ in wanted]
    rows = await _GATES(
        connection,
        cells=[cell_of(content) for content in contents],
        contents=contents,
        **_moments([moment for _, moment in wanted]),
    )
    return {
        key: Gate(live, audience or "only_me", which)
        for key, (live, audience, which) in zip(wanted, rows, strict=True)
        if live is not None
    }


async def _lists(
    connection: Connection,
    cases: Sequence[Case],
    asked: Sequence[Question | None],
    moments: Sequence[Moment],
    gates: Mapping[tuple[UUID, Moment], Gate],
) -> set[tuple[UUID, MemberId, Moment]]:
    wanted: dict[tuple[UUID, MemberId, Moment], None] = {}
    for (_, viewer), one, moment in zip(cases, asked, moments, strict=True):
        if one is not None and one.other != viewer:
            for which in (one.list, _list_of(one, gates, moment)):
                if which is not None:
                    wanted[which, viewer, moment] = None
    if not wanted:
        return set()
    rows = await _LISTED(
        connection,
        cells=[cell_of(which) for which, _, _ in wanted],
        lists=[which for which, _, _ in wanted],
        members=[member for _, member, _ in wanted],
        **_moments([moment for _, _, moment in wanted]),
    )
    return {key for key, (listed,) in zip(wanted, rows, strict=True) if listed}


def _list_of(
    one: Question, gates: Mapping[tuple[UUID, Moment], Gate], moment: Moment
) -> UUID | None:
    gate = None if one.content is None else gates.get((one.content, moment))
    return None if gate is None else gate.list


async def _posts_for_list(connection: Connection, which: UUID, moment: Moment) -> tuple[UUID, ...]:
    rows = await _POSTS_FOR_LIST(connection, cell=moment.cell, list=which, position=moment.position)
    return tuple(post for (post,) in rows)


def _moments(moments: Sequence[Moment]) -> dict[str, list[object]]:
    return {
        "ats": [moment.at for moment in moments],
        "at_cells": [moment.cell for moment in moments],
        "positions": [moment.position for moment in moments],
    }
