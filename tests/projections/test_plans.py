"""
Whatever the product asks of its database, an index answers: with the statistics of an empty store
as with fresh ones, each statement as the server's own sessions run it. The walk finds by itself
what there is to run: a new statement that it has no case for fails it.
"""

import asyncio
import importlib
import inspect
import pkgutil
import re
import threading
import types
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import StoredEvent, Tracking
from sqlalchemy import TextClause

import adapters.log
import api
import projections
from adapters.clock import SystemClock
from adapters.database import Database
from adapters.embedded import EmbeddedPostgres
from adapters.log import statements
from adapters.log.postgres import PostgresLog
from adapters.log.session import Session
from adapters.log.storage import PostgresStorage
from adapters.vault import FileKeyVault
from api.wiring.models import MODELS, prepare_store
from api.wiring.store import describe
from domain.catalogue import EVENTS
from domain.ids import MemberId, cell_of
from domain.post import post_stream
from domain.post_events import PostPublished
from projections.engine.apply import InlineModels
from projections.engine.runner import ProjectionEngine
from projections.reading import authority_requests
from projections.reading import cases as cases_read
from projections.reading.statements import Connection, Statement
from tests.support.database import enterable_directory, remove_data
from tests.support.filling import QQ_FIRST, Filling
from tests.support.homezone import Client, RunningHomezone, running_homezone
from tests.support.plans import PlanLog, Ran, explain_everything, faults, selective_prefixes

MEMBERS, EVENTS_FILLED = 300, 20_000
SECONDS_MAX = 60.0

#: Packages whose SQL the walk must have run, wherever in them it stands.
PACKAGES: Final = (adapters.log, projections, api)

#: What may read a whole table, and why.
WHOLE: Final = {
    "SELECT origin, size FROM log.notary_tree": "the tree is one row",
    "SELECT number, vkey, since, until FROM log.notary_keys ORDER BY number DESC": (
        "a row for each key that ever signed, a few for ever"
    ),
    (
        "INSERT INTO log.notary_tree (origin, vkey) SELECT :origin, :vkey"
        " WHERE NOT EXISTS (SELECT 1 FROM log.notary_tree) ON CONFLICT DO NOTHING"
    ): "the tree is one row",
    "UPDATE log.notary_tree SET size = :new WHERE size = :old": "the tree is one row",
    "SELECT count(*), count(*) FILTER (WHERE due <= :now) FROM models.deadlines": (
        "`homezone status` counts what is armed"
    ),
    authority_requests.COUNTS.sql: "a row for each year and kind, a few for ever",
    cases_read.SIZES.sql: "`homezone status` and figures for Prometheus count what is open",
}

#: Whatever has a plan: not a COPY from the client.
_SQL = re.compile(r"\s*((SELECT|WITH|INSERT|UPDATE|DELETE|PREPARE)\b|COPY \()")
_PLACE = re.compile(r"(?<!:):\w+::\w+(\\\[\\\])?|%s(::\w+(\\\[\\\])?)?|(?<!:):\w+|\\\{\w+\\\}")
_PARAMETER = re.compile(r"(?<!:):(\w+)::(\w+(?:\[\])?)")


class Store:
    """A store of some size, and what its PostgreSQL writes down of its plans."""

    def __init__(self, database: Database, data: Path, filling: Filling) -> None:
        self.database = database
        self.data = data
        self.filling = filling
        self.plans = PlanLog(data / "postgres" / "server.log")

    @property
    def url(self) -> str:
        return self.database.url.render_as_string(hide_password=False)

    @property
    def hub(self) -> MemberId:
        """The member who has a tie to everybody."""
        return self.filling.members[0]


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """A store whose statistics are those of when it was empty."""
    directory = enterable_directory()
    data = directory / "data"
    with ExitStack() as stack:
        stack.callback(remove_data, directory)
        server = stack.enter_context(EmbeddedPostgres(data))
        prepare_store(server.url(), 16, SystemClock())
        database = Database(server.url())
        stack.callback(database.dispose)
        # Nobody refreshes the statistics behind the test's back.
        _alone(database, "ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()", "ANALYZE")
        filling = asyncio.run(_fill(database, data / "keys"))
        with database.owner.begin() as connection:
            explain_everything(connection, "homezone")
        yield Store(database, data, filling)


