"""
Answers that are made while they are sent, and so may be longer than memory.

What goes wrong half-way cannot become a problem document any more. It ends the connection instead
of the answer, so that no client takes a part for the whole.
"""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import hdrs, web

from api.http.serving import PRIVATE, SERVER

#: How long a client may take to receive one piece; one that stopped reading is let go.
WRITE_SECONDS_MAX = 30.0


async def serve_download(
    request: web.Request,
    media_type: str,
    pieces: AsyncIterator[bytes],
    *,
    filename: str,
    write_seconds_max: float = WRITE_SECONDS_MAX,
) -> web.StreamResponse:
    """
    Send ``pieces`` one after another, each made when the one before has been taken.

    :param filename: what a browser saves it as; ASCII without quotes.
    """
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: media_type,
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="{filename}"',
            hdrs.CACHE_CONTROL: PRIVATE,
            hdrs.SERVER: SERVER,
        }
    )
    # The first piece is made before the head is sent: what fails at once is a problem document.
    first = b"" if request.method == hdrs.METH_HEAD else await anext(pieces, b"")
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response
    try:
        await _write(request, response, first, write_seconds_max)
        async for piece in pieces:
            await _write(request, response, piece, write_seconds_max)
        await response.write_eof()
    except ConnectionError:
        # The client has left: there is nobody to tell.
        pass
    except BaseException:
        _hang_up(request)
        raise
    return response


async def _write(
    request: web.Request, response: web.StreamResponse, piece: bytes, seconds: float
) -> None:
    """
    :raises ConnectionError: the client has left, or stopped reading and was let go.
    """
    if not piece:
        return
    try:
        async with asyncio.timeout(seconds):
            await response.write(piece)
    except TimeoutError:
        _hang_up(request)
        raise ConnectionError from None


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
