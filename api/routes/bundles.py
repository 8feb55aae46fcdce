"""
Evidence bundles for auditors: asked for, looked at while they are made, and fetched.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from aiohttp import web

from api.bundles import Bundle, Busy, State
from api.disclosing import export
from api.http.answers import Answer, encode_json, found
from api.http.downloads import serve_download
from api.http.parameters import PURPOSE
from api.http.positions import parse_positions
from api.http.problems import bad_field
from api.http.routes import Routes
from api.routes.audit import When, Who, time_of
from api.services import AUDITORS, Ask
from commands.types import Moment
from domain.event import Refused
from domain.evidence.questions import Kind
from replay.bundles import choosing
from replay.bundles.words import Done, Progress, Reason

ROUTES = Routes()
_TAG = "Audit"
_ZIP: Final = "application/zip"
_PIECE_BYTES: Final = 256 * 1024


class AskForBundle(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}
):
    """
    Events after `from` and up to `to`: of a `kind`, of an `owner`, of a `stream`, or all. Without
    `to`, up to what is signed by now.
    """

    since: When | None = None
    to: When | None = None
    kind: Kind = "all"
    owner: Who | None = None
    stream: UUID | None = None


class BundleAsked(msgspec.Struct, frozen=True):
    """What asking answers: where to look."""

    id: UUID
    state: State


class BundleView(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A bundle. It can be fetched once its `state` is `done`; `reason` says why it has `failed`:
    `not-signed` (ask again), `no-such-range`, `altered` (see `homezone audit verify`).
    """

    id: UUID
    state: State
    asked_at: Moment
    progress: Progress | None = None
    made: Done | None = None
    reason: Reason | None = None


@ROUTES.post(
    "/v1/audit/exports",
    tag=_TAG,
    summary="Ask for an evidence bundle",
    status=202,
    body=AskForBundle,
    answer=BundleAsked,
    roles=AUDITORS,
    problems=("bundles-waiting", "not-found"),
    write=False,
    links=("read_bundle", "fetch_bundle"),
    example={"kind": "moderation"},
)
async def ask_for_bundle(call: Ask[AskForBundle, None]) -> Answer:
    """
    Made after this is answered, one after the other. The last 10 are kept, until the server
    restarts.
    """
    app, asked = call.app, call.body
    owner = None if asked.owner is None else await _owner(call, asked.owner)
    since, until = _moment(asked.since, "/from"), _moment(asked.to, "/to")
    try:
        begun = app.bundles.start(
            (asked.since, since), (asked.to, until), asked.kind, owner, asked.stream
        )
    except Busy:
        raise Refused("bundles-waiting") from None
    return Answer(encode_json(BundleAsked(begun.id, begun.state)))


@ROUTES.get(
    "/v1/audit/exports/{id}",
    tag=_TAG,
    summary="An evidence bundle, and how far it is",
    answer=BundleView,
    roles=AUDITORS,
    fresh=False,
)
async def read_bundle(call: Ask[None, None]) -> Answer:
    """Not found once 10 others were asked for, or the server restarted."""
    one = _one(call)
    return found(BundleView(one.id, one.state, one.asked_at, one.progress, one.done, one.reason))


@ROUTES.get(
    "/v1/audit/exports/{id}/content",
    tag=_TAG,
    summary="Fetch an evidence bundle",
    answer=None,
    media_type=_ZIP,
    roles=AUDITORS,
    headers=(PURPOSE,),
    problems=("bundle-not-made",),
    fresh=False,
)
async def fetch_bundle(call: Ask[None, None]) -> web.StreamResponse:
    """
    A zip; `README.txt` in it says what it is and how it is checked. What members wrote is sealed in
    it. That it was taken is recorded.
    """
    one = _one(call)
    if one.state != "done":
        raise Refused("bundle-not-made")
    await export(call, one.since, one.until)
    pieces = _pieces(call.app.bundles.file(one))
    name = f"homezone-evidence-{one.id}.zip"
    return await serve_download(call.request, _ZIP, pieces, filename=name)


def _one(call: Ask[None, None]) -> Bundle:
    one = call.app.bundles.find(call.uuid())
    if one is None:
        raise Refused("not-found")
    return one


async def _owner(call: Ask[AskForBundle, None], who: str) -> UUID:
    return await call.app.member(int(who)) if who.isdecimal() else UUID(who)


def _moment(when: str | None, field: str) -> choosing.Moment:
    if when is None:
        return None
    try:
        return time_of(when) if "T" in when else parse_positions(when)
    except ValueError as error:
        raise bad_field(field, str(error)) from None


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except FileNotFoundError:
        raise Refused("not-found") from None
    try:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield piece
    finally:
        file.close()
