"""
A wire between the log and its database that can be cut at the worst moment.
"""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from sqlalchemy import make_url

#: Cut at a COMMIT: before it is passed on, after it took hold, or passing it on when it seems lost;
#: or pass nothing on from there.
Cut = Literal["before", "after", "late", "stall"]

_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"


class Proxy:
    """Passes bytes on, until told otherwise."""

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._cut: Cut | None = None
        self._refuse = False
        self.flowing = threading.Event()
        self.flowing.set()
        self.refusing = False
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The database, through this wire."""
        host, port = self._listener.getsockname()
        through = self._target.set(host=host, port=port).difference_update_query(["host", "port"])
        return through.update_query_dict({"sslmode": "disable"}).render_as_string(
            hide_password=False
        )

    def cut(self, where: Cut, *, and_refuse: bool = False) -> None:
        """Cut at the next COMMIT, once; and let nobody in afterwards."""
        self._refuse = and_refuse
        self._cut = where

    def close(self) -> None:
        """Cut everything, for good."""
        self.refusing = True
        self.flowing.set()
        self._listener.close()
        for each in self._open:
            _shut(each)

    def _connect(self) -> socket.socket:
        query = self._target.query
        host = str(query.get("host") or self._target.host or "127.0.0.1")
        port = int(str(query.get("port") or self._target.port or 5432))
        if host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(Path(host) / f".s.PGSQL.{port}"))
            return server
        return socket.create_connection((host, port))

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.refusing:
                    _shut(client)
                    continue
                server = self._connect()
                self._open += [client, server]
                threading.Thread(target=self._pass, args=(client, server), daemon=True).start()

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        # Somebody else closed an end: that is what a cut wire is.
        with contextlib.suppress(OSError, ValueError):
            while self._pass_once(client, server):
                pass
        _shut(client)
        _shut(server)

    def _pass_once(self, client: socket.socket, server: socket.socket) -> bool:
        for ready in select.select([client, server], [], [])[0]:
            self.flowing.wait()
            data = ready.recv(1 << 16)
            if not data:
                return False
            if ready is server:
                client.sendall(data)
            elif self._cut == "stall" and data.endswith(_COMMIT):
                self._cut = None
                self.flowing.clear()
                self.flowing.wait()
                server.sendall(data)
            elif self._cut is not None and data.endswith(_COMMIT):
                self._sever(client, server, data)
                return False
            else:
                server.sendall(data)
        return True

    def _sever(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        where, self._cut = self._cut, None
        self.cuts += 1
        self.refusing = self._refuse
        if where == "after":
            server.sendall(data)
            server.recv(1 << 16)
        _shut(client)
        if where == "late":
            time.sleep(0.4)
            server.sendall(data)
            server.recv(1 << 16)


@contextmanager
def proxied(url: str) -> Iterator[Proxy]:
    """A wire to a database."""
    proxy = Proxy(url)
    try:
        yield proxy
    finally:
        proxy.close()


def _shut(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
