"""
The schema: made once by however many servers start, and beyond the reach of the server's role.
"""

import threading
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

from adapters.database import Database, DatabaseUnfit, parse_url
from adapters.log.tables import metadata
from adapters.schema import migrate
from tests.adapters.log.stores import migrated
from tests.support.database import fresh_database, shared_server


def test_servers_that_start_at_once_migrate_once() -> None:
    with fresh_database(shared_server()) as url:
        results: list[Any] = []

        def start() -> None:
            try:
                results.append(migrate(url, 4))
            except Exception as error:  # noqa: BLE001 - the test shows it
                results.append(error)

        servers = [threading.Thread(target=start) for _ in range(6)]
        for each in servers:
            each.start()
        for each in servers:
            each.join()
        assert results == [4] * 6


def test_a_store_keeps_its_number_of_cells() -> None:
    with fresh_database(shared_server()) as url:
        assert migrate(url, 3) == 3
        assert migrate(url, 16) == 3
    for wrong in (0, 4097):
        with pytest.raises(DatabaseUnfit):
            migrate(url, wrong)


def test_the_tables_are_what_the_queries_think() -> None:
    database = Database(migrated(1))
    with database.owner.connect() as connection:
        options = {
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == "log",
            "version_table_schema": "log",
            "compare_server_default": False,
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    database.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log.events SET version = 1",
        "DELETE FROM log.events",
        "TRUNCATE log.events",
        "DELETE FROM log.log_heads",
        "INSERT INTO log.log_heads (cell) VALUES (99)",
        "UPDATE log.commands SET digest = ''",
        "DROP TABLE log.events",
        "CREATE TABLE log.mine (one int)",
        "CREATE TABLE models.mine (one int)",
    ],
)
def test_the_servers_role_cannot_touch_history(statement: str) -> None:
    database = Database(migrated(1))
    with database.server.connect() as connection:
        assert connection.scalar(text("SELECT current_user")) == "homezone_server"
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            connection.execute(text(statement))
    database.dispose()


def test_the_server_may_write_every_read_model() -> None:
    database = Database(migrated(1))
    with database.owner.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS models.later"))
        connection.execute(text("CREATE TABLE models.later (one int)"))
    with database.server.begin() as connection:
        for statement in ("INSERT INTO {} VALUES (1)", "UPDATE {} SET one = 2", "DELETE FROM {}"):
            connection.execute(text(statement.format("models.later")))
    database.dispose()


def test_sessions_are_set_for_durability() -> None:
    database = Database(migrated(1))
    for engine in (database.owner, database.server):
        with engine.connect() as connection:
            shown = [
                connection.scalar(text(f"SHOW {name}")) for name in ("timezone", "lock_timeout")
            ]
            assert shown == ["UTC", "2s"]
            assert connection.scalar(text("SHOW synchronous_commit")) == "on"
    database.dispose()


def test_a_login_without_rights_learns_what_to_ask_for() -> None:
    with fresh_database(shared_server()) as url:
        admin = Database(url)
        with admin.owner.begin() as connection:
            connection.execute(text("DROP ROLE IF EXISTS homezone_poor"))
            connection.execute(text("CREATE ROLE homezone_poor LOGIN PASSWORD 'poor'"))
        engine = Database(url).owner.execution_options()
        with engine.connect() as connection:
            connection.execute(text("SET ROLE homezone_poor"))
            from adapters.schema import _lacks_rights, _make_ground

            with pytest.raises(ProgrammingError) as caught:
                _make_ground(connection)
        told = str(_lacks_rights(Database(url.replace("//", "//homezone_poor@", 1)), caught.value))
        assert "CREATE ROLE homezone_server NOLOGIN" in told
        assert "GRANT CREATE ON DATABASE" in told
        engine.dispose()
        with admin.owner.begin() as connection:
            connection.execute(text("DROP ROLE homezone_poor"))
        admin.dispose()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_the_driver_is_always_named(scheme: str) -> None:
    url = parse_url(f"{scheme}://me:p%40ss@host:5433/db?options=-c%20work_mem%3D8MB")
    assert url.drivername == "postgresql+psycopg2"
    assert (url.password, url.port) == ("p@ss", 5433)


def test_the_urls_own_options_are_kept() -> None:
    url = make_url(migrated(1)).update_query_dict({"options": "-c work_mem=7MB"})
    database = Database(url.render_as_string(hide_password=False))
    with database.server.connect() as connection:
        assert connection.scalar(text("SHOW work_mem")) == "7MB"
    database.dispose()


def test_other_databases_are_refused() -> None:
    for wrong in ("mysql://host/db", "nonsense", ""):
        with pytest.raises(DatabaseUnfit):
            parse_url(wrong)
