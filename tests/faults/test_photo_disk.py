"""
The disk that photos are on without room, while the log's has plenty.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.test_albums import add, album, jpeg
from tests.faults import means
from tests.support.database import database_url, server_url
from tests.support.homezone import Reply, RunningHomezone, running_homezone
from tests.support.tus import location, offset, send, upload

__all__ = ["database_url", "server_url"]

pytestmark = pytest.mark.skipif(means.why_no_disk() is not None, reason=str(means.why_no_disk()))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with means.small_disk(tmp_path / "photos", 8) as disk:
        yield disk


@pytest.fixture
def homezone(database_url: str, small: Path, tmp_path: Path) -> Iterator[RunningHomezone]:
    with running_homezone(database_url, tmp_path, cells=4) as running:
        yield running


class Filled:
    """The disk but for so many bytes."""

    def __init__(self, disk: Path, but_for: int) -> None:
        self._ballast = disk / "ballast"
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        size = self._ballast.stat().st_size
        with self._ballast.open("r+b") as file:
            file.truncate(size - but_for)

    def empty(self) -> None:
        self._ballast.unlink()


def refused(reply: Reply) -> None:
    reply.refused(503, "unavailable")
    assert int(reply.headers["retry-after"]) > 0
    assert "/" not in reply.json["detail"], "no path is told"


def test_what_finds_no_room_is_refused_and_goes_through_once_there_is(
    homezone: RunningHomezone, small: Path
) -> None:
    owner = homezone.member()
    mine = album(owner)
    before = add(owner, mine, 1)
    used = owner.get("/v1/me/storage", at_least=homezone.everything()).json["used"]
    finished = upload(owner, jpeg(2, 800, 600))
    large = jpeg(3, 2_000, 1_500)
    begun = location(owner, len(large))
    filled = Filled(small, 64 << 10)
    refused(send(owner, begun, 0, large))
    refused(owner.post(f"/v1/albums/{mine}/photos", {"upload": finished}))
    assert owner.get(f"/v1/photos/{before}/content").status == 200, "reading goes on"
    assert owner.publish("life goes on").status == 201
    assert owner.get("/v1/me/storage", at_least=homezone.everything()).json["used"] == used
    filled.empty()
    owner.post(f"/v1/albums/{mine}/photos", {"upload": finished}).ok(201)
    arrived = offset(owner, begun)
    send(owner, begun, arrived, large[arrived:]).ok(204)
    body = {"upload": begun.rpartition("/")[2]}
    photo = owner.post(f"/v1/albums/{mine}/photos", body).ok(201).json["id"]
    assert owner.get(f"/v1/photos/{photo}/content", size="original").ok(200).body
    assert owner.get(f"/v1/albums/{mine}", at_least=homezone.everything()).json["photos"] == 3
