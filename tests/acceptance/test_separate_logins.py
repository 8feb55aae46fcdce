"""
Two logins on a PostgreSQL of one's own: the owner migrates, the server serves and can do no more.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg2
import pytest
from psycopg2 import errors
from sqlalchemy import make_url

from tests.acceptance.processes import one_line, run, serving
from tests.support.database import enterable_directory, fresh_database, remove_data


class Logins(NamedTuple):
    admin: str
    owner: str
    server: str


@pytest.fixture
def ground() -> Iterator[Path]:
    directory = enterable_directory()
    yield directory
    remove_data(directory)


def execute(url: str, *statements: str) -> None:
    """As whoever the URL names."""
    for_libpq = make_url(url).set(drivername="postgresql")
    connection = psycopg2.connect(for_libpq.render_as_string(hide_password=False))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


@pytest.fixture
def logins(server_url: str) -> Iterator[Logins]:
    """A database as the handbook has it set up: see docs/operations.md."""
    with fresh_database(server_url) as admin:
        name = make_url(admin).database
        owner, server = (f"homezone_{kind}_{secrets.token_hex(4)}" for kind in ("owner", "app"))
        execute(
            admin,
            f"CREATE ROLE {owner} LOGIN",
            f"CREATE ROLE {server} LOGIN",
            "DO $$ BEGIN CREATE ROLE homezone_server NOLOGIN;"
            " EXCEPTION WHEN duplicate_object THEN END $$",
            f"GRANT homezone_server TO {owner}, {server}",
            f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC',
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            f'GRANT CONNECT, CREATE ON DATABASE "{name}" TO {owner}',
            f'GRANT CONNECT ON DATABASE "{name}" TO {server}',
        )

        def by(login: str) -> str:
            return make_url(admin).set(username=login).render_as_string(hide_password=False)

        try:
            yield Logins(admin, by(owner), by(server))
        finally:
            execute(
                admin,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                f" WHERE usename IN ('{owner}', '{server}')",
                f"REASSIGN OWNED BY {owner} TO CURRENT_USER",
                f"DROP OWNED BY {owner}, {server}",
                f"DROP ROLE {owner}",
                f"DROP ROLE {server}",
            )


_WRONG = (
    "UPDATE log.events SET version = 1",
    "DELETE FROM log.events",
    "TRUNCATE log.events",
    "ALTER TABLE log.events ADD COLUMN mine int",
    "DROP TABLE log.events",
    "DELETE FROM log.log_heads",
    "CREATE SCHEMA mine",
    "CREATE TABLE public.mine (one int)",
    "CREATE TABLE log.mine (one int)",
    "CREATE TABLE models.mine (one int)",
    "CREATE TEMPORARY TABLE mine (one int)",
    "CREATE ROLE mine",
    "CREATE FUNCTION models.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER ROLE homezone_server SUPERUSER",
)


def test_the_serving_login_serves_and_can_do_no_more(logins: Logins, ground: Path) -> None:
    place = ("--data-dir", str(ground / "data"))
    line = one_line(run("serve", "--port", "0", *place, "--database-url", logins.server), 1)
    assert "right that the migration needs" in line, "nobody has made a store yet"

    done = run("migrate", *place, "--migration-url", logins.owner, "--cells", "4")
    assert (done.returncode, done.stdout) == (0, "up to date: 4 cells\n"), done.stderr

    with serving(ground / "data", "--database-url", logins.server) as server:
        account = {"nickname": "李白", "real_name": "李太白", "birth_date": "2001-02-03"}
        operator = server.client(10_000, "operator")
        for qq in (10_001, 10_002):
            operator.post("/v1/accounts", {"qq": qq, **account}).ok(201)
        one, other = server.client(10_001), server.client(10_002)
        one.befriend(other)
        written = one.publish("床前明月光", to="friends")
        feed = other.get("/v1/feed", at_least=written.position).ok(200).json["items"]
        assert [post["text"] for post in feed] == ["床前明月光"]
        operator.put("/v1/accounts/10002/suspension", {"reason": "x"}).ok()

        status = run("status", *place, "--database-url", logins.server)
        assert status.returncode == 0, status.stderr
        line = one_line(run("replay", "rebuild", *place, "--database-url", logins.server), 1)
        assert "--migration-url" in line
        checked = run("replay", "check", *place, "--migration-url", logins.owner)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        rebuilt = run("replay", "rebuild", *place, "--migration-url", logins.owner)
        assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
        written = one.publish("疑是地上霜")
        path = f"/v1/posts/{written.json['id']}"
        assert one.get(path, at_least=written.position).ok(200).json["text"] == "疑是地上霜"

    for statement in _WRONG:
        for role in ("", "SET ROLE homezone_server; "):
            with pytest.raises(errors.InsufficientPrivilege):
                execute(logins.server, role + statement)


def test_who_may_not_serve_learns_what_to_ask_for(logins: Logins, ground: Path) -> None:
    place = ("--data-dir", str(ground / "data"))
    assert run("migrate", *place, "--database-url", logins.owner).returncode == 0
    login = make_url(logins.server).username
    serve = ("serve", "--port", "0", *place, "--database-url", logins.server)

    execute(logins.admin, f"REVOKE homezone_server FROM {login}")
    assert f'GRANT homezone_server TO "{login}";' in one_line(run(*serve), 1)
    execute(logins.admin, f"GRANT homezone_server TO {login}")

    execute(logins.admin, "CREATE TABLE public.was AS SELECT version_num FROM log.alembic_version")
    execute(logins.admin, "UPDATE log.alembic_version SET version_num = '0000'")
    assert "homezone migrate" in one_line(run(*serve), 1)
    execute(logins.admin, "UPDATE log.alembic_version SET version_num = was.version_num FROM was")

    execute(logins.admin, "ALTER TABLE models.gates DROP COLUMN version")
    line = one_line(run(*serve), 1)
    assert "gates" in line
    assert "homezone migrate" in line
    both = ("--database-url", logins.server, "--migration-url", logins.owner)
    with serving(ground / "data", *both) as server:
        server.client(10_000, "operator").get("/v1/me").refused(403)


def test_a_migration_login_without_a_database_is_a_mistake(ground: Path) -> None:
    place = ("--data-dir", str(ground / "data"))
    line = one_line(run("serve", "--port", "0", *place, "--migration-url", "postgresql://x@y/z"), 1)
    assert "migration URL" in line
