"""
A member's notices, gated: what has come to them from others that is still there for them to see.

A page is read by heads, newest first; of each notice no more than its newest things are looked at,
so that a post with 100,000 likes costs what one with a hundred does.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias, cast
from uuid import UUID

import msgspec

from domain.audience import visible
from domain.ids import MemberId, cell_of
from domain.notices import KINDS, Mark, NoticeKind
from projections.gates import audience_of
from projections.notices import ALL, HOW
from projections.reading.people import standing_between
from projections.reading.posts import Mark as Place
from projections.reading.posts import Profile, hydrate
from projections.reading.statements import Connection, Row, Statement
from projections.reading.viewing import Viewer, viewer_towards

#: Of one notice, so many things are counted, and of all, so many notices that are unread.
COUNTED_MAX: Final = 100
_SHOWN: Final = 3
_STEP_MAX: Final = 500

_SETTINGS = Statement(
    "notice_settings",
    """
    SELECT muted FROM models.notice_settings WHERE cell = :cell::smallint AND member = :member::uuid
    """,
)

_MARKS = Statement(
    "notice_marks",
    """
    SELECT notice, until FROM models.notice_marks
     WHERE cell = :cell::smallint AND member = :member::uuid AND notice = ANY(:notices::uuid[])
    """,
)

# Of a notice's heads, one a cell, the newest alone.
_HEADS = Statement(
    "notice_heads",
    """
    SELECT h.notice, h.kind, h.subject, h.about, h.at FROM models.notice_heads h
     WHERE h.cell = :cell::smallint AND h.member = :member::uuid
       AND (h.at, h.notice) < (:before::timestamptz, :before_notice::uuid)
       AND h.kind <> ALL (:muted::text[])
       AND NOT EXISTS (
             SELECT FROM models.notice_heads l
              WHERE l.cell = h.cell AND l.member = h.member AND l.notice = h.notice
                AND (l.at, l.source_cell) > (h.at, h.source_cell))
     ORDER BY h.at DESC, h.notice DESC
     LIMIT :count::int
    """,
)

_UNREAD = Statement(
    "unread_notice_heads",
    """
    SELECT h.source_cell, h.position, h.notice, h.kind, h.subject, h.about, h.at
      FROM unnest(:cells::smallint[], :afters::bigint[], :befores::bigint[])
           AS wanted (cell, after, before)
     CROSS JOIN LATERAL (
           SELECT n.* FROM models.notice_heads n
            WHERE n.cell = :cell::smallint AND n.member = :member::uuid
              AND n.source_cell = wanted.cell
              AND n.position > wanted.after AND n.position < wanted.before
            ORDER BY n.position DESC
            LIMIT :count::int) AS h
    """,
)

_NEWEST = Statement(
    "newest_of_notices",
    """
    SELECT n.notice, n.source, n.actor, n.source_cell, n.at, n.position
      FROM unnest(:notices::uuid[], :befores::timestamptz[], :before_sources::uuid[])
           AS wanted (notice, before, before_source)
     CROSS JOIN LATERAL (
           SELECT o.* FROM models.notices o
            WHERE o.cell = :cell::smallint AND o.member = :member::uuid
              AND o.notice = wanted.notice
              AND (o.at, o.source) < (wanted.before, wanted.before_source)
            ORDER BY o.at DESC, o.source DESC
            LIMIT :count::int) AS n
    """,
)

#: All that a thing's gate needs of whoever did it stands in that member's own cell.
_GATES = Statement(
    "notice_gates",
    """
    SELECT wanted.source, g.live, g.audience, f.bond, f.standing,
           b.member IS NOT NULL AS blocked, l.member IS NOT NULL AS listed,
           m.member, m.qq, m.nickname, m.certified_as, m.certified_name
      FROM unnest(:cells::smallint[], :sources::uuid[], :actors::uuid[])
           AS wanted (cell, source, actor)
      JOIN models.members m ON m.cell = wanted.cell AND m.member = wanted.actor
      LEFT JOIN models.gates g ON g.cell = wanted.cell AND g.content = wanted.source
      LEFT JOIN models.friendships f
        ON f.cell = wanted.cell AND f.member = wanted.actor AND f.other = :viewer::uuid
      LEFT JOIN models.blocks b
        ON b.cell = wanted.cell AND b.member = wanted.actor AND b.other = :viewer::uuid
      LEFT JOIN models.list_members l
        ON l.cell = g.cell AND l.list = g.list AND l.member = :viewer::uuid
    """,
)

#: Before and after every position.
_LAST_POSITION: Final = (1 << 63) - 1
_LAST: Final = (datetime.fromisoformat("9999-12-30T00:00:00+00:00"), UUID(int=(1 << 128) - 1))


class Thing(msgspec.Struct, frozen=True):
    """One thing that came to a notice, which its viewer may see, and who did it."""

    source: UUID
    actor: Profile
    cell: int
    at: datetime
    position: int


class NoticeView(msgspec.Struct, frozen=True):
    """
    A notice that has something to show.

    :param about: the post it is about, if any.
    :param latest: the newest things, of a few members.
    :param members: how many different members, among the newest things that can be seen.
    :param more: whether there are more than were counted.
    :param until: positions up to which it has to be read to be read.
    :param mark: where a walk goes on after it.
    """

    notice: UUID
    kind: NoticeKind
    subject: UUID
    about: UUID | None
    latest: tuple[Thing, ...]
    members: int
    more: bool
    unread: bool
    until: dict[int, int]
    mark: Place


class Unread(msgspec.Struct, frozen=True):
    """How many notices are unread, and up to where all would have to be read."""

    count: int
    more: bool
    until: dict[int, int]


class _Head(msgspec.Struct, frozen=True):
    notice: UUID
    kind: NoticeKind
    subject: UUID
    about: UUID | None
    at: datetime


#: What is visible of each notice, newest first; and whether there is more than that.
_Found: TypeAlias = dict[UUID, tuple[list[Thing], bool]]


async def notices(
    connection: Connection, member: MemberId, before: Place, count: int
) -> list[NoticeView]:
    """A member's notices, by when something last came to them, newest first."""
    muted, page = await preferences(connection, member), list[NoticeView]()
    step = count
    while len(page) < count:
        rows = await _HEADS(
            connection,
            cell=cell_of(member),
            member=member,
            before=before[0],
            before_notice=before[1],
            muted=sorted(muted),
            count=step,
        )
        heads = [_Head(*row) for row in rows]
        found = await _visible(connection, member, heads)
        marks = await _marks(connection, member, [head.notice for head in heads])
        page += [_view(head, *found[head.notice], marks) for head in heads if head.notice in found]
        if len(rows) < step:
            break
        before = (rows[-1][4], rows[-1][0])
        step = min(step * 2, COUNTED_MAX)
    return page[:count]


