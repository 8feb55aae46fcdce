"""
Verifying a bearer token, once.

A signature costs about 100 µs and a member sends the same token thousands of times, so what was
verified is remembered, by the token's hash, until it expires or its issuer's keys change. Expiry is
checked at every use. Refused tokens are not remembered: they would let a stranger fill the memory.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from joserfc.jwk import KeySet

from api.tokens.principal import InvalidToken, Principal, Reason, Role, UnknownKey
from api.tokens.signature import TOKEN_CHARACTERS_MAX, signed_claims
from api.tokens.trust import TrustedIssuer

_QQ = re.compile(r"[1-9][0-9]{4,10}")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class _Verified(NamedTuple):
    principal: Principal
    valid_from: datetime
    valid_until: datetime
    issuer: TrustedIssuer
    keys: KeySet


class TokenVerifier:
    """
    Accepts the tokens of some issuers.

    :param cache_size: verified tokens remembered, about 1 kB each.
    """

    def __init__(self, issuers: Iterable[TrustedIssuer], cache_size: int = 50_000) -> None:
        self._issuers = {issuer.issuer: issuer for issuer in issuers}
        self._cache_size = cache_size
        self._cache: OrderedDict[bytes, _Verified] = OrderedDict()

    def verify(self, token: str, now: datetime) -> Principal:
        """
        Who holds this token.

        :raises InvalidToken: with the reason; :class:`UnknownKey` when newer keys might help.
        """
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise InvalidToken(Reason.MALFORMED)
        digest = sha256(token.encode(errors="surrogatepass")).digest()
        known = self._cache.get(digest)
        if known is None or known.issuer.source.keys is not known.keys:
            known = self._verify(token, digest)
        if now >= known.valid_until:
            self._cache.pop(digest, None)
            raise InvalidToken(Reason.EXPIRED)
        if now < known.valid_from:
            raise InvalidToken(Reason.EARLY)
        self._remember(digest, known)
        return known.principal

    async def admit(self, token: str, now: datetime) -> Principal:
        """
        As :meth:`verify`, asking the issuer for its newest keys when it signed with an unknown one.

        :raises InvalidToken: with the reason.
        """
        try:
            return self.verify(token, now)
        except UnknownKey as unknown:
            source = self._issuers[unknown.issuer].source
            seen = source.keys
            await source.refresh()
            if source.keys is seen:
                raise
        return self.verify(token, now)

    def _remember(self, digest: bytes, verified: _Verified) -> None:
        self._cache[digest] = verified
        self._cache.move_to_end(digest)
        while len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)

    def _verify(self, token: str, digest: bytes) -> _Verified:
        issuer, keys, claims = signed_claims(token, self._issuers.get)
        audience = claims.get("aud")
        if issuer.audience not in (audience if isinstance(audience, list) else [audience]):
            raise InvalidToken(Reason.AUDIENCE)
        expires_at = _moment(claims.get("exp"))
        not_before = _moment(claims["nbf"]) if "nbf" in claims else None
        token_id = claims.get("jti", digest.hex()[:32])
        if not isinstance(token_id, str):
            raise InvalidToken(Reason.MALFORMED)
        principal = Principal(
            qq=_qq(claims.get(issuer.qq_claim)),
            role=_role(claims.get(issuer.role_claim)),
            token_id=token_id,
            expires_at=expires_at,
        )
        try:
            valid_until = expires_at + issuer.leeway
            valid_from = _LONG_AGO if not_before is None else not_before - issuer.leeway
        except OverflowError:
            raise InvalidToken(Reason.MALFORMED) from None
        return _Verified(principal, valid_from, valid_until, issuer, keys)


def _moment(seconds: Any) -> datetime:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidToken(Reason.MALFORMED)
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise InvalidToken(Reason.MALFORMED) from None


def _qq(claim: Any) -> int:
    if isinstance(claim, int) and not isinstance(claim, bool):
        claim = str(claim) if claim.bit_length() < 64 else ""
    if not isinstance(claim, str) or _QQ.fullmatch(claim) is None:
        raise InvalidToken(Reason.MALFORMED)
    return int(claim)


def _role(claim: Any) -> Role:
    try:
        return Role(claim)
    except ValueError:
        raise InvalidToken(Reason.ROLE) from None
