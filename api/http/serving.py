"""
From a route to the handler that aiohttp calls.

One coroutine serves an operation from token to answer, with no middleware around it: who is
calling, may they, is the request well-formed, then the handler. Whatever goes wrong on the way
leaves as a problem document. Nothing here looks at a declaration more than once, or at anything
that grows.
"""

import asyncio
from asyncio import timeout
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from aiohttp import hdrs, web
from multidict import CIMultiDict, istr

from api.http import problems as known
from api.http.answers import REPLAYED, Answer, encode_json
from api.http.call import Call
from api.http.conditions import unchanged
from api.http.correlation import log_failure, next_request_id, request_id
from api.http.cursors import CursorCodec
from api.http.door import Door
from api.http.hooks import Hooks
from api.http.parameters import IDEMPOTENCY_KEY, PURPOSE, REQUEST, read_path
from api.http.past import AS_OF, looks_back, read_looked
from api.http.problems import FieldError, ProblemError, Problems, bad_parameter
from api.http.routes import Looked, Route
from api.http.upgrades import UPGRADED, offered_token
from commands.pictures import ObjectsUnavailable
from commands.ports import Conflict, LogOverloaded, LogUnavailable, OutcomeUnknown
from commands.rails import RailUnavailable
from domain.event import Refused

FRESH_SECONDS_MAX = 5.0
#: What a body may take to arrive; whoever sends a byte a minute holds a place as well.
BODY_SECONDS_MAX = 30.0
#: Of a body that is read as it arrives, this much may be in memory.
STREAMED_BYTES = 5 << 20
EVENT_STREAM = "text/event-stream"
PRIVATE = "private, no-cache"
SERVER = "homezone"

_AT_LEAST = istr("Homezone-At-Least")
_IDEMPOTENCY_KEY = istr("Idempotency-Key")
_STATED = tuple((istr(header.name), header) for header in (PURPOSE, REQUEST))
_BEARER = "Bearer "
#: Larger bodies, in bytes, are decoded in a thread: others are to be answered meanwhile.
_DECODED_ASIDE = 256 << 10
_UNKNOWN = (
    "The database was lost at the very end: nobody can tell yet whether this was done. A retry "
    "with the same `Idempotency-Key` finds out."
)

_NO_OBJECTS = (
    "What photos are stored in cannot be reached, or is full. What arrived before is kept."
)

AioHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Serving:
    """All that the handlers of one application share."""

    def __init__(
        self, app: Any, hooks: Hooks, problems: Problems, cursors: CursorCodec, door: Door
    ) -> None:
        self.app = app
        self.hooks = hooks
        self.problems = problems
        self.cursors = cursors
        self.door = door

    def handler(self, route: Route) -> AioHandler:
        """The handler of one route."""
        hooks, serve = self.hooks, self._serving(route)
        observe = None if hooks.observe is None else hooks.observe(route)
        note = None if _lasts(route) else hooks.note

        async def handle(request: web.Request) -> web.StreamResponse:
            started = perf_counter()
            request_id.set(next_request_id())
            response = await serve(request)
            seconds = perf_counter() - started
            if observe is not None:
                observe(response.status, seconds)
            if note is not None and (seconds >= hooks.note_seconds or response.status >= 500):
                note(route, request, response.status, seconds)
            return response

        return handle

    def _serving(self, route: Route) -> AioHandler:
        """From the door to the answer."""
        hooks, door = self.hooks, self.door
        # Streams have a bound of their own, and take none of the room of those who come and go.
        guarded = not (route.always or _lasts(route))
        run, open_door, prepare = route.handler, self._open_door, self._prepare
        app, cursors = self.app, self.cursors
        respond, stamp = _responder(route), route.stamp

        async def serve(request: web.Request) -> web.StreamResponse:
            limits = None
            response: web.StreamResponse
            call: Call[Any, Any, Any, Any] = Call(app, route, request, cursors)
            try:
                if guarded:
                    door.enter()
                    call.inside = True
                if route.roles is not None:
                    try:
                        await open_door(call, route)
                    except Exception:
                        # Whoever is turned away counts by address: guessing has its limit, too.
                        if hooks.limit is not None:
                            hooks.limit(request, None, route)
                        raise
                if hooks.limit is not None:
                    limits = hooks.limit(request, call.principal, route)
                await prepare(call, route)
                answer = await run(call)
                response = respond(request, answer) if isinstance(answer, Answer) else answer
            except Exception as error:  # noqa: BLE001  all of them become problems
                response = self.refusal(error, request, route.name)
            finally:
                if call.inside:
                    door.leave(call.reserved)
            if limits is not None and not response.prepared:
                response.headers.update(limits)
            if stamp and not response.prepared:
                response.headers.update(stamp)
            if door.draining and not response.prepared:
                response.force_close()
            return response

        return serve

    async def _open_door(self, call: Call[Any, Any, Any, Any], route: Route) -> None:
        given = call.request.headers.get(hdrs.AUTHORIZATION)
        if given is None and route.status == UPGRADED:
            offered = offered_token(call.request)
            given = None if offered is None else _BEARER + offered
        if given is None:
            raise ProblemError(
                known.UNAUTHENTICATED, headers={"WWW-Authenticate": 'Bearer realm="homezone"'}
            )
        hooks = self.hooks
        try:
            if given[:7] != _BEARER and given[:7].lower() != "bearer ":
                raise _invalid_token()
            principal = await hooks.authenticate(given[7:].strip())
        except hooks.refuses:
            raise _invalid_token() from None
        call.principal = principal
        if route.roles and principal.role not in route.roles:
            if principal.role != hooks.travels or AS_OF not in call.request.query:
                raise ProblemError(known.FORBIDDEN, "The token's role may not do this.")
            _check_past(route)
        admit = hooks.admit
        call._viewer = principal if admit is None else await admit(principal, route)

    async def _prepare(self, call: Call[Any, Any, Any, Any], route: Route) -> None:
        request = call.request
        if route.path_kinds:
            call.path = read_path(route.path_kinds, request.match_info)
        self._read_query(call, route)
        headers = request.headers
        if route.write:
            key = headers.get(_IDEMPOTENCY_KEY)
            if key is not None:
                call.idempotency_key = IDEMPOTENCY_KEY.parse(key)
        _check_stated(call)
        if route.conditional and hdrs.IF_MATCH in headers:
            _ = call.if_match
        if route.fresh and _AT_LEAST in headers and self.hooks.at_least is not None:
            await self._wait_until_fresh(call)
        if call.looked is not None and self.hooks.travel is not None:
            await self.hooks.travel(call, call.looked)
        if route.read_body is not None:
            size = _check_body(request, route.request_media_type, route.body_max)
            call.reserved = self.door.reserve(size)
            raw = call.raw = await _read(request, route.body_max)
            call.reserved = self.door.shrink(call.reserved, len(raw))
            if len(raw) < _DECODED_ASIDE:
                call.body = route.read_body(raw)
            else:
                call.body = await asyncio.to_thread(route.read_body, raw)
        else:
            call.body = None
            if route.streamed is not None and request.body_exists:
                _check_type(request, route.streamed)
                call.reserved = self.door.reserve(STREAMED_BYTES)

    def _read_query(self, call: Call[Any, Any, Any, Any], route: Route) -> None:
        request = call.request
        raw = request.rel_url.raw_query_string
        if raw and self.hooks.travel is not None and looks_back(request.query, route):
            call.looked, raw = self._looked(call, route, raw)
        if route.read_query is not None:
            call.query = route.read_query(raw)
        else:
            if raw:
                raise ProblemError(known.INVALID, "This operation takes no query parameters.")
            call.query = None

    def _looked(self, call: Call[Any, Any, Any, Any], route: Route, raw: str) -> tuple[Looked, str]:
        """The moment that a read is of, and its other parameters."""
        _check_past(route)
        if call.role != self.hooks.travels and AS_OF not in call.request.query:
            raise ProblemError(known.FORBIDDEN, "The token's role may not look back.")
        looked, rest = read_looked(raw)
        if call.role != self.hooks.travels:
            raise ProblemError(known.FORBIDDEN, "The token's role may not look back.")
        return looked, rest

    async def _wait_until_fresh(self, call: Call[Any, Any, Any, Any]) -> None:
        wanted = call.at_least
        assert wanted is not None
        assert self.hooks.at_least is not None
        self.door.wait()
        try:
            async with timeout(FRESH_SECONDS_MAX):
                await self.hooks.at_least(wanted)
        except TimeoutError:
            raise ProblemError(known.NOT_YET) from None
        finally:
            self.door.waiting -= 1

    def refusal(self, error: Exception, request: web.Request, route: str) -> web.Response:
        """The problem document of whatever went wrong."""
        instance = None
        match error:
            case ProblemError():
                said = error
            case Refused():
                said = self._refused(error)
            case OutcomeUnknown():
                said = known.unavailable(detail=_UNKNOWN)
            case ObjectsUnavailable():
                said = known.unavailable(detail=_NO_OBJECTS)
            case LogUnavailable() | LogOverloaded() | Conflict() | RailUnavailable():
                said = known.unavailable()
            case web.HTTPRequestEntityTooLarge():
                said = ProblemError(known.TOO_LARGE)
            case web.RequestPayloadError() | asyncio.IncompleteReadError():
                said = ProblemError(known.MALFORMED, "The body could not be received.")
            case _:
                said = ProblemError(known.INTERNAL)
        if said.problem not in self.problems.by_name:
            said = ProblemError(known.INTERNAL)
        if self.hooks.refused is not None:
            self.hooks.refused(route, said.problem)
        if said.problem == known.INTERNAL:
            log_failure(error, route, request.method, request.headers)
            instance = f"/requests/{request_id.get()}"
        document = self.problems.document(said, instance)
        headers = {
            "Content-Type": known.CONTENT_TYPE,
            "Cache-Control": "no-store",
            "Server": SERVER,
            **(said.headers or {}),
        }
        response = web.Response(body=encode_json(document), status=document.status, headers=headers)
        if document.status == 413:
            response.force_close()
        return response

    def _refused(self, error: Refused) -> ProblemError:
        """A rule's refusal."""
        errors: tuple[FieldError, ...] = ()
        if error.field is not None and error.problem in self.problems.by_name:
            meant = error.detail or self.problems[error.problem].meaning
            errors = (FieldError(meant, error.field),)
        replayed = {REPLAYED: "true"} if error.replayed else None
        return ProblemError(error.problem, error.detail, errors, replayed)


