"""
Making tokens: for the command line, the demo world and the tests.
"""

import re
from datetime import datetime, timedelta

from joserfc import jwt

from api.tokens.key import ALGORITHM, TokenKey
from api.tokens.principal import Role
from api.tokens.signature import Registry
from api.tokens.trust import AUDIENCE
from commands.ports import Entropy

QQ_MIN = 10_000
QQ_MAX = 99_999_999_999

_TTL = re.compile(r"([1-9][0-9]{0,8})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TTL_MAX = timedelta(days=3650)


class TokenIssuer:
    """Signs tokens with the data directory's key."""

    def __init__(self, key: TokenKey, entropy: Entropy) -> None:
        self._key = key
        self._entropy = entropy
        self._registry = Registry((ALGORITHM,))

    def issue(self, qq: int, role: Role, ttl: timedelta, now: datetime) -> str:
        """
        A bearer token.

        :param ttl: whole seconds count, at least one.
        :raises ValueError: no such QQ number, or a ``ttl`` out of range.
        """
        if not QQ_MIN <= qq <= QQ_MAX:
            raise ValueError("a QQ number has 5 to 11 digits")
        if not timedelta(seconds=1) <= ttl <= _TTL_MAX:
            raise ValueError("a token lives from one second to ten years")
        issued_at = int(now.timestamp())
        claims = {
            "iss": self._key.issuer,
            "aud": AUDIENCE,
            "sub": str(qq),
            "role": role.value,
            "iat": issued_at,
            "exp": issued_at + int(ttl.total_seconds()),
            "jti": f"{self._entropy.bits(128):032x}",
        }
        header = {"alg": ALGORITHM, "kid": self._key.kid}
        return jwt.encode(header, claims, self._key.private, registry=self._registry)


def parse_ttl(text: str) -> timedelta:
    """
    ``90s``, ``30m``, ``1h`` or ``7d``.

    :raises ValueError: none of these, zero, or more than ten years.
    """
    match = _TTL.fullmatch(text)
    if match is None:
        raise ValueError("a time to live is a number and one of s, m, h, d: 90s, 30m, 1h, 7d")
    ttl = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if ttl > _TTL_MAX:
        raise ValueError("a token lives ten years at most")
    return ttl
