"""
What a handler gives back.

An answer is bytes with a status and headers, made once and sent as they are; the constructors below
are the conventions of the contract, each in one place: positions on writes, versions as ETags,
pages with their link, and nothing that depends on a viewer left in a shared cache.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from api.http.positions import PATTERN, Vector, format_positions

T = TypeVar("T")

JSON_TYPE = "application/json"
POSITION = "Homezone-Position"
REPLAYED = "Idempotency-Replayed"

encode_json = msgspec.json.Encoder().encode


class Answer:
    """
    A whole answer.

    :param status: None is the status that its route declares.
    :param etag: with its quotes; a reader who has it already gets 304.
    """

    __slots__ = ("body", "content_type", "etag", "headers", "status")

    def __init__(
        self,
        body: bytes = b"",
        *,
        status: int | None = None,
        content_type: str | None = JSON_TYPE,
        headers: Mapping[str, str] | None = None,
        etag: str | None = None,
    ) -> None:
        self.body = body
        self.status = status
        self.content_type = content_type
        self.headers = headers
        self.etag = etag


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list. ``next`` is the cursor of the page after it, null at the end."""

    items: list[T]
    next: str | None


class Written(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    The answer of a write: the id of what was written and where the log holds it.

    Subclass it for an answer that says more.
    """

    id: UUID
    position: Annotated[str, msgspec.Meta(pattern=PATTERN, examples=["0-123"])]


def found(body: Any, version: int | str | None = None) -> Answer:
    """A Struct that was asked for, and its version where it has one."""
    etag = None if version is None else f'"{version}"'
    return Answer(encode_json(body), etag=etag)


def written(
    body: Any,
    positions: Vector | str,
    *,
    version: int | str | None = None,
    replayed: bool = False,
    status: int | None = None,
) -> Answer:
    """
    The answer of a write.

    :param body: a Struct, or the bytes that the log kept for a repeated key.
    :param positions: of the last event in each cell it wrote to.
    :param replayed: whether this is the first answer given again.
    """
    headers = {POSITION: positions if isinstance(positions, str) else format_positions(positions)}
    if replayed:
        headers[REPLAYED] = "true"
    etag = None if version is None else f'"{version}"'
    raw = body if isinstance(body, bytes) else encode_json(body)
    return Answer(raw, status=status, headers=headers, etag=etag)


def nothing(headers: Mapping[str, str] | None = None) -> Answer:
    """204, for what succeeds without anything to say."""
    return Answer(status=204, content_type=None, headers=headers)


def page_link(path: str, parameters: Mapping[str, str]) -> str:
    """The ``Link`` header of a page that is not the last."""
    return f'<{path}?{urlencode(parameters)}>; rel="next"'
