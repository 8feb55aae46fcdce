"""
From a token's text to claims that its issuer signed.

The library checks signatures; what is done here is deciding with which key and which algorithm, and
the token has no say in it (RFC 8725): the key is one of its issuer's, and only the algorithm that
this kind of key is for will do. So ``none`` is nothing, and a public key is never an HMAC secret.
"""

import re
from collections.abc import Callable, Collection
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import BadSignatureError, JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode
from msgspec import UNSET

from api.tokens.principal import InvalidToken, Reason, UnknownKey
from api.tokens.trust import TrustedIssuer

TOKEN_CHARACTERS_MAX = 8192

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_ALGORITHMS = frozenset({"Ed25519", "EdDSA", "ES256", "RS256"})


class Registry(JWSRegistry):
    """
    The library's algorithms, cut down to a few.

    It also leaves out the library's warning at each use of ``EdDSA``, an old name that identity
    providers still sign under and that is safe with an Ed25519 key, the only one we take.
    """

    max_header_length = TOKEN_CHARACTERS_MAX

    def __init__(self, algorithms: Collection[str]) -> None:
        super().__init__(algorithms=algorithms, strict_check_header=False)
        self._few = frozenset(algorithms)

    def get_alg(self, name: str) -> Any:
        """The algorithm of that name, if it is one of the few."""
        if name not in self._few:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str | None = None
    # Extensions change what a signature covers; we know none, so none may be critical.
    crit: Any = UNSET
    b64: Any = UNSET


class _Named(msgspec.Struct, frozen=True):
    iss: str


_header = msgspec.json.Decoder(_Header)
_named = msgspec.json.Decoder(_Named)
_claims = msgspec.json.Decoder(dict[str, Any])
_registries = {name: Registry((name,)) for name in _ALGORITHMS}


def signed_claims(
    token: str, issuer_named: Callable[[str], TrustedIssuer | None]
) -> tuple[TrustedIssuer, KeySet, dict[str, Any]]:
    """
    Who signed the token, the keys known at that time, and what it says.

    :param token: of at most ``TOKEN_CHARACTERS_MAX``, which the caller has seen to.
    :raises UnknownKey: its key is none of these keys.
    :raises InvalidToken: anything else is wrong with its form, algorithm, issuer or signature.
    """
    assert len(token) <= TOKEN_CHARACTERS_MAX
    match = _COMPACT.fullmatch(token)
    if match is None:
        raise InvalidToken(Reason.MALFORMED)
    try:
        header = _header.decode(urlsafe_b64decode(match[1].encode()))
        name = _named.decode(urlsafe_b64decode(match[2].encode())).iss
    except (ValueError, RecursionError):
        raise InvalidToken(Reason.MALFORMED) from None
    if header.crit is not UNSET or header.b64 is not UNSET:
        raise InvalidToken(Reason.MALFORMED)
    if header.alg not in _ALGORITHMS:
        raise InvalidToken(Reason.ALGORITHM)
    issuer = issuer_named(name)
    if issuer is None:
        raise InvalidToken(Reason.ISSUER)
    keys = issuer.source.keys
    payload = _verified_payload(token, _key_for(header, issuer.issuer, keys), header.alg)
    try:
        return issuer, keys, _claims.decode(payload)
    except (ValueError, RecursionError):
        raise InvalidToken(Reason.MALFORMED) from None


def _key_for(header: _Header, issuer: str, keys: KeySet) -> Key:
    if header.kid is None:
        # Without a name there must be no choice.
        named = list(keys) if len(keys.keys) == 1 else []
    else:
        named = [key for key in keys if key.kid == header.kid]
    if not named:
        raise UnknownKey(issuer)
    for key in named:
        if header.alg in _algorithms_of(key):
            return key
    raise InvalidToken(Reason.ALGORITHM)


def _algorithms_of(key: Key) -> frozenset[str]:
    """What a key may sign with: what its kind allows and, if it declares one, only that."""
    match key:
        case OKPKey() if key.curve_name == "Ed25519":
            kind = frozenset({"Ed25519", "EdDSA"})
        case ECKey() if key.curve_name == "P-256":
            kind = frozenset({"ES256"})
        case RSAKey():
            kind = frozenset({"RS256"})
        case _:
            return frozenset()
    return kind if key.alg is None else kind & {key.alg}


def _verified_payload(token: str, key: Key, algorithm: str) -> bytes:
    try:
        payload = jws.deserialize_compact(token, key, registry=_registries[algorithm]).payload
    except BadSignatureError:
        raise InvalidToken(Reason.SIGNATURE) from None
    except (JoseError, ValueError, TypeError, RecursionError):
        raise InvalidToken(Reason.MALFORMED) from None
    assert payload is not None
    return payload