async def unread(connection: Connection, member: MemberId, cells: int) -> Unread:
    """How many notices have something new, up to a hundred."""
    muted, every = await preferences(connection, member), range(cells)
    read = (await _marks(connection, member, []))[ALL]
    befores = dict.fromkeys(every, _LAST_POSITION)
    until: dict[int, int] = {}
    seen, counted = set[UUID](), 0
    while befores and counted <= COUNTED_MAX:
        wanted = sorted(befores)
        rows = await _UNREAD(
            connection,
            cell=cell_of(member),
            member=member,
            cells=wanted,
            afters=[read.get(cell, 0) for cell in wanted],
            befores=[befores[cell] for cell in wanted],
            count=COUNTED_MAX,
        )
        came: dict[int, list[int]] = {cell: [] for cell in wanted}
        heads: dict[UUID, _Head] = {}
        for cell, position, *head in rows:
            came[cell].append(position)
            until[cell] = max(position, until.get(cell, 0))
            if head[0] not in seen and head[1] not in muted:
                heads[head[0]] = _Head(*head)
        seen |= heads.keys()
        counted += await _count_new(connection, member, list(heads.values()))
        befores = {cell: min(at) for cell, at in came.items() if len(at) == COUNTED_MAX}
    return Unread(min(counted, COUNTED_MAX), counted > COUNTED_MAX, {**read, **until})


async def preferences(connection: Connection, member: MemberId) -> frozenset[str]:
    """The kinds that a member does not want."""
    rows = await _SETTINGS(connection, cell=cell_of(member), member=member)
    return frozenset(str(rows[0][0]).split()) if rows else frozenset()


async def _count_new(connection: Connection, member: MemberId, heads: Sequence[_Head]) -> int:
    counted = 0
    for start in range(0, len(heads), COUNTED_MAX):
        some = heads[start : start + COUNTED_MAX]
        found = await _visible(connection, member, some)
        marks = await _marks(connection, member, [head.notice for head in some])
        counted += sum(
            any(_is_new(head.notice, thing, marks) for thing in found[head.notice][0])
            for head in some
            if head.notice in found
        )
    return counted


async def _marks(
    connection: Connection, member: MemberId, wanted: Collection[UUID]
) -> dict[UUID, Mark]:
    rows = await _MARKS(connection, cell=cell_of(member), member=member, notices=[ALL, *wanted])
    pairs = msgspec.json.Decoder(tuple[tuple[int, int], ...])
    return {ALL: {}} | {notice: dict(pairs.decode(until)) for notice, until in rows}


