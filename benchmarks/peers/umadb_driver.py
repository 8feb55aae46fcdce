"""
UmaDB, an event store written in Rust that commits groups of appends, through its Python client.

The client blocks and releases the interpreter's lock, so callers are threads over a few clients
(each is one channel), in one process or two. A stream is a tag; an append's condition is that
nothing with that tag follows what the caller knows of.
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import umadb

from benchmarks.peers.protocol import Round, Step, Stream, closed_loop, serve

_TYPE = "post.published.v1"
#: How its server may be started: as it comes, with its page cache, with its pipelined writer.
_SERVERS = {
    "default": [],
    "cache": ["--page-cache-max-mb", "256"],
    "pipelined": ["--pipelined-writer", "true"],
}


class UmaDb:
    """The first process starts the servers, each on a file of its own; others use them."""

    def __init__(self) -> None:
        self._servers: list[subprocess.Popen[bytes]] = []
        self._clients: list[umadb.Client] = []
        self._shape: tuple[str, int] | None = None

    def open(self, config: dict[str, Any]) -> dict[str, Any]:
        """Start the servers unless their addresses are given."""
        self._data = config["payload"].encode()
        self._addresses: dict[str, str] = config.get("addresses", {})
        if not self._addresses:
            directory = Path(config["directory"])
            directory.mkdir(parents=True, exist_ok=True)
            for name, options in _SERVERS.items():
                self._addresses[name] = self._start(directory / f"{name}.db", options)
        return {"addresses": self._addresses}

    def prepare(self, settings: dict[str, Any]) -> dict[str, Any]:
        """So many channels to one of the servers."""
        shape = settings["server"], settings["clients"]
        if self._shape != shape:
            self._clients = [umadb.Client(self._addresses[shape[0]]) for _ in range(shape[1])]
            self._shape = shape
        return {}

    def append(self, callers: int, batch: int, seconds: float, settings: dict[str, Any]) -> Round:
        """A thread a caller."""
        own = settings["streams"] == "own"

        def make(number: int) -> Step:
            append = self._clients[number % len(self._clients)].append
            stream = Stream(own)
            known: int | None = None

            def step() -> None:
                nonlocal known
                name, before = stream.next(batch)
                tag = f"post-{name}"
                new = [umadb.Event(_TYPE, self._data, [tag]) for _ in range(batch)]
                nothing = umadb.Query([umadb.QueryItem(tags=[tag])])
                known = append(new, umadb.AppendCondition(nothing, known if before else None))

            return step

        return closed_loop(callers, batch, seconds, make)

    def read(self, limit: int, settings: dict[str, Any]) -> Round:
        """Whole batches of SequencedEvents; the bytes of each are fetched, too."""
        client = umadb.Client(self._addresses[settings["server"]], batch_size=settings["page"])
        began, read = time.perf_counter(), 0
        response = client.read(limit=limit)
        while batch := response.next_batch():
            for each in batch:
                event = each.event
                _ = each.position, event.event_type, event.tags, event.data
            read += len(batch)
        return Round(read, time.perf_counter() - began)

    def close(self) -> None:
        """End the servers."""
        self._clients = []
        for server in self._servers:
            server.terminate()
        for server in self._servers:
            server.wait()

    def _start(self, path: Path, options: list[str]) -> str:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        command = [str(Path(sys.executable).with_name("umadb")), "--listen", f"127.0.0.1:{port}"]
        command += ["--db-path", str(path), *options]
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2, env=os.environ)
        self._servers.append(server)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return f"http://127.0.0.1:{port}"


if __name__ == "__main__":
    serve(UmaDb())
