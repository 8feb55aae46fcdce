"""
The engine in a process of its own, as the server sees it.

Feeding read models and answering requests want the same interpreter; in one process each waited for
the other, and a post took twice as long. So the engine runs in a child. The two talk over one
socket: the server says where the log ends and that somebody waits, the child what it committed and
how it stands. All of it is hints, as a wake-up is: checkpoints and log are the truth, and a child
that dies is started again and goes on from there. A server that dies closes the socket, and the
child ends.
"""

import contextlib
import logging
import socket
import subprocess
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Protocol, TypeAlias, TypeVar
from uuid import UUID

import msgspec

from projections.engine.backoff import Retry
from projections.engine.positions import PositionBoard, Vector
from projections.engine.runner import EVENTS_PER_BATCH
from projections.engine.status import EngineStatus, Report, engine_status, lag_of

M = TypeVar("M")

logger = logging.getLogger("homezone.projections")

#: A vector of 4,096 cells and all that is said of one model fit.
_MESSAGE_BYTES_MAX = 1 << 18
_STOP_SECONDS = 15.0
_DOWN = Report({}, leading=False, trouble="FeederDown", failures={})


class NotaryKeys(msgspec.Struct, frozen=True):
    """
    What the notary works with: the vault's folder, the file of its key, a new key's name; and the
    vault's master key, where it would have to be asked for again.
    """

    vault: str
    file: str
    name: str | None
    lent: bytes | None = None


class Setup(msgspec.Struct, frozen=True, tag="setup"):
    """
    First word of the server: what to work on. It may hold a password or a key, so no argument does.

    Without ``notary``, events are made no leaves of the tree here.
    """

    database_url: str
    holder: UUID
    notary: NotaryKeys | None = None


class Heads(msgspec.Struct, frozen=True, tag="heads"):
    """The log has grown; where to, if known."""

    heads: dict[int, int] | None


class Expecting(msgspec.Struct, frozen=True, tag="expecting"):
    """Somebody waits for the read models, for at most so many seconds."""

    seconds: float


Word: TypeAlias = Setup | Heads | Expecting


class Channel:
    """One end of the socket; a message is sent and received whole."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._encode = msgspec.msgpack.Encoder().encode

    @staticmethod
    def pair() -> tuple[socket.socket, socket.socket]:
        """Both ends, the server's first."""
        ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in ends:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MESSAGE_BYTES_MAX)
        return ends

    def send(self, message: Word | Report, *, wait: bool = True) -> None:
        """Send; without ``wait``, a hint that finds no room is dropped. A lost peer is no error."""
        with contextlib.suppress(OSError):
            self._end.send(self._encode(message), 0 if wait else socket.MSG_DONTWAIT)

    def words(self) -> Iterator[Word]:
        """What the server says, until it is gone."""
        return self._received(msgspec.msgpack.Decoder(Word).decode)

    def reports(self) -> Iterator[Report]:
        """What the child says, until it is gone."""
        return self._received(msgspec.msgpack.Decoder(Report).decode)

    def _received(self, decode: Callable[[bytes], M]) -> Iterator[M]:
        with contextlib.suppress(OSError):
            while message := self._end.recv(_MESSAGE_BYTES_MAX):
                yield decode(message)

    def end(self) -> None:
        """Say no more, and hear no more."""
        with contextlib.suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)


class Spawn(Protocol):
    """Starts the child, with its end of the socket."""

    def __call__(self, end: socket.socket) -> "subprocess.Popen[bytes]": ...


class Feeder:
    """
    The same as the engine, to whoever starts, wakes, awaits or asks it.

    :param models: the names of those that are fed.
    :param spawn: starts a child; called again, in a thread, when one has ended unasked.
    """

    def __init__(
        self, models: Iterable[str], setup: Setup, spawn: Spawn, retry_seconds: float = 0.25
    ) -> None:
        self._setup = setup
        self._spawn = spawn
        self._retry_seconds = retry_seconds
        self._board = PositionBoard(models)
        self._heads: dict[int, int] = {}
        self._report = _DOWN
        self._channel: Channel | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._reported = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)

    @property
    def pid(self) -> int | None:
        """The child's process, while there is one."""
        child = self._child
        return None if child is None or child.poll() is not None else child.pid

    def start(self) -> None:
        """Run until stopped."""
        self._thread.start()

    def wait_until_up(self, seconds: float) -> bool:
        """Whether the child has said where the read models are, within so many seconds."""
        return self._reported.wait(seconds)

    def stop(self) -> None:
        """Let the child finish the batch in hand, and end it."""
        with self._lock:
            self._stopping.set()
            if self._channel is not None:
                self._channel.end()
        self._thread.join()

    def wake(self, heads: Mapping[int, int] | None = None) -> None:
        """Something was committed; from any thread."""
        for cell, position in (heads or {}).items():
            if position > self._heads.get(cell, 0):
                self._heads[cell] = position
        self._say(Heads(None if heads is None else dict(heads)))

    async def wait_for(
        self, target: Vector, seconds: float, models: Collection[str] | None = None
    ) -> None:
        """
        Return when those models (all, by default) have reached the target.

        :raises TimeoutError: they had not within that many seconds.
        """
        if not self._board.has_reached(target, models):
            self._say(Expecting(seconds))
            await self._board.wait_for(target, seconds, models)

    def positions(self) -> dict[str, dict[int, int]]:
        """The committed position of every model in every cell, as last heard."""
        return self._board.read()

    def lag(self) -> dict[str, int]:
        """How many events each model has yet to see."""
        heads = dict(self._heads)
        return {name: lag_of(heads, vector) for name, vector in self._board.read().items()}

    def status(self) -> EngineStatus:
        """How it and each of its models are doing."""
        heads = dict(self._heads)
        return engine_status(self._report, self._board.read(), heads, EVENTS_PER_BATCH)

    def _say(self, word: Word) -> None:
        channel = self._channel
        if channel is not None:
            channel.send(word, wait=False)

    def _run(self) -> None:
        retry = Retry(self._retry_seconds)
        while not self._stopping.is_set():
            try:
                self._attend(retry)
            except OSError as error:
                logger.warning("the feeder cannot be started", exc_info=error)
            self._report = _DOWN
            if not self._stopping.is_set():
                logger.warning("the feeder ended unasked, and is started again")
                self._stopping.wait(min(retry.failed(), 5.0))

    def _attend(self, retry: Retry) -> None:
        """One child's life."""
        ours, theirs = Channel.pair()
        with ours:
            with theirs:
                child = self._child = self._spawn(theirs)
            channel = Channel(ours)
            channel.send(self._setup)
            with self._lock:
                self._channel = channel
                if self._stopping.is_set():
                    channel.end()
            try:
                for report in channel.reports():
                    self._report = report
                    self._board.publish(report.positions)
                    if report.positions:
                        self._reported.set()
                    retry.succeeded()
            finally:
                with self._lock:
                    self._channel = None
                channel.end()
                _wait_for_end(child)


def _wait_for_end(child: "subprocess.Popen[bytes]") -> None:
    """It ends by itself once it hears nothing more; what is stuck is killed, and loses nothing."""
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
