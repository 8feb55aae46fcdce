"""
The ``eventsourcing`` library on its own PostgreSQL module (psycopg 3), and its ProjectionRunner.
"""

import json
import time
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL, Identifier

from benchmarks.peers.library import LibraryDriver
from benchmarks.peers.protocol import Round, serve


class Post(Aggregate):
    """A post, as the library would have it written."""

    @event("Published")
    def __init__(self, author: str, text: str, audience: str) -> None:
        self.author, self.text, self.audience = author, text, audience


class Posts(PostgresTrackingRecorder):
    """A read model of posts: a row each, with the tracking in one transaction."""

    def __init__(self, datastore: PostgresDatastore, **options: Any) -> None:
        super().__init__(datastore, **options)
        self.sql_create_statements.append(
            SQL(
                "CREATE TABLE IF NOT EXISTS {}.posts (post uuid PRIMARY KEY, author text NOT NULL,"
                " text text NOT NULL, audience text NOT NULL, published_at timestamptz NOT NULL,"
                " version integer NOT NULL)"
            ).format(Identifier(datastore.schema))
        )
        self._insert = SQL("INSERT INTO {}.posts VALUES (%s, %s, %s, %s, %s, %s)").format(
            Identifier(datastore.schema)
        )

    def add(self, published: Any, tracking: Tracking) -> None:
        """One post, one commit."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            row = (
                published.originator_id, published.author, published.text, published.audience,
                published.timestamp, published.originator_version,
            )  # fmt: skip
            cursor.execute(self._insert, row, prepare=True)


class PostsProjection(Projection[Posts]):
    """Feeds it."""

    name = "posts"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Every event is a post."""
        self.view.add(domain_event, tracking)


class Driver(LibraryDriver):
    """``functions`` in the settings turns on the library's database functions for inserting."""

    def environment(self, config: dict[str, Any], settings: dict[str, Any]) -> dict[str, str]:
        """Its settings."""
        pool = settings.get("pool", 4)
        return {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": config["database"],
            "POSTGRES_HOST": config["host"],
            "POSTGRES_PORT": str(config["port"]),
            "POSTGRES_USER": config["user"],
            "POSTGRES_PASSWORD": "none: the socket tells who we are",
            "POSTGRES_POOL_SIZE": str(pool),
            "POSTGRES_MAX_OVERFLOW": "0",
            "POSTGRES_MAX_WAITING": "1000",
            "POSTGRES_CONNECT_TIMEOUT": "30",
            "POSTGRES_ENABLE_DB_FUNCTIONS": "yes" if settings.get("functions") else "no",
        }

    def project(self, events: int, seconds: float) -> Round:
        """
        The library's ProjectionRunner catching up on one read model.

        The log, of a new database, is filled first, with aggregates of its own; the clock runs
        until the read model has seen them all, or the seconds are over.
        """
        text = json.loads(self._config["payload"])["content"]["text"]["sealed"]
        env = self.environment(self._config, {"pool": 5})
        app: Application[Any] = Application(env=env)
        for _ in range(0, events, 100):
            app.save(*(Post(author="a" * 36, text=text, audience="public") for _ in range(100)))
        head = app.recorder.max_notification_id()
        app.close()
        assert head is not None
        began = time.perf_counter()
        with ProjectionRunner(
            application_class=Application,
            projection_class=PostsProjection,
            view_class=Posts,
            env=env,
        ) as runner:
            seen = 0
            while seen < head and time.perf_counter() - began < seconds:
                time.sleep(0.01)
                seen = runner.view.max_tracking_id(runner.app.name) or 0
            took = time.perf_counter() - began
        return Round(seen, took)


if __name__ == "__main__":
    serve(Driver())