async def _fill(database: Database, keys: Path) -> Filling:
    clock = SystemClock()
    vault = FileKeyVault(keys, clock)
    log = PostgresLog(database, EVENTS, clock, inline=InlineModels(MODELS).statements)
    filling = Filling(log, vault)
    await filling.people(MEMBERS, friends=10)
    await filling.suspensions(1_000)
    await filling.talk(EVENTS_FILLED - filling.events)
    await filling.boards(4_000)
    await filling.cases(4_000)
    await filling.coins(4_000)
    await filling.photos(600, 5)
    await filling.polls(4_000)
    engine = ProjectionEngine(log.reader, database.server, MODELS, clock, uuid4())
    await asyncio.to_thread(engine.catch_up)
    engine.stop()
    await asyncio.to_thread(log.close)
    vault.close()
    return filling


def _alone(database: Database, *orders: str) -> None:
    """Orders that stand in no transaction."""
    with database.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for order in orders:
            connection.exec_driver_sql(order)


@pytest.fixture(scope="module", params=["statistics of an empty store", "fresh statistics"])
def ran(store: Store, request: pytest.FixtureRequest) -> list[Ran]:
    """All that a server runs in a day of work, with its plans."""
    if request.param == "fresh statistics":
        _alone(store.database, "ANALYZE")
    store.plans.skip()
    with running_homezone(store.url, store.data) as homezone:
        _live(homezone, store)
        _read_all(homezone, store)
        _read_log(homezone, store)
        _use_library(homezone, store)
        describe(store.data, store.url)
    return store.plans.take()


def test_every_plan_is_an_indexs(ran: list[Ran], store: Store) -> None:
    with store.database.owner.connect() as connection:
        prefixes = selective_prefixes(connection)
    assert len(prefixes) > 20, "every table has its keys"
    found = {
        f"{fault}: {' '.join(one.query.split())}"
        for one in ran
        for fault in faults(one.plan, prefixes)
        if not any(_matches(sql, one.query) for sql in WHOLE)
    }
    assert not found, "\n".join(sorted(found))


