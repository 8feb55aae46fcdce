"""
What compliance sees to: how much members are told, and the statements of reasons that the EU's
transparency database is to have.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import msgspec
from aiohttp import web

from api.answers import Written
from api.disclosing import export
from api.http.answers import Answer, found
from api.http.downloads import serve_download
from api.http.parameters import PURPOSE
from api.http.problems import NOT_YET, ProblemError
from api.http.routes import Routes
from api.moderation import files
from api.moderation.transparency import TransparencyStatement, statements_of
from api.routes.audit import When, vector_of
from api.routes.members import done
from api.services import COMPLIANCE, Ask, Services
from commands.disclosures import SetDisclosurePolicy, set_disclosure_policy
from domain.disclosure_policy import DISCLOSURE_POLICY, DISCLOSURE_POLICY_STREAM, Disclosed
from projections.reading import decisions

ROUTES = Routes()
_TAG = "Moderation"
_NDJSON = "application/x-ndjson"
_CSV = "text/csv; charset=utf-8"
#: Decisions that are in memory at once.
_STEP = 200
_SECONDS_MAX = 5.0


class DisclosurePolicy(msgspec.Struct, frozen=True):
    """How much members are told of what is decided; ``version`` 0 until it was first set."""

    policy: Disclosed
    version: int


class ExportQuery(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"since": "from"}
):
    """Decisions after `from`, until `to`: positions or times."""

    since: When | None = None
    to: When | None = None


@ROUTES.get(
    "/v1/moderation/disclosure-policy",
    tag=_TAG,
    summary="How much members are told",
    answer=DisclosurePolicy,
    roles=COMPLIANCE,
)
async def read_disclosure_policy(call: Ask[None, None]) -> Answer:
    """As it is now; every decision keeps the policy under which it was taken."""
    history = await call.app.log.read_stream(DISCLOSURE_POLICY_STREAM)
    aggregate = DISCLOSURE_POLICY
    told = aggregate.fold((one.event for one in history), aggregate.initial)
    return found(DisclosurePolicy(told.policy, told.version))


@ROUTES.put(
    "/v1/moderation/disclosure-policy",
    tag=_TAG,
    summary="Say how much members are told",
    body=SetDisclosurePolicy,
    answer=Written,
    roles=COMPLIANCE,
    problems=("conflict",),
    example={"policy": "notice"},
)
async def write_disclosure_policy(call: Ask[SetDisclosurePolicy, None]) -> Answer:
    """
    From the next decision on. `opaque`: that something was decided. `notice`: what, on which
    ground, by which clause. `full`: the whole statement of reasons, as EU law asks for.
    """
    return done(await call.app.execute(call, set_disclosure_policy, call.body))


@ROUTES.get(
    "/v1/moderation/decisions.ndjson",
    tag=_TAG,
    summary="Statements of reasons for the EU's transparency database",
    query=ExportQuery,
    answer=None,
    media_type=_NDJSON,
    roles=COMPLIANCE,
    headers=(PURPOSE,),
    problems=("not-yet",),
)
async def export_decisions(call: Ask[None, ExportQuery]) -> web.StreamResponse:
    """
    A JSON object a line, in the field names and enumerations of the DSA Transparency Database,
    version 2, and free of personal data. By cell and position; restrictions alone. That it was
    taken is recorded.
    """
    until = await _until(call)
    since = await _since(call)
    await export(call, call.query.since, call.query.to)
    pieces = _pieces(call.app, since, until, files.lines, b"")
    return await serve_download(call.request, _NDJSON, pieces, filename="decisions.ndjson")


@ROUTES.get(
    "/v1/moderation/decisions.csv",
    tag=_TAG,
    summary="Statements of reasons as a table",
    query=ExportQuery,
    answer=None,
    media_type="text/csv",
    roles=COMPLIANCE,
    headers=(PURPOSE,),
    problems=("not-yet",),
)
async def export_decisions_as_table(call: Ask[None, ExportQuery]) -> web.StreamResponse:
    """The same, with a column for each field; several values in a cell stand apart by `;`."""
    until = await _until(call)
    since = await _since(call)
    await export(call, call.query.since, call.query.to)
    pieces = _pieces(call.app, since, until, files.rows, files.head())
    return await serve_download(call.request, _CSV, pieces, filename="decisions.csv")


async def _since(call: Ask[None, ExportQuery]) -> Mapping[int, int]:
    return await vector_of(call.app, call.query.since, "from")


async def _until(call: Ask[None, ExportQuery]) -> Mapping[int, int]:
    """Up to where; the read model has come that far, so that the export leaves nothing out."""
    app, to = call.app, call.query.to
    heads = await app.log.heads()
    asked = heads if to is None else await vector_of(app, to, "to")
    until = {cell: min(at, heads.get(cell, 0)) for cell, at in asked.items()}
    try:
        await app.freshness.wait_for(dict(until), _SECONDS_MAX, ("decisions",))
    except TimeoutError:
        raise ProblemError(NOT_YET) from None
    return until


async def _pieces(
    app: Services,
    since: Mapping[int, int],
    until: Mapping[int, int],
    write: Callable[[Iterable[TransparencyStatement]], bytes],
    head: bytes,
) -> AsyncIterator[bytes]:
    """The file, a few hundred decisions at a time."""
    yield head
    for cell, end in sorted(until.items()):
        after = since.get(cell, 0)
        while after < end:
            views = await app.look(decisions.stated, cell, after, end, _STEP)
            after = views[-1].position if len(views) == _STEP else end
            yield write(statements_of(views))
