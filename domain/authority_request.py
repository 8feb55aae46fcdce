"""
Requests by authorities: what was asked for, on which legal basis, and what was answered or refused.

Texts are sealed, since they name people. Kind and moment are not: they are counted in public, so
each event that ends a request says them again.
"""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.account import DIRECTORY_CELL
from domain.event import Aggregate, Event, Refused
from domain.ids import StreamId
from domain.sealed import Sealed

#: Data of members; who somebody really is; that something be taken down; that something be kept.
RequestKind: TypeAlias = Literal["member_data", "real_name", "removal", "preservation", "other"]
#: All that was asked for, or a part of it.
Extent: TypeAlias = Literal["full", "partial"]


class RequestReceived(Event, frozen=True, tag="authority_request.received.v1"):
    """
    An authority asks for something. ``received_at`` is when it arrived, which may have been before
    it was recorded.
    """

    kind: RequestKind
    received_at: datetime
    authority: Sealed[str]
    legal_basis: Sealed[str]
    scope: Sealed[str]
    by: UUID


class RequestAnswered(Event, frozen=True, tag="authority_request.answered.v1"):
    """It was given, in full or in part; ``given`` says what, ``why`` why no more and no less."""

    kind: RequestKind
    received_at: datetime
    extent: Extent
    given: Sealed[str]
    why: Sealed[str]
    by: UUID


class RequestRefused(Event, frozen=True, tag="authority_request.refused.v1"):
    """Nothing was given."""

    kind: RequestKind
    received_at: datetime
    why: Sealed[str]
    by: UUID


AuthorityRequestEvent: TypeAlias = RequestReceived | RequestAnswered | RequestRefused


class NoRequest(msgspec.Struct, frozen=True):
    """Nothing was asked under this id."""


class Open(msgspec.Struct, frozen=True):
    """It waits for an answer."""

    kind: RequestKind
    received_at: datetime


class Closed(msgspec.Struct, frozen=True):
    """It was answered or refused."""

    outcome: Literal["answered", "refused"]


AuthorityRequest: TypeAlias = NoRequest | Open | Closed


def evolve(_: AuthorityRequest, event: AuthorityRequestEvent, version: int) -> AuthorityRequest:
    """The request after one more event."""
    match event:
        case RequestReceived(kind=kind, received_at=received_at):
            return Open(kind, received_at)
        case RequestAnswered():
            return Closed("answered")
        case RequestRefused():
            return Closed("refused")


AUTHORITY_REQUEST: Aggregate[AuthorityRequest] = Aggregate("authority request", NoRequest(), evolve)

#: All are in one cell, so that their list and their counts are each one read.
REQUESTS_CELL = DIRECTORY_CELL


def request_stream(request: UUID) -> StreamId:
    """The stream of one request."""
    return StreamId(request)


def answer(
    request: AuthorityRequest, extent: Extent, given: Sealed[str], why: Sealed[str], by: UUID
) -> tuple[RequestAnswered]:
    """The authority is given something."""
    asked = waiting(request)
    return (RequestAnswered(asked.kind, asked.received_at, extent, given, why, by),)


def refuse(request: AuthorityRequest, why: Sealed[str], by: UUID) -> tuple[RequestRefused]:
    """The authority is given nothing."""
    asked = waiting(request)
    return (RequestRefused(asked.kind, asked.received_at, why, by),)


def waiting(request: AuthorityRequest) -> Open:
    """
    The request, as long as it can be answered.

    :raises Refused: there is none, or it was answered or refused.
    """
    match request:
        case NoRequest():
            raise Refused("not-found")
        case Closed():
            raise Refused("request-closed", f"It was {request.outcome}.")
        case Open():
            return request
