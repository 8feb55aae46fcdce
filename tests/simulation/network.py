"""
Between clients and servers: requests go out, answers may come back.

A request is a call of the very handler that its route declares, with the route's own body and
query, on a server of the client's choice; what is left out is HTTP itself. When the server dies, or
is not there, the client hears nothing but that, and cannot know whether it was done.
"""

import asyncio
from collections.abc import Mapping
from contextvars import Context
from functools import partial
from typing import Any, cast
from uuid import UUID

import msgspec
from multidict import CIMultiDict

from api.http.answers import POSITION, REPLAYED, Answer
from api.http.call import Call
from api.http.cursors import CursorCodec
from api.http.positions import parse_positions
from api.http.problems import ProblemError, Problems
from api.http.routes import Route
from api.problems import PROBLEMS
from api.routes import (
    albums,
    audit,
    badges,
    billing,
    decorations,
    erasures,
    gifts,
    guardians,
    homes,
    mall,
    members,
    memberships,
    moderation,
    money,
    notifications,
    photos,
    posts,
    recourse,
    rules,
    spaces,
)
from commands.ports import LogOverloaded, LogUnavailable
from commands.rails import RailUnavailable
from domain.event import Refused
from tests.simulation import holding
from tests.simulation.server import Server

ROUTES: dict[str, Route] = {
    route.name: route
    for declared in (
        members,
        posts,
        spaces,
        badges,
        notifications,
        homes,
        albums,
        photos,
        audit,
        moderation,
        recourse,
        rules,
        money,
        mall,
        gifts,
        guardians,
        memberships,
        decorations,
        billing,
        erasures,
        holding,
    )
    for route in declared.ROUTES
}
_PROBLEMS = Problems(PROBLEMS)
_CURSORS = CursorCodec(b"a secret of the simulation")


class Lost(Exception):
    """No answer: the server is gone, or was not there."""


class Reply(msgspec.Struct, frozen=True):
    """What a client receives."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}
    problem: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it was done, or found."""
        return self.status < 300

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)

    @property
    def positions(self) -> dict[int, int]:
        """Where the log holds what was written; nothing for reads."""
        text = self.headers.get(POSITION)
        return {} if text is None else parse_positions(text)

    @property
    def replayed(self) -> bool:
        """Whether this is the first answer to its key, given again."""
        return REPLAYED in self.headers


class Ask(msgspec.Struct, frozen=True):
    """A request, as a client words it. ``operation`` is its route's name."""

    operation: str
    qq: int
    role: str = "member"
    path: Mapping[str, Any] = {}
    body: Any = None
    query: Mapping[str, Any] = {}
    key: str | None = None
    at_least: Mapping[int, int] = {}


class _Request:
    """As much of aiohttp's request as a call looks at."""

    def __init__(self, ask: Ask, route: Route) -> None:
        named = "/".join(str(one) for one in ask.path.values())
        self.method = route.method
        self.path = f"/{route.name}/{named}"
        self.query = {name: str(value) for name, value in ask.query.items()}
        self.headers: CIMultiDict[str] = CIMultiDict()


class _Principal(msgspec.Struct, frozen=True):
    qq: int
    role: str


async def send(server: Server, ask: Ask) -> Reply:
    """
    Ask a server.

    :raises Lost: nobody will say what became of it.
    """
    ground, loop, process = server.ground, server.ground.loop, server.process
    await asyncio.sleep(ground.seconds())
    if not process.alive:
        raise Lost
    answer: asyncio.Future[Reply] = loop.create_future()

    async def serve() -> None:
        reply = await _serve(server, ask)
        arrives = _hang_up if ground.loses(ground.temper.answers_lost) else partial(_deliver, reply)
        # What was sent arrives, even if its sender is gone by then.
        loop.call_later(ground.seconds(), arrives, answer, context=Context())

    process.awaited[answer] = None
    loop.spawn(process, serve())
    try:
        return await answer
    finally:
        del process.awaited[answer]


def kill(server: Server) -> None:
    """End a server's process where it stands; who waits for its answers hears that it is gone."""
    server.process.alive = False
    for answer in server.process.awaited:
        server.ground.loop.call_later(server.ground.seconds(), _hang_up, answer)


def _hang_up(answer: "asyncio.Future[Reply]") -> None:
    if not answer.done():
        answer.set_exception(Lost())


def _deliver(reply: Reply, answer: "asyncio.Future[Reply]") -> None:
    if not answer.done():
        answer.set_result(reply)


async def _serve(server: Server, ask: Ask) -> Reply:
    try:
        return await _handle(server, ask)
    except Refused as no:
        return _refusal(no.problem, no.replayed)
    except ProblemError as error:
        return _refusal(error.problem, False)
    except LogUnavailable:
        return Reply(503, problem="unavailable")
    except RailUnavailable:
        return Reply(503, problem="unavailable")
    except LogOverloaded:
        return Reply(503, problem="unavailable")
    except TimeoutError:
        return Reply(504, problem="timeout")
    except Exception as error:  # noqa: BLE001 - a defect: it ends the history
        server.ground.loop.fail(error)
        return Reply(500, problem="internal")


def _refusal(problem: str, replayed: bool) -> Reply:
    headers = {REPLAYED: "true"} if replayed else {}
    known = _PROBLEMS.by_name.get(problem)
    status = holding.REFUSALS[problem] if known is None else known.status
    return Reply(status, headers=headers, problem=problem)


async def call_of(server: Server, ask: Ask) -> Any:
    """The call that a handler gets, once its caller is known and what is read is fresh enough."""
    route = ROUTES[ask.operation]
    caller = await server.admit(ask.qq, ask.role)
    if ask.at_least:
        await server.at_least(ask.at_least)
    call: Any = Call(server.services, route, cast(Any, _Request(ask, route)), cast(Any, _CURSORS))
    call._viewer = caller
    call.principal = _Principal(ask.qq, ask.role)
    call.path = ask.path
    call.body = ask.body
    call.raw = b"" if ask.body is None else msgspec.json.encode(ask.body)
    call.query = None if route.query is None else msgspec.convert(dict(ask.query), route.query)
    call.idempotency_key = ask.key
    return call


async def _handle(server: Server, ask: Ask) -> Reply:
    call = await call_of(server, ask)
    route: Route = call.route
    answer = await route.handler(call)
    assert isinstance(answer, Answer)
    return Reply(answer.status or route.status, answer.body or b"", answer.headers or {})


def id_of(reply: Reply) -> UUID:
    """The id of what was written."""
    return UUID(reply.json["id"])
