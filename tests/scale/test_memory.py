"""
What a server remembers is bounded: neither commands nor requests leave anything behind beyond it.

Counted in what Python allocates, not in what the system grants, so that nothing else on the
machine is in the figure.
"""

import asyncio
import gc
import tracemalloc
from itertools import count
from pathlib import Path

from commands.comments import WriteComment, write
from commands.posts import PublishShuoshuo
from commands.types import ToPublic
from commands.work import Outcome, Work
from tests.scale.commanding import Commands, commanding
from tests.support.database import database_url, server_url
from tests.support.homezone import Client, RunningHomezone, running_homezone

__all__ = ["database_url", "server_url"]

#: Room for lists and dictionaries that were about to grow, and for what the interpreter keeps.
GROWTH_BYTES_MAX = 400_000


def allocated() -> int:
    """Bytes in use, once all that is garbage has gone."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def test_commands_leave_nothing_behind_beyond_the_cache(database_url: str) -> None:
    """Two thousand commands that each left two hundred bytes would show."""

    async def history() -> int:
        async with commanding(database_url, 0) as commands:
            await commands.filling.talk(100)
            commands.forget(capacity=200)
            await _work(commands, 1_000)
            before = allocated()
            await _work(commands, 3_000)
            assert len(commands.streams) <= 200 + 8
            return allocated() - before

    tracemalloc.start()
    try:
        grown = asyncio.run(history())
    finally:
        tracemalloc.stop()
    assert grown < GROWTH_BYTES_MAX, f"{grown:,} bytes"


async def _work(commands: Commands, number: int) -> None:
    """Posts, and comments on one post, half and half."""
    members, hot = commands.filling.members, commands.filling.posts[0]

    async def comment(command: WriteComment, work: Work) -> Outcome:
        return await write(hot.post, command, work)

    async def one(n: int) -> None:
        actor = members[n % len(members)]
        if n % 2:
            said = PublishShuoshuo(text="但愿人长久", audience=ToPublic())
            await commands.run(commands.posts.publish, said, actor)
        else:
            await commands.run(comment, WriteComment("千里共婵娟"), hot.author)

    for first in range(0, number, 100):
        await asyncio.gather(*map(one, range(first, first + 100)))


def test_requests_leave_nothing_behind(database_url: str, tmp_path: Path) -> None:
    """Whatever they ask for: things that are there, that are not, routes that nothing has."""
    with running_homezone(database_url, tmp_path, cells=4, limits=True) as homezone:
        asked = _Requests(homezone)
        for _ in range(20):
            asked.round()
        tracemalloc.start()
        try:
            for _ in range(20):
                asked.round()
            before = allocated()
            for _ in range(80):
                asked.round()
            grown = allocated() - before
        finally:
            tracemalloc.stop()
    assert grown < GROWTH_BYTES_MAX, f"{grown:,} bytes"


class _Requests:
    """One of each kind a round; nothing that a stream or an index would rightly remember."""

    def __init__(self, homezone: RunningHomezone) -> None:
        self._port = homezone.port
        self._author, self._friend = homezone.members(2)
        self._author.befriend(self._friend)
        published = self._author.publish()
        self._post = published.json["id"]
        # Each asks for five seconds; a busy machine may take more to feed the read models.
        path, after = f"/v1/posts/{self._post}", published.position
        asked = (self._friend.get(path, at_least=after).status for _ in range(12))
        assert next(status for status in asked if status != 504) == 200
        self._numbers = count(1)

    def round(self) -> None:
        number = next(self._numbers)
        author, friend = self._author, self._friend
        friend.get("/v1/feed", limit=1 + number % 100).ok(200)
        friend.get(f"/v1/posts/{self._post}").ok(200)
        friend.get(f"/v1/posts/{self._post[:-6]}{number:06x}").refused(404)
        friend.get(f"/v1/nothing/{number}").refused(404)
        friend.get(f"/v1/spaces/{800_000 + number}").refused(404)
        friend.put(f"/v1/posts/{self._post}/like", key=f"like-{number % 2}").ok()
        author.patch(f"/v1/posts/{self._post}", {"text": f"改 {number}"}).ok()
        author.post("/v1/posts", {"kind": "diary", "text": "?"}).refused(400)
        forger = Client(("127.0.0.1", self._port), f"no.token.{number}")
        forger.get("/v1/me").refused(401)
        forger.close()
        author.get("/metrics").ok(200)
