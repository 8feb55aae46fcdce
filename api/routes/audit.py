"""
The log, for auditors: events with their metadata, and what a stream's events fold to.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from api.disclosing import STATED, AuditedEvent, disclose, look_back
from api.http.answers import Answer, Page, encode_json, found
from api.http.positions import ONE, Vector, parse_positions
from api.http.problems import NOT_YET, ProblemError, bad_parameter
from api.http.queries import Paging
from api.http.routes import Routes
from api.services import AUDITORS, Ask, Services
from domain.catalogue import AGGREGATES_BY_TYPE, EVENTS
from domain.event import Recorded, Refused, type_of
from domain.ids import StreamId, cell_of
from projections.reading import audits
from projections.trail import Facet, actor_facets, owner_facet, type_facet

ROUTES = Routes()
_TAG = "Audit"
_STEP = 500
TRAIL_SECONDS_MAX = 5.0
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)

_TIME = (
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
When = Annotated[
    str,
    msgspec.Meta(
        pattern=f"^({ONE}(,{ONE})*|{_TIME})$",
        max_length=600,
        description="A position or several (`0-123,7-45`), or a time (RFC 3339).",
        examples=["0-123", "2026-11-22T08:00:00Z"],
    ),
]
At = Annotated[
    str,
    msgspec.Meta(
        pattern=f"^([0-9]{{1,9}}|{ONE}(,{ONE})*|{_TIME})$",
        max_length=600,
        description="A version, a position or several, or a time (RFC 3339).",
        examples=["3", "0-123", "2026-11-22T08:00:00Z"],
    ),
]
EventType = Annotated[
    str,
    msgspec.Meta(
        description="The tag of a type of event.",
        examples=["post.published.v1"],
        extra_json_schema={"enum": sorted(EVENTS.types)},
    ),
]
Who = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^([1-9][0-9]{4,10}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$",
        description="A QQ number, or the id that events carry.",
    ),
]


class EventsQuery(
    Paging, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"since": "from"}
):
    """Which events: after `from`, until `to`, of one stream, type, actor or owner."""

    since: When | None = None
    to: When | None = None
    stream: UUID | None = None
    type: EventType | None = None
    actor: Who | None = None
    owner: Who | None = None


class StreamQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At which version, or which time."""

    at: At | None = None


class StreamState(msgspec.Struct, frozen=True):
    """A stream at a version: its events, and the state they fold to."""

    id: UUID
    kind: str
    version: int
    state: dict[str, Any]
    events: list[AuditedEvent]


@ROUTES.get(
    "/v1/audit/events",
    tag=_TAG,
    summary="Events with their metadata",
    query=EventsQuery,
    answer=Page[AuditedEvent],
    roles=AUDITORS,
    headers=STATED,
    problems=("not-yet", "no-such-request", "request-closed"),
    past=False,
)
async def list_events(call: Ask[None, EventsQuery]) -> Answer:
    """
    By cell and position. Sealed fields are opened with `Homezone-Purpose`, which is recorded; real
    names for compliance alone.
    """
    app, query = call.app, call.query
    start = await vector_of(app, query.since, "from")
    heads = await app.log.heads()
    asked = await vector_of(app, query.to, "to") if query.to else heads
    until = {cell: min(at, heads.get(cell, 0)) for cell, at in asked.items()}
    place = call.after(tuple[int, int])
    wanted = await _wanted(app, query)
    if wanted.facets:
        await _wait_for_trail(app, until)
    events: list[Recorded] = []
    for cell in range(app.log.cells):
        if place is not None and cell < place[0]:
            continue
        after = start.get(cell, 0)
        if place is not None and cell == place[0]:
            after = max(after, place[1])
        room = query.limit + 1 - len(events)
        events += await _in_cell(app, wanted, cell, after, until.get(cell, 0), room)
        if len(events) > query.limit:
            break
    shown = events[: query.limit]
    disclosure = await disclose(call, shown)
    last = shown[-1] if len(events) > query.limit else None
    mark = None if last is None else (last.cell, last.position)
    return call.page([disclosure.event(one) for one in shown], mark)


async def _wait_for_trail(app: Services, until: Vector) -> None:
    """An auditor's answer leaves nothing out: the index has to have come as far as the question."""
    try:
        await app.freshness.wait_for(dict(until), TRAIL_SECONDS_MAX, ("trail",))
    except TimeoutError:
        raise ProblemError(NOT_YET) from None


class _Wanted(msgspec.Struct, frozen=True):
    """
    What a query asks for, resolved once. ``facets`` are the narrowest that lead to all of it, and
    to a little more: several where a number means a member and a member of staff; none where all
    is asked for.
    """

    stream: StreamId | None
    type: str | None
    owners: Collection[UUID] | None
    actors: Collection[UUID] | None
    facets: tuple[Facet, ...]

    def matches(self, recorded: Recorded) -> bool:
        """Whether an event is asked for."""
        return (
            (self.type is None or type_of(recorded.event) == self.type)
            and (self.owners is None or recorded.owner in self.owners)
            and (self.actors is None or recorded.actor in self.actors)
        )


