"""
A server to put load on, and the members that make its world.
"""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from api.tokens import Role
from api.wiring.tokens import token_issuer, utc_now

FRIENDS: Final = 200
POSTS_EACH: Final = 5
OPERATOR: Final = 10_000
READER: Final = 20_000
#: A friend of the reader, whose home page shows all that it can: posts, visitors, a board.
HOST: Final = READER + 1
_GUESTS: Final = 12
_ON_PAGE: Final = 10

#: What is written under load: a shuoshuo of an ordinary length.
POST: Final = json.dumps(
    {"kind": "shuoshuo", "text": "行到水穷处，坐看云起时。", "audience": {"to": "friends"}},
    ensure_ascii=False,
)


class World:
    """A running server with a member who has two hundred friends, each with posts."""

    def __init__(self, address: str, pid: int, data_dir: Path) -> None:
        self.address = address
        #: Of the server; what it starts descends from it.
        self.pid = pid
        self._issuer = token_issuer(data_dir)
        self.token = self._token(READER, Role.MEMBER)
        self._fill()

    def _token(self, qq: int, role: Role) -> str:
        return self._issuer.issue(qq, role, timedelta(hours=2), utc_now())

    def token_of(self, qq: int) -> str:
        """A member's token."""
        return self._token(qq, Role.MEMBER)

    def call(
        self, qq: int, role: Role, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        """One request that must succeed; the answer's body."""
        data = None if body is None else json.dumps(body).encode()
        return self.send(qq, role, method, path, data)

    def send(self, qq: int, role: Role, method: str, path: str, data: bytes | None) -> Any:
        """The same, of a body that is encoded already."""
        request = urllib.request.Request(
            self.address + path,
            method=method,
            data=data,
            headers={
                "Authorization": f"Bearer {self._token(qq, role)}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def _fill(self) -> None:
        self._open(READER)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(self._befriend, range(READER + 1, READER + 1 + FRIENDS)))
        self._keep_house()
        self._check()

    def _keep_house(self) -> None:
        """The host's page has as many posts as a page shows, and guests who write on its board."""
        for number in range(_ON_PAGE - POSTS_EACH):
            self._post(HOST, number + POSTS_EACH)
        for guest in range(HOST + 1, HOST + 1 + _GUESTS):
            self.call(guest, Role.MEMBER, "POST", f"/v1/spaces/{HOST}/visits", {})
            message = {"text": f"踩踩，回踩哦。{guest}"}
            self.call(guest, Role.MEMBER, "POST", f"/v1/spaces/{HOST}/messages", message)

    def _open(self, qq: int) -> None:
        account = {
            "qq": qq,
            "nickname": f"坐看云起{qq}",
            "real_name": "王维",
            "birth_date": "1999-09-09",
        }
        self.call(OPERATOR, Role.OPERATOR, "POST", "/v1/accounts", account)

    def _befriend(self, qq: int) -> None:
        self._open(qq)
        self.call(qq, Role.MEMBER, "PUT", f"/v1/me/friends/{READER}")
        self.call(READER, Role.MEMBER, "PUT", f"/v1/me/friends/{qq}")
        for number in range(POSTS_EACH):
            self._post(qq, number)

    def _post(self, qq: int, number: int) -> None:
        text = f"空山新雨后，天气晚来秋。明月松间照，清泉石上流。{number}"
        post = {"kind": "shuoshuo", "text": text, "audience": {"to": "friends"}}
        self.call(qq, Role.MEMBER, "POST", "/v1/posts", post)

    def _check(self) -> None:
        """The world is as the figures will claim."""
        deadline = time.monotonic() + 30
        while True:
            feed = self.call(READER, Role.MEMBER, "GET", "/v1/feed")["items"]
            friends = self._count("/v1/me/friends?state=friends&limit=100")
            page = self.call(READER, Role.MEMBER, "GET", f"/v1/spaces/{HOST}")
            shown = [len(page[part]) for part in ("posts", "visitors", "messages")]
            if len(feed) == 20 and friends == FRIENDS and shown == [_ON_PAGE, 5, 3]:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"a feed of {len(feed)} posts by {friends} friends; {shown}")
            time.sleep(0.1)

    def _count(self, path: str) -> int:
        """The items of a list, all pages of it."""
        counted, cursor = 0, ""
        while True:
            page = self.call(READER, Role.MEMBER, "GET", path + cursor)
            counted += len(page["items"])
            if page["next"] is None:
                return counted
            cursor = f"&cursor={quote(page['next'])}"


@contextmanager
def running_world(data_dir: Path, *arguments: str) -> Iterator[World]:
    """A server with a database of its own, and members in it."""
    with running_server(data_dir, *arguments) as (address, pid):
        yield World(address, pid, data_dir)


@contextmanager
def running_server(data_dir: Path, *arguments: str) -> Iterator[tuple[str, int]]:
    """
    ``homezone serve`` as anybody runs it, without request limits; its address and process id.

    :param arguments: further ones, as on a command line.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "api.cli", "serve", "--data-dir", str(data_dir)]
    command += ["--port", str(port), "--limits", "off", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(address, process)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(60)


def _wait_until_ready(address: str, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server ended before it was ready")
