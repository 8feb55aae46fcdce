"""
One HTTP client of Homezone, with the manners the contract asks for.

Why it exists: what is measured should be what a well-behaved application sees. So every write
carries an Idempotency-Key, which makes any retry safe; 429 and 503 are answered by waiting as
long as Retry-After says, a bounded number of times; and an answer that breaks the contract counts
as an error, even if its status is 200.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Literal, Self

import msgspec
import orjson

from api.simulation.connection import Broken, Connection, Peer
from api.simulation.latency import Histogram

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Role = Literal["member", "operator"]
Shape = Literal["write", "list", "thing"]
TokenSource = Callable[[int, str], str]

ATTEMPTS_MAX = 6
# Making a population is not measured for refusals; a limiter is waited for as long as it takes.
ATTEMPTS_MAX_PATIENT = 600
RETRY_AFTER_S_MAX = 10.0
RETRY_AFTER_S_DEFAULT = 0.5
TIMEOUT_S = 30.0
# A loopback limiter may say "Retry-After: 0"; without a floor that would be a busy loop.
RETRY_AFTER_S_MIN = 0.05
# A write may span cells, for example when two members are concerned.
_POSITION = re.compile(r"\d+-\d+(,\d+-\d+)*")


class Unreachable(Exception):
    """Nobody answers at the address; the message says which, in one line."""


class Request(msgspec.Struct, frozen=True):
    """What is sent. `kind` names the action it is measured under."""

    kind: str
    actor: int
    method: Method
    path: str
    body: Mapping[str, Any] | None = None
    at_least: str | None = None
    role: Role = "member"

    @property
    def shape(self) -> Shape:
        """What a successful answer must look like."""
        if self.method != "GET":
            return "write"
        return "list" if self.path.endswith(_LIST_ENDINGS) else "thing"


_LIST_ENDINGS = (
    "/feed", "/posts", "/comments", "/likes", "/messages", "/notifications", "/friends",
    "/friends?state=friends",
)  # fmt: skip


class Answer(msgspec.Struct, frozen=True):
    """What came back; `problem` is None for a success, `unexpected` if no server should say it."""

    status: int
    body: Any
    problem: str | None
    unexpected: bool

    @property
    def ok(self) -> bool:
        return self.problem is None

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def position(self) -> str:
        return str(self.body["position"])


class Measured:
    """What happened so far: latencies and outcomes by kind, and how far each cell has come."""

    def __init__(self) -> None:
        self.latencies: dict[str, Histogram] = {}
        self.problems: Counter[tuple[str, str]] = Counter()
        self.unexpected: Counter[tuple[str, str]] = Counter()
        self.retries = 0
        self.heads: dict[int, int] = {}

    def record(self, kind: str, latency_ms: float, answer: Answer, *, foreseen: bool) -> None:
        self.latencies.setdefault(kind, Histogram()).record(latency_ms)
        if answer.problem is not None and not foreseen:
            self.problems[kind, answer.problem] += 1
            if answer.unexpected:
                self.unexpected[kind, answer.problem] += 1

    def everything_written(self) -> str | None:
        """The Homezone-At-Least value that covers every write of this client so far."""
        return _format(self.heads)


def at_least(*positions: str) -> str | None:
    """The Homezone-At-Least value for all these positions, one a cell; None when there are none."""
    heads: dict[int, int] = {}
    for position in positions:
        _raise(heads, position)
    return _format(heads)


def _raise(heads: dict[int, int], position: str) -> None:
    for part in position.split(","):
        cell, sequence = map(int, part.split("-"))
        heads[cell] = max(sequence, heads.get(cell, 0))


def _format(heads: Mapping[int, int]) -> str | None:
    return ",".join(f"{cell}-{heads[cell]}" for cell in sorted(heads)) or None


class Client:
    """
    An async context manager.

    `run` makes the Idempotency-Keys unique: a second run is not a retry of the first.
    """

    def __init__(self, url: str, token: TokenSource, *, run: str, connections_max: int) -> None:
        self._url = url
        self._peer = Peer(url)
        self._token = token
        self._run = run
        self._places = asyncio.Semaphore(connections_max)
        self._idle: list[Connection] = []
        self._writes = 0
        self._tokens: dict[tuple[int, Role], str] = {}
        self.measured = Measured()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._idle:
            self._idle.pop().close()

    async def greet(self) -> None:
        """
        Find out whether there is a server at all, before anything is asked of it.

        :raises Unreachable: there is none.
        """
        try:
            self._idle.append(await self._peer.connect())
        except Broken as error:
            raise Unreachable(f"no server answers at {self._url}: {error}") from error

    async def send(
        self, request: Request, *, fine: tuple[int, ...] = (), patient: bool = False
    ) -> Answer:
        """
        Send until answered or out of attempts; a `patient` caller has many more of them.

        The latency recorded is the last attempt's, without the waiting before it. A refusal with
        a status in `fine` was foreseen by the caller and is not counted as a problem.
        """
        head, rest = self._message(request)
        for attempt in range(1, ATTEMPTS_MAX_PATIENT + 1):
            message = b"%s%s%s" % (head, self._bearer(request).encode(), rest)
            began = perf_counter()
            answer, retry_after_s = await self._once(request, message)
            latency_ms = (perf_counter() - began) * 1000
            if answer.status == 401 and attempt == 1:
                # In a long run a token may have expired.
                self._tokens.pop((request.actor, request.role), None)
                retry_after_s = 0.0
            # Patience is for a server that says it is busy, not for one that is gone.
            attempts_max = ATTEMPTS_MAX_PATIENT if patient and answer.status else ATTEMPTS_MAX
            if retry_after_s is None or attempt >= attempts_max:
                break
            self.measured.retries += 1
            await asyncio.sleep(retry_after_s)
        self.measured.record(request.kind, latency_ms, answer, foreseen=answer.status in fine)
        if answer.ok and request.shape == "write":
            _raise(self.measured.heads, answer.position)
        return answer

    async def _once(self, request: Request, message: bytes) -> tuple[Answer, float | None]:
        """One attempt, and the seconds to wait before the next, or None if the answer is final."""
        try:
            async with self._places:
                connection = await self._connected()
                response = await connection.exchange(message, TIMEOUT_S)
                if connection.open:
                    self._idle.append(connection)
        except Broken as error:
            # The key makes it safe to ask again: if the write happened, its answer is replayed.
            return Answer(0, None, f"0 {error}", unexpected=True), RETRY_AFTER_S_DEFAULT
        answer = parse(request.shape, response.status, response.headers, response.body)
        retry = _retry_after_s(response.headers) if response.status in (429, 503) else None
        return answer, retry

    async def _connected(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                return connection
        return await self._peer.connect()

    def _message(self, request: Request) -> tuple[bytes, bytes]:
        """The request's bytes before its token, and those after it."""
        head = self._peer.head(request.method, request.path)
        rest = "\r\nAccept: application/json\r\n"
        data = b""
        if request.body is not None:
            data = orjson.dumps(request.body)
            rest += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        elif request.method in ("POST", "PUT", "PATCH"):
            rest += "Content-Length: 0\r\n"
        if request.shape == "write":
            self._writes += 1
            rest += f"Idempotency-Key: {self._run}-{self._writes}\r\n"
        if request.at_least:
            rest += f"Homezone-At-Least: {request.at_least}\r\n"
        return f"{head}Authorization: Bearer ".encode(), f"{rest}\r\n".encode() + data

    def _bearer(self, request: Request) -> str:
        key = (request.actor, request.role)
        token = self._tokens.get(key)
        if token is None:
            token = self._tokens[key] = self._token(*key)
        return token


