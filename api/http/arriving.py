"""
Bodies that are read as they arrive, and so may be longer than memory.
"""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import hdrs, web
from aiohttp.client_exceptions import ClientError
from aiohttp.http_exceptions import HttpProcessingError

from api.http.serving import BODY_SECONDS_MAX


async def arriving(
    request: web.Request, *, seconds_max: float = BODY_SECONDS_MAX
) -> AsyncIterator[bytes]:
    """
    The pieces of a body, of whatever sizes they come in.

    :param seconds_max: how long the client may send nothing.
    :raises ConnectionError: the client left, or stopped, before the end.
    """
    expected, came = request.content_length, 0
    content = request.content
    while True:
        try:
            async with asyncio.timeout(seconds_max):
                piece = await content.readany()
        except TimeoutError:
            raise ConnectionError("the body took too long to arrive") from None
        except (ClientError, HttpProcessingError, web.RequestPayloadError) as error:
            raise ConnectionError("the body broke off") from error
        if not piece:
            break
        came += len(piece)
        yield piece
    if expected is not None and came < expected and hdrs.CONTENT_LENGTH in request.headers:
        raise ConnectionError("the body broke off")
