"""
A page of an album of 10,000 photos, and of one of 20, on one server: what a reader of a large album
waits for beside that of a small one.

The albums are made over HTTP; what is in them is written through the models' own ``rows`` and the
engine's own writing. Pages are read over HTTP, the two albums in turns.
"""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final
from uuid import UUID

import msgspec

from adapters.database import Database
from api.tokens import Role
from api.wiring.tokens import token_issuer, utc_now
from benchmarks.cluster import Cluster
from benchmarks.figures import Report
from benchmarks.http.world import OPERATOR, running_server
from domain.event import Recorded
from domain.ids import AlbumId, MemberId, PhotoId, cell_of, mint
from domain.photo import PLACE_STEP, photo_stream
from domain.photo_events import PhotoAdded, PhotoWords
from domain.picture import Picture, Rendition
from projections.albums import Albums
from projections.engine.apply import apply
from projections.gates import Gates
from projections.photos import Photos

PAGE: Final = 20
OWNER: Final = 30_001
_BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_BATCH: Final = 1_000


class Plan(msgspec.Struct, frozen=True):
    """
    :param many: how many photos are in the large album; 20 in the small one.
    :param pages: read a round.
    """

    rounds: int
    many: int
    pages: int


def measure(cluster: Cluster, plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    """Pages a second, of a large album and of a small one."""
    few, many = PAGE, plan.many
    say(f"an album of {many:,} photos, and one of {few}")
    names = {count: f"a page of an album of {count:,} photos" for count in (few, many)}
    url, data_dir = cluster.database("albums"), cluster.directory / "albums"
    with running_server(data_dir, "--database-url", url) as (address, _):
        reader = _Reader(address, data_dir)
        albums = {count: reader.album() for count in (few, many)}
        database = Database(url, "homezone-bench")
        for count, (owner, album) in albums.items():
            _fill(database, owner, album, count)
        database.dispose()
        cluster.settle("albums")
        rounds: dict[int, list[float]] = {count: [] for count in albums}
        for number in range(plan.rounds + 1):
            taken: dict[int, list[float]] = {count: [] for count in albums}
            for _ in range(plan.pages):
                for count, (_, album) in albums.items():
                    taken[count].append(reader.page(album))
            if number:
                for count, seconds in taken.items():
                    rounds[count].append(1 / median(seconds))
    for count, rates in rounds.items():
        report.add(names[count], rates, settings={"items": PAGE})
    report.compare(
        f"a page of an album of {many:,} photos, over one of {few}",
        report.find(names[many]),
        report.find(names[few]),
        0.77,  # at most 1.3 times the cost
    )


def _fill(database: Database, owner: MemberId, album: AlbumId, count: int) -> None:
    models = (Gates(), Albums(), Photos())
    every = _events(owner, album, count)
    with database.server.connect() as connection:
        while events := list(islice(every, _BATCH)):
            apply(connection, [row for one in events for each in models for row in each.rows(one)])
            connection.commit()


def _events(owner: MemberId, album: AlbumId, count: int) -> Iterator[Recorded]:
    """Photos added a minute apart, whose bytes nobody stored."""
    cell = cell_of(owner)
    for number in range(count):
        photo = PhotoId(mint(number, cell, album.int % (1 << 30) + number))
        size = Rendition(photo.bytes * 2, 1, 1_600, 1_200, "jpeg")
        place = (number + 1) * PLACE_STEP
        event = PhotoAdded(owner, album, PhotoWords(), Picture(size, size, size), place)
        at, command = _BEGAN + timedelta(minutes=number), UUID(int=number)
        yield Recorded(
            cell, number, photo_stream(photo), 1, at, owner, owner, command, command, None, event
        )


class _Reader:
    """A member with albums of their own, who reads them on one connection."""

    def __init__(self, address: str, data_dir: Path) -> None:
        self._connection = HTTPConnection(address.removeprefix("http://"), timeout=30)
        issuer, hours = token_issuer(data_dir), timedelta(hours=2)
        self._token = issuer.issue(OPERATOR, Role.OPERATOR, hours, utc_now())
        person = {"qq": OWNER, "nickname": "王维", "real_name": "王维", "birth_date": "1999-09-09"}
        self._owner = MemberId(UUID(self._ask("POST", "/v1/accounts", person)["id"]))
        self._token = issuer.issue(OWNER, Role.MEMBER, hours, utc_now())

    def album(self) -> tuple[MemberId, AlbumId]:
        """A new one."""
        made = self._ask("POST", "/v1/albums", {"title": "辋川", "audience": {"to": "public"}})
        return self._owner, AlbumId(UUID(made["id"]))

    def page(self, album: AlbumId) -> float:
        """The seconds that its first page takes."""
        began = time.perf_counter()
        found = self._ask("GET", f"/v1/albums/{album}/photos?limit={PAGE}")
        seconds = time.perf_counter() - began
        assert len(found["items"]) == PAGE
        return seconds

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body)
        self._connection.request(method, path, data, headers)
        answer = self._connection.getresponse()
        said = answer.read()
        assert answer.status in (200, 201), said
        return json.loads(said)
