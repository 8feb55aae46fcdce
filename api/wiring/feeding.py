"""
The process that feeds the read models: the server's child, which ends with it.

Run as ``python -m api.wiring.feeding DESCRIPTOR``, with one end of a socket to the server; it says
on it what to work on (``projections/engine/feeder.py`` holds the words).
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.reader import Reader
from api.cli import logs
from api.wiring.collecting import collect_rarely
from api.wiring.models import MODELS
from api.wiring.notarising import NotaryThread
from domain.catalogue import EVENTS
from projections.engine.feeder import Channel, Expecting, Heads, Setup, Word
from projections.engine.runner import ProjectionEngine

#: A statement that hangs must not keep the process of a server that has gone.
_STOP_SECONDS = 10.0


def spawn(end: socket.socket) -> "subprocess.Popen[bytes]":
    """Start the process with its end of the socket."""
    # -P: a folder that happens to be called api, where the operator stands, is not ours.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "api.wiring.feeding", str(end.fileno())],
        stdin=subprocess.DEVNULL,
        pass_fds=(end.fileno(),),
        # A session of its own: a Ctrl-C at the terminal is for the server, which then ends us.
        start_new_session=True,
    )


def main(descriptor: int) -> None:
    """Feed until the server is gone or says no more."""
    # Who stops a service may tell all its processes at once; this one goes when the server does.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    channel = Channel(socket.socket(fileno=descriptor))
    words = channel.words()
    match next(words, None):
        case Setup() as setup:
            _feed(setup, words, channel)
        case _:
            return


def _feed(setup: Setup, words: Iterator[Word], channel: Channel) -> None:
    database = Database(setup.database_url, "homezone-feeder")
    reader = Reader(database.server, EVENTS)
    engine = ProjectionEngine(
        reader, database.server, MODELS, SystemClock(), setup.holder, on_change=channel.send
    )
    notary = None if setup.notary is None else NotaryThread(setup.notary, setup.holder, database)
    collect_rarely()
    engine.start()
    if notary is not None:
        notary.start()
    for word in words:
        match word:
            case Heads(heads=heads):
                engine.wake(heads)
                if notary is not None:
                    notary.wake()
            case Expecting(seconds=seconds):
                engine.expect(seconds)
            case Setup():
                raise AssertionError("a process is set up once")
    if notary is not None:
        notary.stop()
    stopping = threading.Thread(target=engine.stop, daemon=True)
    stopping.start()
    stopping.join(_STOP_SECONDS)
    if stopping.is_alive():
        os._exit(1)
    reader.close()
    database.dispose()


if __name__ == "__main__":
    logs.configure()
    main(int(sys.argv[1]))
