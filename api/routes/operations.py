"""
What the operator's machines ask: is the process there, can it serve, how is it doing.
"""

import msgspec

from api.http.answers import Answer, encode_json, found
from api.http.routes import Routes
from api.metrics import CONTENT_TYPE
from api.services import Ask

ROUTES = Routes()
_TAG = "Operations"


class Health(msgspec.Struct, frozen=True):
    """The process is there."""

    status: str


class Subscriber(msgspec.Struct, frozen=True, omit_defaults=True):
    """A read model or policy: ``live``, ``behind`` or ``failed``, and by how many events."""

    name: str
    condition: str
    lag: int
    stopped_at: str | None = None
    error: str | None = None


class Readiness(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether requests can be served, and how far the read models are."""

    ready: bool
    database: bool
    lag: int
    subscribers: list[Subscriber]


_HEALTHY = Answer(encode_json(Health("ok")))


@ROUTES.get(
    "/healthz",
    tag=_TAG,
    summary="Is the process there?",
    answer=Health,
    roles=None,
    fresh=False,
    always=True,
)
async def healthz(_: Ask[None, None]) -> Answer:
    """Nothing else is asked."""
    return _HEALTHY


@ROUTES.get(
    "/readyz",
    tag=_TAG,
    summary="Can it serve?",
    answer=Readiness,
    roles=None,
    fresh=False,
    always=True,
    problems=("not-ready",),
)
async def readyz(call: Ask[None, None]) -> Answer:
    """503 when the database is away, or when a read model has stopped or is far behind."""
    return found(await call.app.readiness())


@ROUTES.get(
    "/metrics",
    tag=_TAG,
    summary="Figures for Prometheus",
    answer=None,
    media_type="text/plain",
    roles=None,
    fresh=False,
    always=True,
)
async def metrics(call: Ask[None, None]) -> Answer:
    """In its text format."""
    return Answer(await call.app.metrics.text(), content_type=CONTENT_TYPE)