def _lasts(route: Route) -> bool:
    """Whether it is a stream, which is open for as long as its client likes."""
    return route.media_type == EVENT_STREAM or route.status == UPGRADED


def _invalid_token() -> ProblemError:
    challenge = 'Bearer realm="homezone", error="invalid_token"'
    return ProblemError(known.UNAUTHENTICATED, headers={"WWW-Authenticate": challenge})


def _responder(route: Route) -> Callable[[web.Request, Answer], web.Response]:
    """How answers of a route become responses."""
    base = CIMultiDict({"Content-Type": route.media_type, "Server": SERVER})
    if route.roles is not None:
        base["Cache-Control"] = PRIVATE
    status_usual = route.status
    readable = route.method == "GET"

    def respond(request: web.Request, answer: Answer) -> web.Response:
        body, status = answer.body, answer.status or status_usual
        if answer.etag is not None and readable:
            known_copy = request.headers.get(hdrs.IF_NONE_MATCH)
            if known_copy is not None and unchanged(known_copy, answer.etag):
                body, status = b"", 304
        response = web.Response(body=body, status=status, headers=base)
        headers = response.headers
        if status in (204, 304):
            del headers[hdrs.CONTENT_TYPE]
        elif answer.content_type is not None and answer.content_type != route.media_type:
            headers[hdrs.CONTENT_TYPE] = answer.content_type
        if answer.etag is not None:
            headers[hdrs.ETAG] = answer.etag
        if answer.headers is not None:
            headers.update(answer.headers)
        return response

    return respond


def _check_past(route: Route) -> None:
    if not route.past:
        raise bad_parameter(AS_OF, "this operation answers of the present alone")


def _check_stated(call: Call[Any, Any, Any, Any]) -> None:
    """Whoever may open nothing is told all the same that what it is for is malformed."""
    for name, header in _STATED:
        if name in call.request.headers:
            call.header(header)


def _check_body(request: web.Request, media_type: str, body_max: int) -> int:
    """How large a body of that type may be, going by what its headers say."""
    _check_type(request, media_type)
    length = request.content_length
    if length is None:
        return request.content.total_bytes if request.content.is_eof() else body_max
    if length > body_max:
        raise ProblemError(known.TOO_LARGE)
    return length


def _check_type(request: web.Request, media_type: str) -> None:
    given = request.headers.get(hdrs.CONTENT_TYPE, "")
    if given != media_type and not _is_media_type(given, media_type):
        raise ProblemError(known.UNSUPPORTED_MEDIA_TYPE)
    if hdrs.CONTENT_ENCODING in request.headers:
        raise ProblemError(known.UNSUPPORTED_MEDIA_TYPE)


async def _read(request: web.Request, body_max: int) -> bytes:
    content = request.content
    if not content.is_eof():
        try:
            async with timeout(BODY_SECONDS_MAX):
                read = await request.read()
        except TimeoutError:
            raise ProblemError(known.MALFORMED, "The body took too long to arrive.") from None
        if len(read) > body_max:
            raise ProblemError(known.TOO_LARGE)
        return read
    # It came whole with its headers, as nearly every write does: no loop is needed to read it.
    body = content.read_nowait()
    if len(body) > body_max:
        raise ProblemError(known.TOO_LARGE)
    return body


def _is_media_type(given: str, wanted: str) -> bool:
    name, _, parameters = given.partition(";")
    if name.strip().lower() != wanted:
        return False
    for parameter in filter(None, (part.strip().lower() for part in parameters.split(";"))):
        key, _, value = parameter.partition("=")
        if key == "charset" and value.strip('"') not in ("utf-8", "utf8"):
            return False
    return True