def _is_new(notice: UUID, thing: Thing, marks: Mapping[UUID, Mark]) -> bool:
    read = max(marks[ALL].get(thing.cell, 0), marks.get(notice, {}).get(thing.cell, 0))
    return thing.position > read


def _view(head: _Head, things: list[Thing], more: bool, marks: Mapping[UUID, Mark]) -> NoticeView:
    until: dict[int, int] = {}
    latest: dict[UUID, Thing] = {}
    for thing in things:
        until[thing.cell] = max(thing.position, until.get(thing.cell, 0))
        latest.setdefault(thing.actor.member, thing)
    return NoticeView(
        notice=head.notice,
        kind=head.kind,
        subject=head.subject,
        about=head.about,
        latest=tuple(latest.values())[:_SHOWN],
        members=len(latest),
        more=more,
        unread=any(_is_new(head.notice, thing, marks) for thing in things),
        until=until,
        mark=(head.at, head.notice),
    )


async def _visible(connection: Connection, member: MemberId, heads: Sequence[_Head]) -> _Found:
    """What there is to see of some notices; nothing of one means that it is not there."""
    posts = {head.about for head in heads if head.about is not None}
    shown = await hydrate(connection, member, sorted(posts))
    waiting = {
        head.notice: _LAST
        for head in heads
        if head.kind in KINDS and (head.about is None or head.about in shown)
        if head.kind != "mention" or member in (shown[cast(UUID, head.about)].mentions or ())
    }
    how = {head.notice: HOW[head.kind] for head in heads if head.notice in waiting}
    found: dict[UUID, list[Thing]] = {}
    step = COUNTED_MAX + 1
    while waiting:
        rows = await _newest(connection, member, waiting, step)
        gate = await _gate(connection, member, rows)
        left: dict[UUID, Place] = {}
        for notice in waiting:
            mine = [row for row in rows if row[0] == notice]
            things = found.setdefault(notice, [])
            things += [
                Thing(row[1], gate.profiles[row[2]], row[3], row[4], row[5])
                for row in mine
                if gate.lets(how[notice], row)
            ]
            if len(mine) == step and len(things) <= COUNTED_MAX:
                left[notice] = (mine[-1][4], mine[-1][1])
        waiting, step = left, _STEP_MAX
    return {
        notice: (things[:COUNTED_MAX], len(things) > COUNTED_MAX)
        for notice, things in found.items()
        if things
    }


async def _newest(
    connection: Connection, member: MemberId, waiting: Mapping[UUID, Place], count: int
) -> list[Row]:
    rows = await _NEWEST(
        connection,
        cell=cell_of(member),
        member=member,
        notices=list(waiting),
        befores=[at for at, _ in waiting.values()],
        before_sources=[source for _, source in waiting.values()],
        count=count,
    )
    return sorted(rows, key=lambda row: (row[4], row[1]), reverse=True)


class _Gate:
    """What is known of some things, and of whoever did them."""

    def __init__(self, viewer: Viewer, rows: Sequence[Row]) -> None:
        self._viewer = viewer
        self._rows = {(row[0], row[7]): row for row in rows}
        self.profiles = {row[7]: Profile(*row[7:]) for row in rows}

    def lets(self, how: str, thing: Row) -> bool:
        """Whether the viewer may see a thing, the post it is about aside."""
        source, actor = thing[1], thing[2]
        row = self._rows.get((source, actor))
        if row is None:
            return False
        _, live, audience, bond, standing, blocked, listed, *_ = row
        offered = bond if standing in ("outgoing", "friends") else None
        relation = self._viewer.relation(actor, bond=offered, blocked=blocked, listed=listed)
        if how == "own":
            return relation.is_author
        if relation.blocked:
            return False
        match how:
            case "comment" | "post":
                return live is not None and visible(live, audience_of(audience), relation)
            case "request" | "friends":
                mine = self._viewer.bonds.get(actor)
                wanted = "incoming" if how == "request" else "friends"
                return standing_between(mine, bond, standing) == wanted
            case _:
                return True


async def _gate(connection: Connection, member: MemberId, rows: Sequence[Row]) -> _Gate:
    things = list(dict.fromkeys((row[1], cast(UUID, row[2])) for row in rows))
    if not things:
        return _Gate(Viewer(member), [])
    found = await _GATES(
        connection,
        cells=[cell_of(actor) for _, actor in things],
        sources=[source for source, _ in things],
        actors=[actor for _, actor in things],
        viewer=member,
    )
    return _Gate(await viewer_towards(connection, member, {actor for _, actor in things}), found)
