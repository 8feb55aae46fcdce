"""
The one PostgreSQL of a run: our embedded one, with a database for each contestant.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import create_engine, make_url, text

from adapters.embedded import EmbeddedPostgres
from adapters.embedded.binaries import installed_binaries
from benchmarks.install import NODE

#: Pools of several peers wait beside each other; nothing else differs from what we serve with.
_LOCAL_CONF: Final = "max_connections = '400'\n"


class Cluster:
    """
    A running server.

    :param directory: for what contestants keep outside of it.
    """

    def __init__(self, server: EmbeddedPostgres, directory: Path) -> None:
        self._server = server
        self.directory = directory
        self._engine = create_engine(server.url(database="postgres"), isolation_level="AUTOCOMMIT")

    def database(self, name: str) -> str:
        """Make an empty database; its URL."""
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self._server.url(database=name)

    def copy(self, template: str, name: str) -> str:
        """Make a database as a copy of one that nobody is connected to; its URL."""
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return self._server.url(database=name)

    def drop(self, name: str) -> None:
        """Remove a database that nobody uses any more."""
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def settle(self, name: str) -> None:
        """
        Do now what the server would do in the minutes after a filling: vacuum, analyse, write out.
        A log that grew over months has all that behind it.
        """
        engine = create_engine(self._server.url(database=name), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("VACUUM (ANALYZE)"))
            connection.execute(text("CHECKPOINT"))
        engine.dispose()

    def version(self) -> str:
        """PostgreSQL's version, as it says itself."""
        with self._engine.connect() as connection:
            return str(connection.scalar(text("SHOW server_version")))

    def _execute(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))

    def close(self) -> None:
        """Hang up."""
        self._engine.dispose()


def parts(url: str) -> dict[str, Any]:
    """Host, port, user and database of a URL, for drivers with other spellings."""
    made = make_url(url)
    host, port = made.query["host"], made.query["port"]
    assert isinstance(host, str)
    assert isinstance(port, str)
    return {"host": host, "port": int(port), "user": made.username, "database": made.database}


def dsn(url: str) -> str:
    """A URL as libpq takes it."""
    of = parts(url)
    return f"host={of['host']} port={of['port']} user={of['user']} dbname={of['database']}"


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A new cluster in a directory of its own, gone afterwards."""
    with TemporaryDirectory(prefix="homezone-bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)  # the embedded server may run under another account than ours
        with EmbeddedPostgres(directory / "cluster") as server:
            local = server.log_path.with_name("local.conf")
            local.write_text(_LOCAL_CONF, encoding="utf-8")
            local.chmod(0o644)
            server.restart()
            cluster = Cluster(server, directory)
            try:
                yield cluster
            finally:
                cluster.close()


def install_message_db(cluster: Cluster, name: str) -> str:
    """
    A database with message-db in it, put there by its own script; its URL.

    The script wants the pgcrypto extension, which the embedded build lacks and message-db does not
    use (``gen_random_uuid`` and ``md5`` are PostgreSQL's own): that one file is left empty.
    """
    url = cluster.database(name)
    of = parts(url)
    scripts = cluster.directory / "message-db"
    copytree(NODE / "node_modules" / "@eventide" / "message-db" / "database", scripts)
    (scripts / "extensions" / "pgcrypto.sql").write_text("", encoding="utf-8")
    subprocess.run(
        ["bash", str(scripts / "install.sh")],
        env={
            "PATH": f"{installed_binaries().directory}:/usr/bin:/bin",
            "PGHOST": of["host"],
            "PGPORT": str(of["port"]),
            "PGUSER": of["user"],
            "DATABASE_NAME": name,
            "CREATE_DATABASE": "off",
        },
        check=True,
        capture_output=True,
    )
    return url
