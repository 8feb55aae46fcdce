"""
Read models made again under readers who never stop: no error, and no answer that is older than the
position it was asked to include.
"""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from api.http.positions import format_positions, parse_positions
from api.wiring.models import MODELS
from replay.rebuild import rebuild
from tests.support.homezone import Client, RunningHomezone

#: How often all models are swapped.
TIMES = 2


class Reader(threading.Thread):
    """Somebody who does one thing again and again until told to stop."""

    def __init__(self, turn: Callable[[], Any]) -> None:
        super().__init__()
        self.turns = 0
        self.failed: Exception | AssertionError | None = None
        self._turn = turn
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set() and self.failed is None:
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001 - told by the test
                self.failed = error
            self.turns += 1

    def stop(self) -> None:
        self._stopping.set()
        self.join()


def _writer(author: Client, friend: Client) -> Callable[[], None]:
    """Whatever was answered is there for a friend who asks for its position, wherever it shows."""

    def turn() -> None:
        written = author.publish("举头望明月", to="friends")
        post = written.json["id"]
        commented = friend.comment(post)
        liked = friend.put(f"/v1/posts/{post}/like").ok()
        # Of one cell or of several; the latest of each is asked for.
        ends: dict[int, int] = {}
        for reply in (written, commented, liked):
            for cell, position in parse_positions(reply.position).items():
                ends[cell] = max(ends.get(cell, 0), position)
        at_least = format_positions(ends)
        seen = friend.get(f"/v1/posts/{post}", at_least=at_least).ok(200).json
        assert (seen["likes"], seen["comments"]) == (1, 1)
        feed = friend.get("/v1/feed", at_least=at_least, limit=1).ok(200).json
        assert feed["items"][0]["id"] == post
        space = friend.get(f"/v1/spaces/{author.qq}/posts", at_least=at_least, limit=1).ok(200).json
        assert space["items"][0]["id"] == post
        said = author.get(f"/v1/posts/{post}/comments", at_least=at_least).ok(200).json
        assert len(said["items"]) == 1
        told = author.get("/v1/me/notifications", at_least=at_least, limit=5).ok(200).json
        assert told["items"], "a comment and a like are told of"

    return turn


def _reader(member: Client, stranger: Client, kept: dict[str, bytes]) -> Callable[[], None]:
    """What nobody touches is answered as it was before, byte for byte."""

    def turn() -> None:
        for path, body in kept.items():
            assert member.get(path).ok(200).body == body, path
        stranger.get(f"/v1/spaces/{member.qq}/posts").ok(200)

    return turn


def test_a_swap_of_every_model_is_noticed_by_no_reader(homezone: RunningHomezone) -> None:
    author, friend, still, stranger = homezone.members(4)
    author.befriend(friend)
    post = still.publish().json["id"]
    still.put(f"/v1/posts/{post}/like").ok()
    still.comment(post)
    everything = homezone.everything()
    mine = (
        "", "/friends", "/lists", "/wallet", "/ledger", "/items", "/memberships", "/gifts",
        "/storage", "/standing", "/decisions", "/reports", "/mentions",
    )  # fmt: skip
    shown = ("", "/posts", "/timeline", "/albums", "/photos", "/messages")
    paths = [
        *(f"/v1/me{path}" for path in mine),
        *(f"/v1/spaces/{still.qq}{path}" for path in shown),
        *(f"/v1/posts/{post}{path}" for path in ("", "/likes", "/comments")),
    ]
    kept = {path: still.get(path, at_least=everything).ok(200).body for path in paths}
    parts = homezone.homezone
    readers = [Reader(_writer(author, friend)), Reader(_reader(still, stranger, kept))]
    for reader in readers:
        reader.start()
    swapped: set[str] = set()
    try:
        for _ in range(TIMES):
            done = rebuild(parts.log.reader, parts.database.owner, MODELS, parts.clock, uuid4())
            swapped |= {one.model for one in done}
    finally:
        for reader in readers:
            reader.stop()
    assert [reader.failed for reader in readers] == [None, None]
    assert all(reader.turns > TIMES for reader in readers)
    assert swapped == {model.name for model in MODELS}
