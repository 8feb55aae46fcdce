"""
Hot and cold: a stream that everybody writes at once, and streams that nobody remembers.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from adapters.log.reader import Reader, Stretch
from commands import comments
from commands.circles import ChangeTie, Move, change_tie
from commands.posts import EditPost
from commands.work import Outcome, Work
from domain.circle import circle_stream
from domain.event import Recorded
from domain.ids import PostId
from domain.post import POST, Live, post_stream
from tests.scale.commanding import Commands, commanding
from tests.support.database import database_url, server_url

__all__ = ["database_url", "server_url"]

COMMANDS, AT_ONCE = 2_000, 256


class Reading:
    """How often streams were read, and how many at a time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.queries = 0
        self.read: Counter[object] = Counter()
        read_streams = Reader.read_streams

        def counted(reader: Reader, stretches: Sequence[Stretch]) -> list[list[Recorded]]:
            self.queries += 1
            self.read.update(stream for stream, _, _ in stretches)
            return read_streams(reader, stretches)

        monkeypatch.setattr(Reader, "read_streams", counted)


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    return Reading(monkeypatch)


async def stored(commands: Commands, stream: PostId) -> Sequence[Recorded]:
    return await commands.log.read_stream(post_stream(stream))


def test_thousands_of_commands_pass_through_one_post(database_url: str, reading: Reading) -> None:
    async def history() -> None:
        async with commanding(database_url, 0) as commands:
            await commands.filling.talk(200)
            hot = commands.filling.posts[0]

            async def edit(command: EditPost, work: Work) -> Outcome:
                return await commands.posts.edit(hot.post, command, work)

            before = len(await stored(commands, hot.post))
            batches = sum(commands.log.statistics.batch_commands.counts)
            answers = await commands.all_of(
                lambda n: commands.run(edit, EditPost(text=f"举头望明月 {n}"), hot.author),
                COMMANDS,
                AT_ONCE,
            )
            positions = [answer.position for answer in answers]
            assert positions == sorted(set(positions)), "in the order in which they were said"
            history = await stored(commands, hot.post)
            assert [one.version for one in history] == list(range(1, before + COMMANDS + 1))
            last = POST.fold((one.event for one in history), POST.initial)
            assert isinstance(last, Live)
            assert commands.vault.open(last.content.text) == f"举头望明月 {COMMANDS - 1}"
            assert reading.read[post_stream(hot.post)] == 3, "once by all of the commands"
            taken = sum(commands.log.statistics.batch_commands.counts) - batches
            assert taken < COMMANDS / 10, "nobody waits for the disk of the one before"

    asyncio.run(history())


def test_thousands_of_commands_pass_through_one_circle(database_url: str, reading: Reading) -> None:
    async def history() -> None:
        async with commanding(database_url, 0) as commands:
            member, *_, other = commands.filling.members
            moves: tuple[Move, Move] = ("block", "unblock")
            answers = await commands.all_of(
                lambda n: commands.run(change_tie, ChangeTie(other, moves[n % 2]), member),
                COMMANDS,
                AT_ONCE,
            )
            assert all(answer.written for answer in answers)
            stream = circle_stream(member)
            assert reading.read[stream] == 1
            history = await commands.log.read_stream(stream)
            assert [one.version for one in history] == list(range(1, len(history) + 1))

    asyncio.run(history())


def test_cold_commands_share_their_queries(database_url: str, reading: Reading) -> None:
    async def history() -> None:
        async with commanding(database_url, 3_000) as commands:
            liked = commands.filling.posts[-200:]
            commands.forget()

            async def like(post: PostId, work: Work) -> Outcome:
                return await comments.like(post, work)

            outcomes = await asyncio.gather(
                *(commands.run(like, made.post, made.author) for made in liked),
                return_exceptions=True,
            )
            assert not [one for one in outcomes if isinstance(one, BaseException)], outcomes
            assert sum(reading.read.values()) > 400, "each had streams of its own to load"
            assert set(reading.read.values()) == {1}, "no stream is read twice"
            assert reading.queries < 30, "those that ask together are answered together"

    asyncio.run(history())


def test_no_room_costs_reads_and_nothing_else(database_url: str, reading: Reading) -> None:
    async def history() -> None:
        async with commanding(database_url, 3_000) as commands:
            hot = commands.filling.posts[0]

            async def edit(command: EditPost, work: Work) -> Outcome:
                return await commands.posts.edit(hot.post, command, work)

            for capacity, cold in ((20_000, False), (1, True)):
                commands.forget(capacity)
                reading.read.clear()
                before = len(await stored(commands, hot.post))
                for number in range(20):
                    await commands.run(edit, EditPost(text=str(number)), hot.author)
                assert len(await stored(commands, hot.post)) == before + 20
                assert len(commands.streams) <= capacity + 1
                assert (reading.read[post_stream(hot.post)] > 10) is cold

    asyncio.run(history())