def test_no_statement_is_left_out(ran: list[Ran]) -> None:
    queries = {one.query for one in ran}
    missing = [name for name, sql in _known() if not any(_matches(sql, query) for query in queries)]
    assert not missing, "no case runs these"


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("SELECT count(*) FROM models.gates WHERE version > 1", "reads all of gates"),
        ("SELECT DISTINCT cell FROM log.events", "searches events_pkey without cell, position"),
        (
            "SELECT data FROM log.events WHERE cell = 1 AND version > 0 ORDER BY position LIMIT 1",
            "searches events_pkey without position",
        ),
        (
            "SELECT position FROM models.trail WHERE cell = 1 AND facet = 2",
            "searches trail_pkey without key",
        ),
    ],
)
def test_a_plan_that_grows_with_the_log_is_a_fault(store: Store, query: str, fault: str) -> None:
    with store.database.owner.connect() as connection:
        prefixes = selective_prefixes(connection)
        for setting in ("enable_seqscan", "enable_bitmapscan"):
            connection.exec_driver_sql(f"SET {setting} = {'gates' in query}")
        (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {query}").scalar_one()
    assert any(one.startswith(fault) for one in faults(plan["Plan"], prefixes)), plan


# What there is to run


def _known() -> Iterator[tuple[str, str]]:
    """Every statement that stands somewhere as itself, by a name to find it by."""
    for module in _modules():
        for name, value in vars(module).items():
            sql = value.text if isinstance(value, TextClause) else value
            if isinstance(sql, str) and _SQL.match(sql):
                yield f"{module.__name__}.{name}", sql
    for statement in _statements():
        yield statement.name, statement.sql


def _modules() -> list[types.ModuleType]:
    return [
        importlib.import_module(found.name)
        for package in PACKAGES
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
        if not found.name.endswith("__main__")
    ]


def _statements() -> list[Statement]:
    """All reads of the product; tests that share the process have some of their own."""
    named = [one for module in _modules() for one in vars(module).values()]
    return list({one.name: one for one in named if isinstance(one, Statement)}.values())


def _matches(sql: str, query: str) -> bool:
    """Whether a query that was run is this statement, with any values in its places."""
    wanted = _PLACE.sub(".*?", re.escape(" ".join(sql.split())).replace("\\ ", " "))
    return re.search(wanted, " ".join(query.split())) is not None


# A day of work


def _live(homezone: RunningHomezone, store: Store) -> None:
    """What members, staff and their clients do, over HTTP."""
    hub, friend = homezone.client(QQ_FIRST), homezone.client(QQ_FIRST + 1)
    stranger, newcomer = homezone.members(2)
    stranger.befriend(newcomer)
    _write(homezone, hub, friend, newcomer)
    caught_up = homezone.homezone.services.freshness.wait_for(homezone.ends(), SECONDS_MAX)
    asyncio.run_coroutine_threadsafe(caught_up, homezone.loop).result(SECONDS_MAX)
    post = str(store.filling.posts[0].post)
    for path in (
        "/v1/me", "/v1/me/friends", "/v1/me/blocks", "/v1/me/follows", "/v1/me/lists", "/v1/feed",
        f"/v1/spaces/{friend.qq}", f"/v1/spaces/{friend.qq}/posts", f"/v1/posts/{post}",
        "/v1/me/space", "/v1/me/visitors", f"/v1/spaces/{friend.qq}/messages",
        f"/v1/spaces/{friend.qq}/timeline", f"/v1/posts/{post}/comments", f"/v1/posts/{post}/likes",
    ):  # fmt: skip
        assert hub.get(path).status in (200, 404), path
    _shop(homezone, newcomer)
    auditor = homezone.client(10_011, "auditor")
    for query in (
        {"owner": QQ_FIRST}, {"type": "post.published.v1"}, {"from": "2026-01-01T00:00:00Z"},
        {"stream": post},
    ):  # fmt: skip
        auditor.get("/v1/audit/events", **query).ok(200)
    auditor.get(f"/v1/audit/streams/{post}").ok(200)
    # Some of them are for those on a list.
    for one in store.filling.posts[:40]:
        auditor.get("/v1/audit/visibility", post=str(one.post), viewer=QQ_FIRST + 1).ok(200)


def _write(homezone: RunningHomezone, hub: Client, friend: Client, newcomer: Client) -> None:
    said = {"kind": "shuoshuo", "text": "举头望明月", "audience": {"to": "public"}}
    once = uuid4().hex
    mine = hub.post("/v1/posts", said, key=once).ok().json["id"]
    assert hub.post("/v1/posts", said, key=once).ok().json["id"] == mine
    hub.patch(f"/v1/posts/{mine}", {"text": "举头望明月"}).ok()
    comment = friend.comment(mine).ok().json["id"]
    friend.put(f"/v1/posts/{mine}/like").ok()
    friend.delete(f"/v1/posts/{mine}/like").ok()
    friend.delete(f"/v1/comments/{comment}").ok()
    hub.patch("/v1/me/space", {"names": {"posts": "碎碎念"}, "privacy": {"albums": "friends"}}).ok()
    friend.post(f"/v1/spaces/{hub.qq}/visits", {}).ok()
    board = friend.post(f"/v1/spaces/{hub.qq}/messages", {"text": "踩踩"}).ok().json["id"]
    hub.get(f"/v1/spaces/{hub.qq}").ok(200)
    hub.delete(f"/v1/me/visitors/{friend.qq}").ok()
    hub.delete(f"/v1/messages/{board}").ok()
    hub.put("/v1/me/lists", {"name": "family", "members": [friend.qq]}).ok()
    hub.put(f"/v1/posts/{mine}/audience", {"to": "list", "name": "family"}).ok()
    hub.delete(f"/v1/posts/{mine}").ok()
    newcomer.put(f"/v1/me/blocks/{friend.qq}").ok()
    until = datetime.now(UTC) + timedelta(seconds=0.5)
    suspension = {"reason": "stolen", "until": until.isoformat()}
    homezone.operator.put(f"/v1/accounts/{newcomer.qq}/suspension", suspension).ok()
    deadline = datetime.now(UTC) + timedelta(seconds=SECONDS_MAX)
    again = threading.Event()
    while newcomer.get("/v1/me").status != 200:
        assert datetime.now(UTC) < deadline, "the timer does not fire"
        again.wait(0.05)


def _shop(homezone: RunningHomezone, member: Client) -> None:
    terms = {"kind": "theme", "title": "雪夜", "price_coins": 30}
    item = homezone.operator.post("/v1/mall/items", terms).ok().json["id"]
    member.post("/v1/me/topups", {"coins": 60, "rail": "demo", "rail_ref": uuid4().hex}).ok(201)
    member.put("/v1/me/memberships/yellow", {"months": 1}).ok(200)
    dressed = {"background": {"from": "house", "name": "aurora"}}
    member.patch("/v1/me/space/decoration", dressed).ok(200)
    order = member.post("/v1/orders", {"item": item}).ok().json["id"]
    homezone.operator.post(f"/v1/orders/{order}/refunds", {"reason": "plans"}).ok()
    for path in (
        "/v1/me/wallet", "/v1/me/ledger", "/v1/mall/items", "/v1/me/items", "/v1/me/gifts",
        f"/v1/orders/{order}",
        "/v1/me/memberships",
        "/v1/me/space/decoration", f"/v1/spaces/{member.qq}",
    ):  # fmt: skip
        member.get(path).ok(200)
    homezone.operator.get("/v1/billing/trial-balance").ok(200)
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    homezone.operator.get("/v1/billing/trial-balance", at=now).ok(200)
    homezone.operator.get("/v1/billing/revenue").ok(200)
    homezone.operator.get("/v1/billing/periods").ok(200)


def _read_all(homezone: RunningHomezone, store: Store) -> None:
    """Every read there is, on connections of the server's own."""

    async def read(connection: Connection) -> None:
        for statement in _statements():
            await statement(connection, **_arguments(statement, store))

    reading = homezone.homezone.reads.run(read)
    asyncio.run_coroutine_threadsafe(reading, homezone.loop).result(SECONDS_MAX)


def _arguments(statement: Statement, store: Store) -> dict[str, Any]:
    """Something of each parameter's type; reads have one plan for whatever they are given."""
    members = store.filling.members[:20]
    posts: list[UUID] = [made.post for made in store.filling.posts[: len(members)]]
    now = datetime.now(UTC)
    scalars: dict[str, Any] = {
        "smallint": cell_of(store.hub), "uuid": store.hub, "bigint": 1_000, "int": 20,
        "boolean": True, "timestamptz": now, "text": "open",
    }  # fmt: skip
    arrays: dict[str, list[Any]] = {
        "smallint[]": [cell_of(member) for member in members], "uuid[]": list(members),
        "bigint[]": [1_000] * len(members), "int[]": [1] * len(members),
        "boolean[]": [True] * len(members), "timestamptz[]": [now] * len(members),
        "text[]": ["like"],
    }  # fmt: skip
    values = {name: (scalars | arrays)[kind] for name, kind in _PARAMETER.findall(statement.sql)}
    own = {"post": posts[0], "posts": posts, "contents": posts}
    return values | {name: value for name, value in own.items() if name in values}


def _read_log(homezone: RunningHomezone, store: Store) -> None:
    """The log: whatever its readers can be asked, and each step of an append by itself."""
    log, reader = homezone.homezone.log, homezone.homezone.log.reader
    cell, hub = cell_of(store.hub), store.hub
    streams = [post_stream(made.post) for made in store.filling.posts[:50]]
    for types_ in (None, [PostPublished]):
        for bytes_max in (None, 1 << 20):
            reader.read(cell, 0, 100, 1_000, types_, bytes_max=bytes_max)
    history = reader.read_streams([(one, 0, None) for one in streams])
    assert all(history)
    for types_ in (None, [PostPublished]):
        reader.read_at([(cell, 1), (cell, 2)], types_)
    reader.heads_at(datetime.now(UTC))
    reader.rules_epoch(cell)
    reader.position_of(streams[0], 1)
    log.purge(datetime.now(UTC))
    session = Session(homezone.homezone.database.server)
    cursor, now = session.cursor(), datetime.now(UTC)
    cases: dict[str, Callable[[], object]] = {
        "prepare": lambda: None,
        "begin": lambda: statements.begin(cursor, {cell: 0}, now, [(one, 1) for one in streams]),
        "raise_heads": lambda: statements.raise_heads(cursor, {cell: 0}, now),
        "lock_heads": lambda: statements.lock_heads(cursor, [cell]),
        "versions": lambda: statements.versions(cursor, streams),
        "answers": lambda: statements.answers(cursor, [(cell, hub, "once")]),
        "all_heads": lambda: statements.all_heads(cursor),
        "event_at": lambda: statements.event_at(cursor, cell, 1),
    }
    assert cases.keys() == _functions(statements), "each statement of the log has its case"
    for case in cases.values():
        case()
    session.run([statements.correct_heads({cell: 1}, {})])
    session.rollback()
    session.discard()


def _functions(module: types.ModuleType) -> Collection[str]:
    """Those that work on a cursor."""
    return {
        name
        for name, one in inspect.getmembers(module, inspect.isfunction)
        if "cursor" in inspect.signature(one).parameters
    }


def _use_library(homezone: RunningHomezone, store: Store) -> None:
    """The log as the ``eventsourcing`` library reads it."""
    cell, stream = cell_of(store.hub), store.filling.posts[0].post
    storage = PostgresStorage(homezone.homezone.database.server, cell, SystemClock())
    storage.select(stream, 0, 5, desc=True, limit=1, snapshots=False)
    storage.notifications(1, 10, 100, ["post.published.v1"])
    position = (storage.tracked("plans") or 0) + 1
    storage.insert([], Tracking("plans", position))
    storage.insert_snapshots(
        [StoredEvent(stream, position * 2_000 + number, "plans", b"{}") for number in range(2_000)]
    )
    storage.select(stream, 0, 5, desc=True, limit=1, snapshots=True)
    assert storage.head() > 1
