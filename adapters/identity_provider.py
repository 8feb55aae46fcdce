"""
The public keys of a real identity provider, from its JWKS document (RFC 7517).

Providers change keys without notice and are sometimes down. So the document is read again when a
token names an unknown key, though not more often than every ``refresh_seconds_min`` (anybody can
name unknown keys), and from time to time anyway, so that a withdrawn key stops counting. While the
provider does not answer, its last keys stay good. Satisfies ``api.tokens.KeySource``.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from time import monotonic
from typing import Any

import aiohttp
import msgspec
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey, import_key
from yarl import URL

_log = structlog.get_logger(__name__)

_ANSWER_BYTES_MAX = 1 << 18
_KEYS_MAX = 100
_RSA_BITS_MIN = 2048


class BadAnswer(Exception):
    """The provider's answer is not a JWKS document with a usable key."""


class _Document(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


class JwksClient:
    """
    Keys from a URL.

    :param url: https, or http on this machine.
    :raises ValueError: the URL would let somebody on the way put in keys of their own.
    """

    def __init__(
        self,
        url: str,
        *,
        refresh_seconds_min: float = 30.0,
        refresh_seconds_max: float = 600.0,
        timeout_seconds: float = 5.0,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._url = URL(url)
        if self._url.scheme != "https" and not (
            self._url.scheme == "http" and _is_local(self._url)
        ):
            raise ValueError("the JWKS URL must be https")
        self._refresh_seconds_min = refresh_seconds_min
        self._refresh_seconds_max = refresh_seconds_max
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._now = now
        self._keys = KeySet([])
        self._not_before = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    @property
    def keys(self) -> KeySet:
        """The last keys that were read; none before the first :meth:`refresh`."""
        return self._keys

    async def refresh(self) -> None:
        """Read the document, unless it was tried just now. Callers at once share one request."""
        if self._fetching is None:
            if self._now() < self._not_before:
                return
            self._not_before = self._now() + self._refresh_seconds_min
            self._fetching = asyncio.create_task(self._fetch())
        await asyncio.shield(self._fetching)

    async def run(self) -> None:
        """Refresh from time to time, until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(self._refresh_seconds_max)

    async def close(self) -> None:
        """Give up a request under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            with suppress(asyncio.CancelledError):
                await self._fetching

    async def _fetch(self) -> None:
        try:
            keys = usable_keys(await self._download())
        except (aiohttp.ClientError, TimeoutError, BadAnswer) as error:
            _log.warning("identity_provider.unavailable", error=type(error).__name__)
        else:
            # The same object as long as the keys are the same: verified tokens hang on it.
            if keys.as_dict() != self._keys.as_dict():
                self._keys = keys
                _log.info("identity_provider.keys_changed", keys=len(keys.keys))
        finally:
            self._fetching = None

    async def _download(self) -> bytes:
        async with (
            # Nothing is unpacked: the limit is on what arrives.
            aiohttp.ClientSession(timeout=self._timeout, auto_decompress=False) as session,
            # A redirect could lead to where the URL was checked not to.
            session.get(
                self._url, allow_redirects=False, headers={"Accept-Encoding": "identity"}
            ) as response,
        ):
            if response.status != 200:
                raise BadAnswer
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > _ANSWER_BYTES_MAX:
                    raise BadAnswer
            return bytes(body)


def usable_keys(document: bytes) -> KeySet:
    """
    The document's public keys that can verify a token: Ed25519, P-256, or RSA of at least 2048
    bits. Others are passed over, as RFC 7517 asks.

    :raises BadAnswer: it is no JWKS document, or holds no such key.
    """
    try:
        members = msgspec.json.decode(document, type=_Document).keys
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise BadAnswer from None
    keys = [key for member in members[:_KEYS_MAX] if (key := _usable(member)) is not None]
    if not keys:
        raise BadAnswer
    return KeySet(keys)


def _usable(member: dict[str, Any]) -> Key | None:
    if member.get("kty") not in ("OKP", "EC", "RSA") or member.get("use", "sig") != "sig":
        return None
    try:
        key = import_key({name: value for name, value in member.items() if name != "d"})
        match key:
            case OKPKey():
                usable = key.curve_name == "Ed25519"
            case ECKey():
                usable = key.curve_name == "P-256"
            case RSAKey():
                usable = key.public_key.key_size >= _RSA_BITS_MIN
            case _:
                usable = False
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return key if usable else None


def _is_local(url: URL) -> bool:
    if url.host == "localhost":
        return True
    try:
        return ip_address(url.host or "").is_loopback
    except ValueError:
        return False
