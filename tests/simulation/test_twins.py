"""
The twins are what PostgreSQL is: after generated histories, each table has the same rows and each
statement that was asked answers the same.
"""

import asyncio
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any, TypeAlias
from uuid import UUID

import pytest
from sqlalchemy import select

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.readers import ReadPool
from api.wiring.models import prepare_store
from domain.account import DIRECTORY_CELL
from domain.authority_request import REQUESTS_CELL
from domain.case_events import CaseDecided
from domain.event import Recorded, type_of
from domain.ids import MemberId, cell_of
from domain.named_list import ListSaved
from domain.post_events import PostPublished
from projections.engine.apply import apply
from projections.footprints import named_by
from projections.members import MEMBERS
from projections.reading import (
    albums,
    audits,
    authority_requests,
    badges,
    books,
    carried,
    cases,
    decisions,
    decorations,
    erasures,
    footprints,
    gifts,
    homes,
    images,
    ledgers,
    memberships,
    mentions,
    messages,
    moments,
    notices,
    people,
    photos,
    posts,
    reports,
    responses,
    shopping,
    standings,
    streams,
    timelines,
    viewing,
    visibility,
    visits,
    wallets,
)
from projections.reading.statements import Connection, Statement
from projections.recall import home_loads, loads
from projections.ties import FRIENDSHIPS
from projections.timeline import TIMELINE
from projections.trail import owner_facet, type_facet
from tests.simulation import authorities, forgetting
from tests.simulation.coins import Purchases
from tests.simulation.exhibits import Exhibitions
from tests.simulation.history import Plan
from tests.simulation.reviews import Reviews
from tests.simulation.run import Journal, live
from tests.simulation.statements import TWINS
from tests.simulation.tables import MODELS, Tables, changes_of
from tests.support.database import database_url, server_url

__all__ = ["database_url", "server_url"]

_MODULES = (
    albums, audits, authority_requests, badges, books, carried, cases, decisions, decorations,
    erasures, footprints, gifts, home_loads, homes, images, ledgers, loads, memberships, mentions,
    messages, moments, notices, people, photos, posts, reports, responses, shopping, standings,
    streams, timelines, viewing, visibility, visits, wallets,
)  # fmt: skip
_LAST_ORDER = re.compile(r"ORDER BY [^)]*$")
STATEMENTS = {
    one.name: one
    for module in _MODULES
    for one in vars(module).values()
    if isinstance(one, Statement)
}
#: Statements whose rows come in an order that they promise.
_ORDERED = {name for name, one in STATEMENTS.items() if _LAST_ORDER.search(one.sql)}
Asked: TypeAlias = tuple[Statement, Mapping[str, Any]]
_ASKED_MAX = 150
PLAN = Plan(members=5, moves=320, rounds=2, clients=5, cells=8, apps=2, moderation=0.3, pages=0.3)
_BATCH = 25


SEEDS = (1, 5)


@cache
def lived(seed: int) -> Journal:
    """What a history leaves behind."""
    journal = Journal()
    live(seed, PLAN, journal=journal)
    journal.asked += trails(journal.events)
    journal.asked += footsteps(journal.events)
    journal.asked += narrowed(journal)
    journal.asked += listed(journal)
    journal.asked += asyncio.run(looked_back(journal))
    reviewed(seed, journal)
    shopped(seed, journal)
    exhibited(seed, journal)
    inquired(seed, journal)
    held(seed, journal)
    return journal


def test_every_statement_has_a_twin_and_is_asked() -> None:
    assert set(TWINS) == set(STATEMENTS)
    assert {statement.name for seed in SEEDS for statement, _ in lived(seed).asked} == set(TWINS)


@pytest.mark.parametrize("seed", SEEDS)
def test_postgresql_answers_as_its_twin_does(database_url: str, seed: int) -> None:
    journal = lived(seed)
    prepare_store(database_url, PLAN.cells, SystemClock())
    database = Database(database_url)
    try:
        write(database, journal.events)
        compare_rows(database, journal.tables)
    finally:
        database.dispose()
    asyncio.run(compare_answers(database_url, journal.tables, chosen(journal.asked, seed)))


def write(database: Database, events: Sequence[Recorded]) -> None:
    """Let the product write its read models, a few events at a time."""
    for start in range(0, len(events), _BATCH):
        with database.server.begin() as connection:
            apply(connection, changes_of(MODELS, events[start : start + _BATCH]))


