"""
A whole Homezone for tests: real wiring, a real PostgreSQL, a real port, in a thread of its own.

``running_homezone(...)`` serves until its block ends; members, staff and strangers are clients of
it over HTTP, each with a token and nothing else.
"""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from weakref import WeakSet

import msgspec
from aiohttp import web
from sqlalchemy import text

from api.http.runner import Runner
from api.settings import Settings
from api.tokens import Role
from api.wiring.server import Homezone
from commands.ports import Clock

SECONDS_MAX = 30.0
OPERATOR_QQ = 10_000


class Reply(msgspec.Struct, frozen=True):
    """An answer as it came over the wire; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def position(self) -> str:
        """Where the log holds what was written."""
        return self.headers["homezone-position"]

    @property
    def problem(self) -> str:
        """The name of the problem; the document must be one."""
        assert self.headers["content-type"] == "application/problem+json", self
        document = self.json
        assert document["status"] == self.status, self
        assert document["title"], self
        assert document["detail"], self
        prefix, name = document["type"].rsplit("/", 1)
        assert prefix == "/problems", self
        return str(name)

    @property
    def fields(self) -> list[str]:
        """What the problem says is at fault: JSON pointers, or names of parameters."""
        assert self.problem
        return [error.get("pointer", error.get("parameter")) for error in self.json["errors"]]

    def ok(self, status: int | None = None) -> "Reply":
        """Itself, if it says what was expected: any success, or one status."""
        fine = self.status < 300 if status is None else self.status == status
        assert fine, f"{self.status} {self.body.decode(errors='replace')[:2000]}"
        return self

    def refused(self, status: int, problem: str | None = None) -> "Reply":
        """Itself, if it is that refusal."""
        self.ok(status)
        assert problem is None or self.problem == problem, self.body
        return self


class Client:
    """
    Somebody with a token; not shared between threads.

    :param token: None for a stranger.
    """

    def __init__(self, address: tuple[str, int], token: str | None, qq: int = 0) -> None:
        self._connection: HTTPConnection | None = None
        self.qq = qq
        self.token = token
        self._address = address

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        at_least: str | None = None,
        key: str | None = None,
    ) -> Reply:
        """
        One request.

        :param body: sent as JSON; ``raw`` is sent as it is.
        :param at_least: positions that the answer must include.
        :param key: the idempotency key.
        """
        sent = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        if raw is None and body is not None:
            raw = json.dumps(body, ensure_ascii=False).encode()
        if raw is not None:
            sent["Content-Type"] = "application/json"
        if at_least is not None:
            sent["Homezone-At-Least"] = at_least
        if key is not None:
            sent["Idempotency-Key"] = key
        sent.update(headers or {})
        return self._send(method, path, raw, {k: v for k, v in sent.items() if v != ""})

    def get(self, path: str, /, *, at_least: str | None = None, **query: Any) -> Reply:
        """Read."""
        given = {name: value for name, value in query.items() if value is not None}
        return self.request(
            "GET", f"{path}?{urlencode(given)}" if given else path, at_least=at_least
        )

    def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        """Make."""
        return self.request("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Reply:
        """Say how it is to be."""
        return self.request("PUT", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Reply:
        """Change."""
        return self.request("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> Reply:
        """Take away."""
        return self.request("DELETE", path, **options)

    def walk(self, path: str, /, *, at_least: str | None = None, **query: Any) -> list[Any]:
        """Every item of a list; every page but the last is full and links to the next."""
        items: list[Any] = []
        limit = query.get("limit", 20)
        reply = self.get(path, at_least=at_least, **query).ok(200)
        while True:
            page = reply.json
            items += page["items"]
            if page["next"] is None:
                assert "link" not in reply.headers
                return items
            assert len(page["items"]) == limit, "a page before the last one is full"
            link = reply.headers["link"]
            assert link.startswith("<")
            assert link.endswith('>; rel="next"')
            reply = self.request("GET", link[1 : link.index(">")]).ok(200)

    # What members often do

    def publish(self, text: str = "床前明月光", to: Any = "public", **more: Any) -> Reply:
        """A shuoshuo; ``to`` is an audience's name, a list of members, or a named list."""
        body = {"kind": "shuoshuo", "text": text, "audience": audience(to), **more}
        return self.post("/v1/posts", body).ok(201)

    def share(self, post: str, text: str = "", to: Any = "public") -> Reply:
        """A share of a post."""
        body = {"kind": "share", "share_of": post, "text": text, "audience": audience(to)}
        return self.post("/v1/posts", body)

    def comment(self, post: str, text: str = "疑是地上霜", reply_to: str | None = None) -> Reply:
        """A comment."""
        body = {"text": text} if reply_to is None else {"text": text, "reply_to": reply_to}
        return self.post(f"/v1/posts/{post}/comments", body)

    def befriend(self, other: "Client") -> None:
        """Both are friends at once: one asks, the other accepts."""
        self.put(f"/v1/me/friends/{other.qq}").ok()
        assert other.put(f"/v1/me/friends/{self.qq}").ok().json["state"] == "friends"

    def _send(self, method: str, path: str, raw: bytes | None, headers: Mapping[str, str]) -> Reply:
        for attempt in (1, 2):
            connection = self._connection
            if connection is None:
                connection = HTTPConnection(*self._address, timeout=SECONDS_MAX)
                connection.connect()
                self._connection = connection
            try:
                connection.request(method, path, raw, dict(headers))
                answer = connection.getresponse()
                body = answer.read()
            except (HTTPException, ConnectionError):
                # A kept connection may have been closed by the server meanwhile.
                self.close()
                if attempt == 2:
                    raise
                continue
            if answer.will_close:
                self.close()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, named, body)
        raise AssertionError("the second attempt returns or raises")

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        """Nobody holds it any more: a server that lives for a whole run keeps no line for it."""
        self.close()