async def _wanted(app: Services, query: EventsQuery) -> _Wanted:
    if query.type is not None and query.type not in EVENTS.types:
        raise bad_parameter("type", "there is no such type of event")
    owners = None if query.owner is None else await _ids(app, query.owner)
    actors = None if query.actor is None else await _ids(app, query.actor)
    stream = None if query.stream is None else StreamId(query.stream)
    facets: tuple[Facet, ...] = ()
    if stream is not None:
        pass  # its own events are few, and found by its id
    elif owners is not None:
        facets = tuple(map(owner_facet, owners))
    elif actors is not None:
        facets = tuple(facet for actor in actors for facet in actor_facets(actor))
    elif query.type is not None:
        facets = (type_facet(query.type),)
    return _Wanted(stream, query.type, owners, actors, facets)


async def _in_cell(
    app: Services, wanted: _Wanted, cell: int, after: int, until: int, count: int
) -> list[Recorded]:
    """The next ``count`` events of a cell that are asked for."""
    if wanted.stream is not None:
        if cell_of(wanted.stream) != cell:
            return []
        history = await app.log.read_stream(wanted.stream)
        asked = [one for one in history if after < one.position <= until]
        return [one for one in asked if wanted.matches(one)][:count]
    matching: list[Recorded] = []
    # No more is read than is asked for, unless much of what is read turns out not to be.
    step = count
    while after < until and len(matching) < count:
        batch, after = await _batch(app, wanted.facets, cell, after, until, step)
        matching += [one for one in batch if wanted.matches(one)]
        step = min(step * 2, _STEP)
    return matching[:count]


async def _batch(
    app: Services, facets: Sequence[Facet], cell: int, after: int, until: int, count: int
) -> tuple[Sequence[Recorded], int]:
    """Some events of a cell, and the position until which that is all there are."""
    if not facets:
        batch = await app.log.read(cell, after, count, until)
        return batch, batch[-1].position if batch else until
    positions: set[int] = set()
    end = until
    for facet in facets:
        found_positions = await app.look(audits.trail, cell, facet, after, until, count)
        positions.update(found_positions)
        if len(found_positions) == count:
            end = min(end, found_positions[-1])
    return await app.events_at(cell, sorted(one for one in positions if one <= end)), end


async def _ids(app: Services, who: str) -> list[UUID]:
    """The ids under which somebody acts: as a member, and as staff."""
    if not who.isdecimal():
        return [UUID(who)]
    member = await app.directory.find(int(who))
    staff = app.staff_id(int(who))
    return [staff] if member is None else [member, staff]


async def vector_of(app: Services, when: str | None, name: str) -> Vector:
    """
    The positions that a moment stands for; none for no moment.

    :param name: of the parameter that gives it.
    """
    if when is None:
        return {}
    if "T" not in when:
        try:
            return parse_positions(when)
        except ValueError:
            raise bad_parameter(name, "neither positions nor a time") from None
    return dict(await app.log.heads_at(_time(when, name)))


def _time(when: str, name: str) -> datetime:
    try:
        return time_of(when)
    except ValueError as error:
        raise bad_parameter(name, str(error)) from None


def time_of(when: str) -> datetime:
    """
    A time in UTC.

    :raises ValueError: it is none, or has no offset.
    """
    try:
        moment = msgspec.convert(when, datetime)
    except msgspec.ValidationError:
        raise ValueError("neither positions nor a time") from None
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset, such as Z")
    try:
        # Offsets as large as RFC 3339 has them mean nothing to a database.
        return moment.astimezone(UTC)
    except OverflowError:
        return _BEGINNING if moment.year == 1 else _END


@ROUTES.get(
    "/v1/audit/streams/{id}",
    tag=_TAG,
    summary="A stream and the state it folds to",
    query=StreamQuery,
    answer=StreamState,
    roles=AUDITORS,
    headers=STATED,
    problems=("no-such-request", "request-closed"),
    past=False,
)
async def read_audited_stream(call: Ask[None, StreamQuery]) -> Answer:
    """`at` is a version, a time, or left out for now; that the past was asked for is recorded."""
    stream = StreamId(call.uuid())
    if not 0 <= cell_of(stream) < call.app.log.cells:
        raise Refused("not-found")
    history = _until(list(await call.app.log.read_stream(stream)), call.query.at)
    if not history:
        raise Refused("not-found")
    aggregate = AGGREGATES_BY_TYPE[type(history[0].event)]
    state = aggregate.fold((one.event for one in history), aggregate.initial)
    if call.query.at is not None:
        await look_back(call, call.query.at, (stream,))
    disclosure = await disclose(call, history)
    plain = msgspec.json.decode(encode_json(state))
    body = StreamState(
        id=stream,
        kind=aggregate.name,
        version=history[-1].version,
        state={"is": type(state).__name__.lower(), **disclosure.shown(plain)},
        events=[disclosure.event(one) for one in history],
    )
    return found(body)


def _until(history: list[Recorded], at: str | None) -> list[Recorded]:
    if at is None:
        return history
    if at.isascii() and at.isdecimal() and len(at) < 10:
        return history[: int(at)]
    if "T" in at:
        moment = _time(at, "at")
        return [one for one in history if one.recorded_at <= moment]
    try:
        vector = parse_positions(at)
    except ValueError:
        raise bad_parameter("at", "neither a version, a position nor a time") from None
    return [one for one in history if one.position <= vector.get(one.cell, 0)]