def compare_rows(database: Database, tables: Tables) -> None:
    """Each table holds in PostgreSQL what it holds in memory."""
    with database.server.connect() as connection:
        for table in tables:
            keys = [column.name for column in table.primary_key]
            found: dict[tuple[Any, ...], dict[str, Any]] = {}
            for row in connection.execute(select(table)).mappings():
                values = {name: plain(value) for name, value in row.items()}
                found[tuple(values.pop(name) for name in keys)] = values
            assert found == tables.every(table), table.name


def chosen(asked: Iterable[Asked], seed: int) -> list[Asked]:
    """Some of all that was asked, of each statement."""
    by_name: dict[str, dict[str, Asked]] = defaultdict(dict)
    for one in asked:
        by_name[one[0].name].setdefault(repr(one[1]), one)
    chance = random.Random(seed)
    return [
        one
        for different in by_name.values()
        for one in chance.sample(list(different.values()), min(len(different), _ASKED_MAX))
    ]


def trails(events: Iterable[Recorded]) -> list[Asked]:
    """What an auditor would ask."""
    statement = STATEMENTS["trail_positions"]
    return [
        (
            statement,
            {
                "cell": one.cell,
                "facet": owner_facet(one.owner)[0],
                "key": one.owner,
                "after": one.position // 2,
                "until": one.position,
                "count": 5,
            },
        )
        for one in list(events)[::9]
    ]


def footsteps(events: Iterable[Recorded]) -> list[Asked]:
    """Where a read of the past would look."""
    asked = list[Asked]()
    for one in list(events)[::9]:
        ids = [*named_by(one.event), one.owner]
        facets = [owner_facet(one.owner), type_facet(type_of(one.event))]
        at = {"cells": [one.cell] * len(ids), "ids": ids, "untils": [one.position] * len(ids)}
        asked.append((STATEMENTS["footprints_of_ids"], at))
        filed = {
            "cells": [one.cell] * 2,
            "facets": [facet for facet, _ in facets],
            "keys": [key for _, key in facets],
            "untils": [one.position] * 2,
            "count": 5,
        }
        asked.append((STATEMENTS["trail_until"], filed))
    return asked


def narrowed(journal: Journal) -> list[Asked]:
    """
    Pages of which most could not be seen: what is asked where a page of references has too few, as
    it does in few histories.
    """
    statement, asked = STATEMENTS["narrowed_page_by_authors"], list[Asked]()
    pages = [values for one, values in journal.asked if one.name == "page_by_authors"]
    for values in pages[::5]:
        viewer = values["viewer"]
        halves = [
            journal.tables.get(FRIENDSHIPS, cell_of(viewer), viewer, author)
            for author in values["authors"]
        ]
        bonds = [viewer if half is None else half["bond"] for half in halves]
        for all_posts in (True, False):
            more = {"bonds": bonds, "follows": [True] * len(bonds), "all_posts": all_posts}
            asked.append((statement, {**values, **more}))
    return asked


def listed(journal: Journal) -> list[Asked]:
    """Who is on every list, which in few histories an owner asks while there is one."""
    statement = STATEMENTS["members_of_lists"]
    saved = {
        (one.cell, one.event.list) for one in journal.events if isinstance(one.event, ListSaved)
    }
    return [(statement, {"cell": cell, "lists": [which]}) for cell, which in sorted(saved)]


async def looked_back(journal: Journal) -> list[Asked]:
    """What an auditor would ask of who saw which post when."""
    noted = Remembering(journal.tables)
    members = [MemberId(member) for _, member in journal.tables.every(MEMBERS)]
    posts_ = [one.stream for one in journal.events if isinstance(one.event, PostPublished)]
    for post, viewer in product(posts_[::4], members):
        await visibility.between(noted, post, viewer)
    return noted.asked


def reviewed(seed: int, journal: Journal) -> None:
    """Cases happen as well, and staff and members read of them."""
    heads: dict[int, int] = {}
    for one in journal.events:
        heads[one.cell] = max(one.position, heads.get(one.cell, 0))
    reviews = Reviews(seed, PLAN.cells, heads)
    journal.events += reviews.events
    for start in range(0, len(reviews.events), _BATCH):
        journal.tables.write(changes_of(MODELS, reviews.events[start : start + _BATCH]))
    asked = asyncio.run(_ask_of(reviews))
    journal.asked += asked