def audience(to: Any) -> Any:
    """An audience: its name, the members on its list, or the name of a list."""
    match to:
        case list():
            return {
                "to": "list",
                "list": [one.qq if isinstance(one, Client) else one for one in to],
            }
        case "public" | "friends" | "only_me":
            return {"to": to}
        case str():
            return {"to": "list", "name": to}
        case _:
            return to


_HELD = text(
    "SELECT h.cell, count(e.position) FROM log.log_heads h"
    " LEFT JOIN log.events e ON e.cell = h.cell AND e.type <> 'badge.awarded.v1' GROUP BY h.cell"
)


class RunningHomezone:
    """
    A server that runs in a thread.

    :param numbers: where QQ numbers for new members come from.
    """

    def __init__(self, homezone: Homezone, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self.homezone = homezone
        self.loop = loop
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._clients: WeakSet[Client] = WeakSet()
        self._operator: Client | None = None

    def token(self, qq: int, role: str = "member", ttl: timedelta = timedelta(hours=1)) -> str:
        """A token of this server's own key."""
        now = self.homezone.clock.now()
        return self.homezone.tokens.issue(qq, Role(role), ttl, now)

    def client(self, qq: int, role: str = "member") -> Client:
        """Somebody with a token, member of this Homezone or not."""
        return self.with_token(self.token(qq, role), qq)

    def with_token(self, token: str | None, qq: int = 0) -> Client:
        """Somebody with this token, or none."""
        client = Client(("127.0.0.1", self.port), token, qq)
        self._clients.add(client)
        return client

    @property
    def operator(self) -> Client:
        """Who opens accounts."""
        if self._operator is None:
            self._operator = self.client(OPERATOR_QQ, "operator")
        return self._operator

    def member(self, nickname: str | None = None, **more: Any) -> Client:
        """A new member."""
        qq = next(_NUMBERS)
        body = {
            "qq": qq,
            "nickname": nickname or f"m{qq}",
            "real_name": "李太白",
            "birth_date": "2001-02-03",
            **more,
        }
        self.operator.post("/v1/accounts", body).ok(201)
        return self.client(qq)

    def members(self, number: int) -> list[Client]:
        """Several new members."""
        return [self.member() for _ in range(number)]

    def heads(self) -> dict[int, int]:
        """
        How much each cell's log holds: what must not move when nothing is stored. Badges are
        awarded to whomever, a little after what earned them, and are left out.
        """
        with self.homezone.database.server.connect() as connection:
            return {int(cell): int(number) for cell, number in connection.execute(_HELD)}

    async def _heads(self) -> dict[int, int]:
        return dict(await self.homezone.log.heads())

    def ends(self) -> dict[int, int]:
        """The log's last positions."""
        future = asyncio.run_coroutine_threadsafe(self._heads(), self.loop)
        return future.result(SECONDS_MAX)

    def everything(self) -> str:
        """``Homezone-At-Least`` for all there is now."""
        heads = self.ends()
        return ",".join(f"{cell}-{at}" for cell, at in heads.items())

    def close(self) -> None:
        """Hang up for everybody."""
        for client in list(self._clients):
            client.close()


#: One counter for all servers of a process: nobody's number is ever anybody else's.
_NUMBERS = count(20_001)


@contextmanager
def running_homezone(
    database_url: str,
    data_dir: Path,
    *,
    cells: int = 16,
    limits: bool = False,
    demo_rail: bool = True,
    clock: Clock | None = None,
    **settings: Any,
) -> Iterator[RunningHomezone]:
    """A server on a database; a second block on the same directory is that server, restarted."""
    made = Settings(
        data_dir=data_dir,
        database_url=database_url,
        cells=cells,
        limits=limits,
        port=0,
        demo_rail=demo_rail,
        **settings,
    )
    ready = threading.Event()
    outcome: list[RunningHomezone | BaseException] = []
    ends: list[asyncio.Event] = []

    async def serve() -> None:
        homezone = Homezone(made, clock=clock)
        runner: Runner | None = None
        stopping = asyncio.Event()
        try:
            runner = Runner(await homezone.start(), door=homezone.door, shutdown_timeout=5)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            port = runner.addresses[0][1]
            ends.append(stopping)
            outcome.append(RunningHomezone(homezone, asyncio.get_running_loop(), port))
            ready.set()
            await stopping.wait()
        finally:
            if runner is not None:
                await runner.cleanup()
            await homezone.stop()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001  told to whoever waits
            outcome.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="homezone", daemon=True)
    thread.start()
    assert ready.wait(SECONDS_MAX), "the server does not start"
    running = outcome[0]
    if isinstance(running, BaseException):
        raise running
    try:
        yield running
    finally:
        running.close()
        running.loop.call_soon_threadsafe(ends[0].set)
        thread.join(SECONDS_MAX)
        assert not thread.is_alive(), "the server does not stop"
        if len(outcome) > 1:
            failure = outcome[1]
            assert isinstance(failure, BaseException)
            raise failure