def parse(shape: Shape, status: int, headers: Mapping[str, str], raw: bytes) -> Answer:
    """
    Hold an answer against the contract; every 5xx is unexpected, a stubborn 503 too.

    :param headers: with names in lower case.
    """
    try:
        body = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        return Answer(status, None, f"{status} is not JSON", unexpected=True)
    if status >= 400:
        name = body.get("type") if isinstance(body, dict) else None
        if not isinstance(name, str):
            return Answer(status, body, f"{status} without a problem type", unexpected=True)
        return Answer(status, body, f"{status} {name}", unexpected=status >= 500)
    fault = _fault(shape, body, headers) if 200 <= status < 300 else "is no success"
    problem = f"{status} {fault}" if fault else None
    return Answer(status, body, problem, unexpected=fault is not None)


def _fault(shape: Shape, body: Any, headers: Mapping[str, str]) -> str | None:
    if not isinstance(body, dict):
        return "is no JSON object"
    match shape:
        case "write":
            position = body.get("position")
            if not isinstance(body.get("id"), str):
                return "has no id"
            if not isinstance(position, str) or not _POSITION.fullmatch(position):
                return "has no position"
            return None if headers.get("homezone-position") else "has no Homezone-Position"
        case "list":
            return None if isinstance(body.get("items"), list) and "next" in body else "is no list"
        case "thing":
            return None


def _retry_after_s(headers: Mapping[str, str]) -> float:
    try:
        wait_s = float(headers.get("retry-after", RETRY_AFTER_S_DEFAULT))
    except ValueError:  # an HTTP date: allowed, but then the second does not matter
        wait_s = 1.0
    return min(max(wait_s, RETRY_AFTER_S_MIN), RETRY_AFTER_S_MAX)