async def _ask_of(reviews: Reviews) -> list[Asked]:
    """What the product's own reading code asks of cases, on a first page and on later ones."""
    noted = Noting()
    moments_ = [one.recorded_at for one in reviews.events]
    since = moments_[len(moments_) // 2]
    later = zip(moments_[::40], reviews.cases, strict=False)
    marks = [cases.first(since), *((due, case, since) for due, case in later)]
    for queue, state, after in product(
        (None, "reports", "appeals"), (None, "open", "closed", "overdue"), marks
    ):
        wanted = cases.Wanted(queue, state)  # type: ignore[arg-type]
        await cases.page(noted, PLAN.cells, wanted, after, 4)
    for staff in reviews.staff:
        wanted = cases.Wanted(claimed_by=staff)
        await cases.page(noted, PLAN.cells, wanted, cases.first(since), 4)
    await cases.by_id(noted, [*reviews.cases, reviews.members[0]])
    await cases.sizes(noted)
    for member in reviews.members:
        for position in (1 << 62, max(one.position for one in reviews.events) // 2):
            await decisions.of_owner(noted, member, position, 3)
        for moment in moments_[:: len(moments_) // 3]:
            await reports.of_reporter(noted, member, (moment, reviews.cases[0]), 3)
        await standings.of_member(noted, member)
        for decided in [one.event for one in reviews.events if isinstance(one.event, CaseDecided)]:
            await decisions.case_of(noted, member, decided.decision.id)
        await decisions.public_notes(noted, cell_of(member), reviews.cases)
    for member in reviews.members:
        await notices.notices(noted, member, (since, member), 4)
        await notices.unread(noted, member, PLAN.cells)
    for cell in range(PLAN.cells):
        await decisions.stated(noted, cell, 3, 1 << 40, 5)
    return noted.asked


def shopped(seed: int, journal: Journal) -> None:
    """Members buy coins and things as well, and members, staff and accountants read of it."""
    heads: dict[int, int] = {}
    for one in journal.events:
        heads[one.cell] = max(one.position, heads.get(one.cell, 0))
    purchases = Purchases(seed, PLAN.cells, heads)
    journal.events += purchases.events
    for start in range(0, len(purchases.events), _BATCH):
        journal.tables.write(changes_of(MODELS, purchases.events[start : start + _BATCH]))
    journal.asked += asyncio.run(_ask_of_coins(purchases))


async def _ask_of_coins(purchases: Purchases) -> list[Asked]:
    noted = Noting()
    moments_ = [one.recorded_at for one in purchases.events]
    middle = purchases.events[len(purchases.events) // 2].position
    for member in purchases.members:
        await wallets.wallet(noted, member)
        await ledgers.lots_between(noted, member, middle - 20, middle + 20)
        await memberships.memberships(noted, member)
        await decorations.look(noted, member)
        owned = [order for order in purchases.orders if cell_of(order) == cell_of(member)]
        for moment in moments_[::60]:
            values = {"orders": owned[:9], "now": moment, "member": member}
            worn = STATEMENTS["wardrobe_by_order"]
            await worn(noted, cell=cell_of(member), **values)
        for before in (1 << 62, middle):
            await gifts.gifts(noted, member, before, 4)
        for before in (1 << 62, middle):
            for line in (0, 2, 1 << 14):
                await ledgers.postings(noted, member, (before, line), 5)
            for moment in (moments_[0], moments_[-1]):
                await shopping.belongings(noted, member, moment, before, 4)
    for member, lot in purchases.lots:
        await wallets.lot_position(noted, member, lot)
        for after in (0, middle):
            await ledgers.moves(noted, lot, after, 5)
    for order in purchases.orders:
        await shopping.order(noted, order)
    for before, delisted in product((1 << 62, middle), (True, False)):
        await shopping.items(noted, before, 4, delisted=delisted)
    await ledgers.trial_balance(noted, range(PLAN.cells))
    for stretches in ({0: 1, 1: 2, 3: 1}, dict.fromkeys(range(PLAN.cells), 1 << 40)):
        await books.turnovers(noted, stretches)
        await books.rates(noted, stretches)
    return noted.asked


def exhibited(seed: int, journal: Journal) -> None:
    """Members whose ties there are make albums as well, and look at each other's."""
    heads: dict[int, int] = {}
    for one in journal.events:
        heads[one.cell] = max(one.position, heads.get(one.cell, 0))
    members = [MemberId(member) for _, member in journal.tables.every(MEMBERS)]
    made = Exhibitions(seed, members, heads, journal.events[-1].recorded_at)
    journal.events += made.events
    for start in range(0, len(made.events), _BATCH):
        journal.tables.write(changes_of(MODELS, made.events[start : start + _BATCH]))
    journal.asked += asyncio.run(_ask_of_exhibits(made, members))


async def _ask_of_exhibits(made: Exhibitions, members: Sequence[MemberId]) -> list[Asked]:
    noted = Noting()
    moments_ = [one.recorded_at for one in made.events]
    marks = [(moment, made.photos[0]) for moment in (moments_[0], moments_[400], moments_[-1])]
    for viewer, owner in product(members, members):
        for mark in marks:
            await albums.albums_of(noted, viewer, owner, mark, 3)
            await photos.wall(noted, viewer, owner, mark, 6)
    for viewer in members:
        await albums.storage(noted, viewer)
        await albums.hydrate(noted, viewer, made.albums[::3])
        await images.images_of(noted, viewer, made.photos[::3])
        for photo in made.photos[::4]:
            await photos.photo(noted, viewer, photo)
        for album in made.albums[::3]:
            for mark in marks:
                await photos.bytes_of(noted, album, mark, 4)
                await photos.photos_in(noted, viewer, album, members[0], "newest", mark, 5)
                await photos.photos_in(noted, viewer, album, members[0], "oldest", mark, 5)
                await photos.photos_in(noted, viewer, album, members[0], "taken", mark, 5)
            own = (8, made.photos[0])
            await photos.photos_in(noted, viewer, album, members[0], "own", own, 5)
    return noted.asked


def inquired(seed: int, journal: Journal) -> None:
    """Authorities ask, and auditors and everybody read how often."""
    heads = [one.position for one in journal.events if one.cell == REQUESTS_CELL]
    asked = list(authorities.requests(seed, max(heads), 40))
    journal.events += asked
    for start in range(0, len(asked), _BATCH):
        journal.tables.write(changes_of(MODELS, asked[start : start + _BATCH]))
    noted = Noting()

    async def read() -> None:
        for before in (1 << 62, asked[30].position):
            await authority_requests.requests(noted, before, 7)
        await authority_requests.counts(noted)

    asyncio.run(read())
    journal.asked += noted.asked


def held(seed: int, journal: Journal) -> None:
    """Members are under legal holds, and what one of them did is gone through."""
    heads = [one.position for one in journal.events if one.cell == DIRECTORY_CELL]
    placed = list(forgetting.holds(seed, max(heads), 40))
    journal.events += placed
    journal.tables.write(changes_of(MODELS, placed))
    noted = Noting()

    async def read() -> None:
        for after in (UUID(int=0), placed[20].owner):
            await erasures.holds(noted, after, 7)
        for (_, member, stream), _row in list(journal.tables.every(TIMELINE).items())[:5]:
            await erasures.made(noted, MemberId(member), UUID(int=0), 3)
            await erasures.made(noted, MemberId(member), stream, 100)

    asyncio.run(read())
    journal.asked += noted.asked


class Noting:
    """A connection that answers nothing and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Any]:
        self.asked.append((statement, values))
        return []


class Remembering(Noting):
    """Keeps what it was asked, and answers from tables in memory."""

    def __init__(self, tables: Tables) -> None:
        super().__init__()
        self._tables = tables

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Any]:
        await super().fetch(statement, values)
        return list(TWINS[statement.name](self._tables, values))


async def compare_answers(url: str, tables: Tables, asked: Iterable[Asked]) -> None:
    """Each statement answers the same of both."""
    pool = ReadPool(url)

    async def ask(connection: Connection, statement: Statement, values: Any) -> list[Any]:
        return [tuple(map(plain, row)) for row in await statement(connection, **values)]

    try:
        for statement, values in asked:
            real = await pool.run(ask, statement, values)
            twin = TWINS[statement.name](tables, values)
            if statement.name not in _ORDERED:
                real, twin = sorted(real, key=repr), sorted(twin, key=repr)
            assert twin == real, (statement.name, values)
    finally:
        pool.close()


def plain(value: Any) -> Any:
    """As the twin has it."""
    return bytes(value) if isinstance(value, memoryview) else value
