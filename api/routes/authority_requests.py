"""
What authorities ask for: recorded and answered by compliance, read by auditors, counted in public.
"""

from functools import partial
from typing import Any, Literal
from uuid import UUID

import msgspec

from api.answers import Written
from api.disclosing import STATED, Disclosure, disclose
from api.http.answers import Answer, Page, encode_json, found
from api.http.queries import Paging
from api.http.routes import Routes
from api.routes.members import done
from api.services import AUDITORS, COMPLIANCE, Ask
from commands import authority_requests as commands
from commands.authority_requests import AnswerRequest, RecordRequest, RefuseRequest
from commands.types import Moment
from domain.authority_request import (
    Extent,
    RequestAnswered,
    RequestKind,
    RequestReceived,
    RequestRefused,
    request_stream,
)
from domain.event import Recorded, Refused
from domain.ids import cell_of
from projections.reading import authority_requests

ROUTES = Routes()
_TAG = "Requests by authorities"
_LAST = 1 << 62

State = Literal["open", "answered", "refused"]


class RequestItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request in a list: nothing of it is sealed."""

    id: UUID
    kind: RequestKind
    state: State
    received_at: Moment
    position: str
    version: int
    extent: Extent | None = None
    closed_at: Moment | None = None


class RequestView(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A request as it stands. Its words read `{"sealed": true}` without a purpose, null when their key
    was destroyed. ``recorded_by`` and ``closed_by`` are those of compliance who did so.
    """

    id: UUID
    kind: RequestKind
    state: State
    received_at: Moment
    recorded_at: Moment
    recorded_by: UUID
    authority: Any
    legal_basis: Any
    scope: Any
    version: int
    extent: Extent | None = None
    given: Any = None
    why: Any = None
    closed_at: Moment | None = None
    closed_by: UUID | None = None


class YearOfRequests(msgspec.Struct, frozen=True):
    """
    How many requests of a kind were received in a year, by China's calendar, and what became of
    them so far.
    """

    year: int
    kind: RequestKind
    received: int
    answered_in_full: int
    answered_in_part: int
    refused: int
    open: int


class PublicCounts(msgspec.Struct, frozen=True):
    """Every year and kind there was a request of, the latest year first."""

    items: list[YearOfRequests]


@ROUTES.post(
    "/v1/audit/requests",
    tag=_TAG,
    summary="Record what an authority asks for",
    status=201,
    body=RecordRequest,
    answer=Written,
    roles=COMPLIANCE,
    problems=("too-far-ahead", "conflict"),
    links=("read_authority_request",),
    example={
        "kind": "real_name",
        "authority": "Public Security Bureau of Somewhere",
        "legal_basis": "Cybersecurity Law, article 28",
        "scope": "who published a certain post",
        "received_at": "2026-11-20T09:00:00+08:00",
    },
)
async def record_authority_request(call: Ask[RecordRequest, None]) -> Answer:
    """`received_at` is when it arrived. What it says is sealed."""
    return done(await call.app.execute(call, commands.record, call.body))


@ROUTES.post(
    "/v1/audit/requests/{id}/answers",
    tag=_TAG,
    summary="Say what an authority was given",
    status=201,
    body=AnswerRequest,
    answer=Written,
    roles=COMPLIANCE,
    problems=("request-closed", "conflict"),
    example={"extent": "partial", "given": "one name", "why": "no more was asked lawfully"},
)
async def answer_authority_request(call: Ask[AnswerRequest, None]) -> Answer:
    """A request is answered or refused, once."""
    handler = partial(commands.answer, call.uuid())
    return done(await call.app.execute(call, handler, call.body))


