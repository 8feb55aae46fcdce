"""
Our own supervisor for PostgreSQL: a database that Homezone starts is Homezone's to answer for.

Kill Homezone and the server shuts down cleanly; kill the server and Homezone can start it again;
start a second Homezone and it says that the first is there. Recovery takes as long as it takes, and
says so. Idea and order of steps from ``pg_ctl``; the difference is that we stay.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from logging import getLogger
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg2
from sqlalchemy import URL

from adapters.embedded import leftovers, settings
from adapters.embedded.binaries import Binaries, binaries_for
from adapters.embedded.cluster import ensure_cluster
from adapters.embedded.errors import EmbeddedPostgresError, ServerExited
from adapters.embedded.place import Place, occupied_place, occupy
from adapters.embedded.postmaster import Postmaster

DATABASE: Final = "homezone"
POLL_SECONDS: Final = 0.02
SAY_SECONDS: Final = 5.0
STUCK_SECONDS: Final = 1.0

# A server that is coming up answers one of these; any other refusal will not pass by waiting.
_NOT_YET = (
    "No such file or directory",
    "Connection refused",
    "starting up",
    "not yet accepting",
    "not accepting connections",
    "in recovery mode",
    "shutting down",
    "timeout expired",
    "closed the connection unexpectedly",
)

Log = Callable[[str], None]
_log_quietly: Log = getLogger("homezone.embedded").info


class EmbeddedPostgres:
    """
    A PostgreSQL in a data directory, for one process at a time.

    Safe to use from several threads. ``log`` gets a line now and then while something takes long.
    """

    embedded: Final = True

    def __init__(self, data_dir: Path, log: Log = _log_quietly) -> None:
        self._data_dir = data_dir
        self._log = log
        self._mutex = threading.RLock()
        self._stopping = threading.Event()
        self._occupation = ExitStack()
        self._place: Place | None = None
        self._binaries: Binaries | None = None
        self._sockets: Path | None = None
        self._postmaster: Postmaster | None = None
        self._idle_since: float | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> str:
        """
        Start the server, making the cluster and the database if there are none.

        :returns: the URL of the database.
        :raises DataDirectoryInUse: another server has the data directory.
        :raises ServerExited: PostgreSQL ended instead of starting.
        """
        with self._mutex:
            if self.alive:
                return self.url()
            try:
                self._occupy()
                self._run()
            except BaseException:
                self.stop()
                raise
            return self.url()

    def stop(self) -> None:
        """
        End the server in order and give the data directory back; does nothing twice.

        A start that is still waiting for recovery in another thread is given up.
        """
        self._stopping.set()
        with self._mutex:
            try:
                self._end()
            finally:
                self._place = self._sockets = None
                self._occupation.close()
                self._stopping.clear()

    def restart(self) -> str:
        """
        Start the server again, whatever became of it.

        :returns: the URL of the database, the same as before.
        """
        with self._mutex:
            if self._place is None:
                return self.start()
            self._end_postmaster(at_once=self._idle_since is not None)
            self._idle_since = None
            self._run()
            return self.url()

    @property
    def alive(self) -> bool:
        """Whether the server's first process runs."""
        postmaster = self._postmaster
        return postmaster is not None and postmaster.poll() is None

    def stuck(self) -> bool:
        """
        Whether it runs, lets nobody in, and has nobody who works on letting them in; to be asked
        now and then.

        PostgreSQL 18 stays so for ever when its startup process dies, of a full or failing disk,
        while it recovers from a crash. To quit loses nothing that was committed.
        """
        postmaster, now = self.pid, time.monotonic()
        if postmaster is None or not leftovers.nobody_works(postmaster) or not self._recovers():
            self._idle_since = None
            return False
        self._idle_since = self._idle_since or now
        return now - self._idle_since >= STUCK_SECONDS

    def _recovers(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg2.OperationalError as error:
            return "in recovery mode" in str(error) or "starting up" in str(error)
        return False

    def poll(self) -> int | None:
        """The exit code (negative: a signal) of a server that ended unasked, else None."""
        postmaster = self._postmaster
        return None if postmaster is None else postmaster.poll()

    @property
    def pid(self) -> int | None:
        """The id of the server's first process, while it runs."""
        postmaster = self._postmaster
        return None if postmaster is None or postmaster.poll() is not None else postmaster.pid

    @property
    def log_path(self) -> Path:
        """PostgreSQL's log."""
        return self._settled().log

    @property
    def cluster_dir(self) -> Path:
        """PostgreSQL's own directory, for a backup."""
        return self._settled().cluster

    def url(self, role: str = settings.SUPERUSER, database: str = DATABASE) -> str:
        """
        The URL of a database, as SQLAlchemy and ``psycopg2`` take it.

        :param role: whom to connect as; the socket lets us be any role that exists.
        """
        if self._sockets is None:
            raise EmbeddedPostgresError("the embedded PostgreSQL is not started")
        return _url(self._sockets, role, database)

    def _occupy(self) -> None:
        if self._place is None:
            self._place = self._occupation.enter_context(occupy(self._data_dir))
            self._binaries = binaries_for(self._place.account)

    def _settled(self) -> Place:
        if self._place is None:
            raise EmbeddedPostgresError("the embedded PostgreSQL is not started")
        return self._place

    def _run(self) -> None:
        place = self._settled()
        leftovers.clear(place, self._log)
        assert self._binaries is not None
        ensure_cluster(place, self._binaries)
        if self._sockets is None:
            self._sockets = place.make_socket_directory()
        offset = self._launch(place)
        self._wait_until_ready(place, offset)
        self._make_database()

    def _launch(self, place: Place) -> int:
        """Start the process; returns where its part of the log begins."""
        assert self._binaries is not None
        assert self._sockets is not None
        options = {
            "config_file": place.write("postgresql.conf", settings.postgresql_conf()),
            "hba_file": place.write("pg_hba.conf", settings.pg_hba_conf()),
            "ident_file": place.write("pg_ident.conf", settings.pg_ident_conf()),
            "unix_socket_directories": self._sockets,
            "cluster_name": place.name,
        }
        arguments = (item for name, value in options.items() for item in ("-c", f"{name}={value}"))
        command = (str(self._binaries.postgres), "-D", str(place.cluster), *arguments)
        log = place.open_log()
        try:
            offset = os.fstat(log).st_size
            self._postmaster = Postmaster(place.account, command, place.home, log)
        finally:
            os.close(log)
        return offset

    def _wait_until_ready(self, place: Place, offset: int) -> None:
        """Wait for the server without a deadline: recovery after a crash takes what it takes."""
        assert self._postmaster is not None
        started = said = time.monotonic()
        while not self._accepts():
            if self._postmaster.wait(POLL_SECONDS):
                tail = place.log_tail(offset) or ["its log is empty"]
                raise ServerExited(
                    f"PostgreSQL ended while starting (see {place.log}): " + " | ".join(tail)
                )
            if self._stopping.is_set():
                raise EmbeddedPostgresError("PostgreSQL was stopped while it was starting")
            if time.monotonic() - said >= SAY_SECONDS:
                said = time.monotonic()
                tail = place.log_tail(offset, lines=1) or ["its log is empty"]
                self._log(f"waiting for PostgreSQL ({said - started:.0f} s): {tail[-1]}")

    def _accepts(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg2.OperationalError as error:
            reason = str(error).strip()
            if any(sign in reason for sign in _NOT_YET):
                return False
            raise EmbeddedPostgresError(f"PostgreSQL refuses us: {reason}") from error
        return True

    def _make_database(self) -> None:
        connection = self._connect("postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,))
                if cursor.rowcount == 0:
                    cursor.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            connection.close()

    def _connect(self, database: str) -> "psycopg2.extensions.connection":
        return psycopg2.connect(
            host=str(self._sockets),
            port=settings.PORT,
            user=settings.SUPERUSER,
            dbname=database,
            connect_timeout=5,
        )

    def _end(self) -> None:
        if self._place is None:
            return
        self._end_postmaster()
        self._place.remove_socket_directory()

    def _end_postmaster(self, *, at_once: bool = False) -> None:
        """
        End the server with a fast shutdown: sessions end, a checkpoint is written.

        One that is stuck, or is to end at once, is told to drop everything, which costs a recovery
        and no data.
        """
        postmaster, place = self._postmaster, self._settled()
        if postmaster is None:
            return
        started = said = time.monotonic()
        sent: signal.Signals | None = None
        while not postmaster.wait(POLL_SECONDS):
            waited = time.monotonic() - started
            wanted = leftovers.ending_signal(place, waited)
            if at_once and wanted == signal.SIGINT:
                wanted = signal.SIGQUIT
            if wanted != sent:
                postmaster.send(wanted)
                sent = wanted
            if time.monotonic() - said >= SAY_SECONDS:
                said = time.monotonic()
                self._log(f"waiting for PostgreSQL to shut down ({waited:.0f} s)")
        self._postmaster = None
        leftovers.clear(place, self._log)


def running_url(
    data_dir: Path, role: str = settings.SUPERUSER, database: str = DATABASE
) -> str | None:
    """The URL of the server that another process runs on this data directory; None if none does."""
    place = occupied_place(data_dir)
    sockets = None if place is None else place.socket_directory()
    return None if sockets is None else _url(sockets, role, database)


def _url(sockets: Path, role: str, database: str) -> str:
    query = {"host": str(sockets), "port": str(settings.PORT)}
    url = URL.create("postgresql+psycopg2", username=role, database=database, query=query)
    return url.render_as_string(hide_password=False)
