"""
A copy of all that is a member's, for the member alone; also while they are suspended or banned.
"""

from uuid import UUID

import msgspec
from aiohttp import web

from api.answers import Written
from api.exports.contents import Contents
from api.http.answers import Answer, Page, found
from api.http.downloads import serve_download
from api.http.problems import NOT_YET, ProblemError
from api.http.routes import Routes
from api.routes.members import done
from api.services import MEMBERS, Ask
from commands import exports
from commands.types import Moment
from domain.event import Refused
from domain.export import EXPORTS, Asked, exports_stream

ROUTES = Routes()
_TAG = "Members and relations"
_ZIP = "application/zip"


class Copy(msgspec.Struct, frozen=True):
    """A copy of all that is yours; it can be fetched until it ``expires_at``."""

    id: UUID
    state: str
    asked_at: Moment
    expires_at: Moment


@ROUTES.post(
    "/v1/me/exports",
    tag=_TAG,
    summary="Ask for a copy of all that is yours",
    answer=Written,
    roles=MEMBERS,
    problems=("no-account", "exports-exhausted", "conflict"),
    links=("read_export", "fetch_export"),
)
async def ask_for_export(call: Ask[None, None]) -> Answer:
    """
    It can be fetched at once and for seven days, and is made anew each time. At most five a day.
    """
    return done(await call.app.execute(call, exports.ask, None))


@ROUTES.get(
    "/v1/me/exports",
    tag=_TAG,
    summary="The copies that you can fetch",
    answer=Page[Copy],
    roles=MEMBERS,
    problems=("no-account",),
)
async def list_exports(call: Ask[None, None]) -> Answer:
    """The latest first."""
    return call.page([_copy(one) for one in await _asked(call)])


@ROUTES.get(
    "/v1/me/exports/{id}",
    tag=_TAG,
    summary="A copy that you asked for",
    answer=Copy,
    roles=MEMBERS,
    problems=("no-account",),
)
async def read_export(call: Ask[None, None]) -> Answer:
    """As long as it can be fetched."""
    return found(_copy(await _one(call)))


@ROUTES.get(
    "/v1/me/exports/{id}/content",
    tag=_TAG,
    summary="Fetch a copy of all that is yours",
    answer=None,
    media_type=_ZIP,
    roles=MEMBERS,
    problems=("no-account", "not-yet"),
)
async def fetch_export(call: Ask[None, None]) -> web.StreamResponse:
    """
    A zip of JSON files, as of now; `manifest.json` in it says what they are, with their lengths and
    SHA-256. A download that broke off begins again.
    """
    asked = await _one(call)
    pieces = Contents(call.app, call.viewer.member, asked).pieces()
    try:
        name = f"homezone-{call.viewer.qq}.zip"
        return await serve_download(call.request, _ZIP, pieces, filename=name)
    except TimeoutError:
        raise ProblemError(NOT_YET) from None


async def _asked(call: Ask[None, None]) -> list[Asked]:
    history = await call.app.log.read_stream(exports_stream(call.viewer.member))
    state = EXPORTS.fold((one.event for one in history), EXPORTS.initial)
    return state.at(call.app.clock.now())


async def _one(call: Ask[None, None]) -> Asked:
    wanted = call.uuid()
    for one in await _asked(call):
        if one.export == wanted:
            return one
    raise Refused("not-found")


def _copy(asked: Asked) -> Copy:
    return Copy(asked.export, "ready", asked.asked_at, asked.expires_at)
