"""
The commands of compliance about what authorities ask for: record it, answer it, refuse it.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeAlias
from uuid import UUID

import msgspec

from commands.types import Moment
from commands.work import Outcome, Work
from domain import authority_request as decisions
from domain.authority_request import (
    AUTHORITY_REQUEST,
    REQUESTS_CELL,
    AuthorityRequest,
    AuthorityRequestEvent,
    Extent,
    NoRequest,
    RequestKind,
    RequestReceived,
    request_stream,
    waiting,
)
from domain.event import Refused
from domain.ids import MemberId
from domain.sealed import KeyClass, Sealed

Words: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=4_000)]
Named: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]

#: Clocks of authorities and of servers differ by this much at most.
_CLOCKS = timedelta(minutes=5)


class RecordRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an authority asks for: who asks, on which legal basis, for what, and since when."""

    kind: RequestKind
    authority: Named
    legal_basis: Named
    scope: Words
    received_at: Moment


class AnswerRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was given, all of it or a part, and why."""

    extent: Extent
    given: Words
    why: Words


class RefuseRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why nothing was given."""

    why: Words


async def record(command: RecordRequest, work: Work) -> Outcome:
    """Record what an authority asks for."""
    work.cell = REQUESTS_CELL
    received_at = _received(command.received_at, work.context.effective_at)
    request = work.mint(REQUESTS_CELL)
    stream = request_stream(request)
    work.fresh(AUTHORITY_REQUEST, stream)
    event = RequestReceived(
        kind=command.kind,
        received_at=received_at,
        authority=await _sealed(work, request, command.authority),
        legal_basis=await _sealed(work, request, command.legal_basis),
        scope=await _sealed(work, request, command.scope),
        by=work.context.actor,
    )
    _append(work, request, event)
    return Outcome(request, (stream, 1), state="open", status=201)


async def answer(request: UUID, command: AnswerRequest, work: Work) -> Outcome:
    """Answer it."""
    asked, by = await _load(work, request), work.context.actor
    given, why = [await _sealed(work, request, one) for one in (command.given, command.why)]
    _append(work, request, *decisions.answer(asked, command.extent, given, why, by))
    return Outcome(request, (request_stream(request), 2), state="answered", status=201)


async def refuse(request: UUID, command: RefuseRequest, work: Work) -> Outcome:
    """Refuse it."""
    asked, why = await _load(work, request), await _sealed(work, request, command.why)
    _append(work, request, *decisions.refuse(asked, why, work.context.actor))
    return Outcome(request, (request_stream(request), 2), state="refused", status=201)


async def check_waits(work: Work, request: UUID) -> None:
    """
    That a request is there and neither answered nor refused, for as long as the command takes.

    :raises Refused: it is not.
    """
    if work.cell_of(request) != REQUESTS_CELL:
        raise Refused("no-such-request")
    cell = work.cell
    asked = await work.load(AUTHORITY_REQUEST, request_stream(request))
    work.cell = cell
    if isinstance(asked, NoRequest):
        raise Refused("no-such-request")
    waiting(asked)


def _received(at: datetime, now: datetime) -> datetime:
    """
    When it arrived, in UTC.

    :raises Refused: it is yet to come.
    """
    if at > now + _CLOCKS:
        raise Refused("too-far-ahead", "What has arrived, arrived in the past.", "/received_at")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise Refused("out-of-bounds", "There was no such day.", "/received_at") from None


async def _load(work: Work, request: UUID) -> AuthorityRequest:
    if work.cell_of(request) != REQUESTS_CELL:
        raise Refused("not-found")
    work.cell = REQUESTS_CELL
    return await work.load(AUTHORITY_REQUEST, request_stream(request))


async def _sealed(work: Work, request: UUID, words: str) -> Sealed[str]:
    """Under a key of the request's own: it is about several people, or none."""
    return await work.vault.seal(request, KeyClass.MODERATION, words)


def _append(work: Work, request: UUID, *events: AuthorityRequestEvent) -> None:
    owner = MemberId(work.context.actor)
    work.append(AUTHORITY_REQUEST, request_stream(request), owner, events)
