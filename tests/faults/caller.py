"""
A client that never sends twice unasked, and knows what each way of not being answered means.
"""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException

from tests.support.homezone import Client, Reply

SECONDS_MAX = 30.0
#: Not in the explanation of every 503, which mentions the case.
_NOBODY_KNOWS = "nobody can tell yet whether this was done"


class Lost(Exception):
    """The connection was refused or lost: whether anything was done is not known."""


class Unavailable(Exception):
    """
    The server said 503, in order.

    :param unknown: it also said that it does not know whether this was done.
    """

    def __init__(self, unknown: bool) -> None:
        super().__init__(unknown)
        self.unknown = unknown


class Seen:
    """How often clients met with what; and complaints, about what none should ever meet with."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.complaints: list[str] = []
        self._mutex = threading.Lock()

    def count(self, what: str) -> None:
        """Once more."""
        with self._mutex:
            self.counts[what] += 1

    def complain(self, what: str) -> None:
        """This is against the rules."""
        with self._mutex:
            self.complaints.append(what)


class Once(Client):
    """A client whose every request is sent once, on a connection that is kept while it works."""

    def _send(self, method: str, path: str, raw: bytes | None, headers: Mapping[str, str]) -> Reply:
        try:
            if self._connection is None:
                self._connection = HTTPConnection(*self._address, timeout=SECONDS_MAX)
            self._connection.request(method, path, raw, dict(headers))
            answer = self._connection.getresponse()
            body = answer.read()
        except (HTTPException, OSError) as error:
            self.close()
            raise Lost from error
        if answer.will_close:
            self.close()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, named, body)


class Caller:
    """One device of a member: goes to the next server when one does not answer."""

    def __init__(self, ports: Sequence[int], token: str, qq: int, seen: Seen) -> None:
        self.qq = qq
        self._servers = [Once(("127.0.0.1", port), token, qq) for port in ports]
        self._seen = seen

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        at_least: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """
        The answer to one request, if it was one: success, or a refusal that is the client's.

        :raises Lost: nothing came back.
        :raises Unavailable: 503; 409 ``conflict`` and 504 count as such, since both mean later.
        """
        try:
            reply = self._servers[0].request(
                method, path, body, key=key, at_least=at_least or None, headers=headers
            )
        except Lost:
            self._seen.count("lost")
            self._servers.append(self._servers.pop(0))
            raise
        if reply.status < 400:
            return reply
        problem = reply.problem
        later = reply.status in (503, 504) or problem == "conflict"
        if not later:
            if reply.status >= 500 or reply.status in (400, 401, 403, 429):
                self._seen.complain(f"{method} {path}: {reply.status} {reply.body.decode()}")
            return reply
        unknown = _NOBODY_KNOWS in reply.json["detail"]
        name = {"unavailable": "unknown" if unknown else "unavailable"}.get(problem, problem)
        self._seen.count(name)
        if reply.status == 503:
            if not reply.headers.get("retry-after", "").isdigit():
                self._seen.complain(f"{method} {path}: 503 without Retry-After")
            self._servers.append(self._servers.pop(0))
        raise Unavailable(unknown)

    def everywhere(self) -> "list[Caller]":
        """This device at each server alone."""
        callers = []
        for server in self._servers:
            caller = Caller((), "", self.qq, self._seen)
            caller._servers.append(server)
            callers.append(caller)
        return callers

    def close(self) -> None:
        """Hang up."""
        for server in self._servers:
            server.close()
