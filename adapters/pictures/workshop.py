"""
The processes that develop pictures: two at most, kept for the next one, replaced when they die.

A file is passed on piece by piece and its sizes are handed out piece by piece, so the server never
holds a whole picture. What takes longer than its time is killed.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec

from adapters.pictures.worker import Answer, Size

AT_ONCE: Final = 2
SECONDS_MAX: Final = 30.0
PIECE_BYTES: Final = 256 << 10
#: libvips keeps what it has allocated: after so many pictures a process makes way for a new one.
_PICTURES_MAX: Final = 200


class Undeveloped(Exception):
    """No picture came of it; ``problem`` says why."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class Development:
    """What a process made of a file: the answer, and its sizes' bytes in their order."""

    def __init__(self, answer: Answer, source: asyncio.StreamReader) -> None:
        self.answer = answer
        self._source = source

    async def bytes_of(self, size: Size) -> AsyncIterator[bytes]:
        """The next size's bytes. Each is read to its end before the one after it."""
        left = size.length
        while left:
            piece = await self._source.readexactly(min(PIECE_BYTES, left))
            left -= len(piece)
            yield piece


class Workshop:
    """
    A pool of processes.

    :param seconds_max: for one picture, from the first byte to the last.
    """

    def __init__(self, at_once: int = AT_ONCE, seconds_max: float = SECONDS_MAX) -> None:
        self._room = asyncio.Semaphore(at_once)
        self._seconds_max = seconds_max
        self._idle: list[tuple[Process, int]] = []
        self.killed = 0

    @asynccontextmanager
    async def developing(self, file: AsyncIterator[bytes]) -> AsyncIterator[Development]:
        """
        Develop a file; its sizes are to be read within the block.

        :raises Undeveloped: `not-a-picture`, or `picture-too-large` for the process as well.
        """
        async with self._room:
            process, made = self._idle.pop() if self._idle else (await _start(), 0)
            whole = False
            try:
                async with asyncio.timeout(self._seconds_max):
                    development = await self._ask(process, file)
                    yield development
                    whole = True
            except Undeveloped as refused:
                # It said so itself, and is ready for the next.
                whole = refused.problem != "picture-too-large"
                raise
            except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
                raise Undeveloped("picture-too-large") from None
            finally:
                if whole and made + 1 < _PICTURES_MAX and process.returncode is None:
                    self._idle.append((process, made + 1))
                else:
                    self.killed += not whole
                    await asyncio.shield(_end(process))

    async def close(self) -> None:
        """End every process."""
        while self._idle:
            await _end(self._idle.pop()[0])

    async def _ask(self, process: Process, file: AsyncIterator[bytes]) -> Development:
        assert process.stdin is not None
        assert process.stdout is not None
        async for piece in file:
            process.stdin.write(len(piece).to_bytes(4, "big") + piece)
            await process.stdin.drain()
        process.stdin.write(bytes(4))
        await process.stdin.drain()
        head = await process.stdout.readexactly(4)
        raw = await process.stdout.readexactly(int.from_bytes(head, "big"))
        answer = msgspec.msgpack.decode(raw, type=Answer)
        if answer.refused is not None:
            raise Undeveloped(answer.refused)
        return Development(answer, process.stdout)


async def _start() -> Process:
    # -P: a folder that happens to be called adapters, where the operator stands, is not ours.
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "adapters.pictures.worker",
        stdin=PIPE, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
        limit=PIECE_BYTES,
    )  # fmt: skip


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