@ROUTES.post(
    "/v1/audit/requests/{id}/refusals",
    tag=_TAG,
    summary="Say why an authority was given nothing",
    status=201,
    body=RefuseRequest,
    answer=Written,
    roles=COMPLIANCE,
    problems=("request-closed", "conflict"),
    example={"why": "no legal basis was named"},
)
async def refuse_authority_request(call: Ask[RefuseRequest, None]) -> Answer:
    """A request is answered or refused, once."""
    handler = partial(commands.refuse, call.uuid())
    return done(await call.app.execute(call, handler, call.body))


@ROUTES.get(
    "/v1/audit/requests",
    tag=_TAG,
    summary="What authorities asked for",
    query=Paging,
    answer=Page[RequestItem],
    roles=AUDITORS,
)
async def list_authority_requests(call: Ask[None, Paging]) -> Answer:
    """The latest recorded first; without their words, which each has by itself."""
    place = call.after(tuple[int])
    before, limit = _LAST if place is None else place[0], call.query.limit
    rows = await call.app.attend(call, authority_requests.requests, before, limit + 1)
    mark = (rows[limit - 1].position,) if len(rows) > limit else None
    return call.page([_item(row) for row in rows[:limit]], mark)


@ROUTES.get(
    "/v1/audit/requests/{id}",
    tag=_TAG,
    summary="What an authority asked for, and what became of it",
    answer=RequestView,
    roles=AUDITORS,
    headers=STATED,
    problems=("no-such-request", "request-closed"),
)
async def read_authority_request(call: Ask[None, None]) -> Answer:
    """What it says is opened with `Homezone-Purpose`, which is recorded."""
    request = call.uuid()
    if not 0 <= cell_of(request) < call.app.log.cells:
        raise Refused("not-found")
    history = list(await call.app.log.read_stream(request_stream(request)))
    if not history or not isinstance(history[0].event, RequestReceived):
        raise Refused("not-found")
    return found(_view(history, await disclose(call, history)))


@ROUTES.get(
    "/v1/transparency/requests",
    tag=_TAG,
    summary="How many requests of authorities there were",
    answer=PublicCounts,
    roles=None,
    fresh=False,
)
async def count_authority_requests(call: Ask[None, None]) -> Answer:
    """
    By year and kind, for anybody. Exact, small numbers, too: they tell of authorities and of this
    house, and of nobody else.
    """
    counted = await call.app.look(authority_requests.counts)
    items = [
        YearOfRequests(
            **msgspec.structs.asdict(one),
            open=one.received - one.answered_in_full - one.answered_in_part - one.refused,
        )
        for one in counted
    ]
    return Answer(encode_json(PublicCounts(items)))


def _item(row: authority_requests.RequestRow) -> RequestItem:
    return RequestItem(
        id=row.request,
        kind=row.kind,  # type: ignore[arg-type]
        state=row.state,  # type: ignore[arg-type]
        received_at=row.received_at,
        position=f"{cell_of(row.request)}-{row.position}",
        version=row.version,
        extent=row.extent,  # type: ignore[arg-type]
        closed_at=row.closed_at,
    )


def _view(history: list[Recorded], disclosure: Disclosure) -> RequestView:
    first, last = history[0], history[-1]
    received = first.event
    assert isinstance(received, RequestReceived)
    view = RequestView(
        id=first.stream,
        kind=received.kind,
        state="open",
        received_at=received.received_at,
        recorded_at=first.recorded_at,
        recorded_by=received.by,
        authority=disclosure.opened(received.authority),
        legal_basis=disclosure.opened(received.legal_basis),
        scope=disclosure.opened(received.scope),
        version=last.version,
    )
    ended = last.event
    if not isinstance(ended, RequestAnswered | RequestRefused):
        return view
    closed: dict[str, Any] = {
        "why": disclosure.opened(ended.why),
        "closed_at": last.recorded_at,
        "closed_by": ended.by,
        "state": "refused",
    }
    if isinstance(ended, RequestAnswered):
        given = disclosure.opened(ended.given)
        closed |= {"state": "answered", "extent": ended.extent, "given": given}
    return msgspec.structs.replace(view, **closed)
