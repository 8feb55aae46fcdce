"""
Tokens of the embedded default: issued, verified, refused.
"""

import base64
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OKPKey

from adapters.clock import SeededEntropy
from api.tokens import (
    InvalidToken,
    Principal,
    Reason,
    Role,
    TokenIssuer,
    TokenKey,
    TokenVerifier,
    parse_ttl,
)
from api.tokens.signature import Registry, signed_claims

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def make_key() -> TokenKey:
    with TemporaryDirectory() as directory:
        return TokenKey.open(Path(directory) / "keys" / "token.key")


KEY = make_key()
TOKEN = TokenIssuer(KEY, SeededEntropy(1)).issue(10001, Role.MODERATOR, HOUR, NOW)


@pytest.fixture
def verifier() -> TokenVerifier:
    return TokenVerifier([KEY.trusted])


def refused(token: str, now: datetime = NOW, key: TokenKey = KEY) -> Reason:
    verifier = TokenVerifier([key.trusted])
    with pytest.raises(InvalidToken) as caught:
        verifier.verify(token, now)
    assert str(caught.value) == caught.value.reason.value
    return caught.value.reason


def signed(header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token truly signed by the key, with other claims; a claim of None is left out."""
    claims = {
        "iss": KEY.issuer,
        "aud": "homezone",
        "sub": "10001",
        "role": "member",
        "exp": int((NOW + HOUR).timestamp()),
        "jti": "1",
    } | changes
    header = {"alg": "Ed25519", "kid": KEY.kid} | (header or {})
    claims = {name: value for name, value in claims.items() if value is not None}
    registry = Registry(("Ed25519", "EdDSA"))
    return jwt.encode(header, claims, KEY.private, registry=registry)


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_an_issued_token_says_who_holds_it(verifier: TokenVerifier) -> None:
    principal = verifier.verify(TOKEN, NOW)
    assert principal == Principal(10001, Role.MODERATOR, principal.token_id, NOW + HOUR)
    assert re.fullmatch("[0-9a-f]{32}", principal.token_id)


@given(
    qq=st.integers(10_000, 99_999_999_999),
    role=st.sampled_from(Role),
    seconds=st.integers(1, 86_400 * 3650),
)
@settings(max_examples=50)
def test_every_member_role_and_lifetime(qq: int, role: Role, seconds: int) -> None:
    ttl = timedelta(seconds=seconds)
    token = TokenIssuer(KEY, SeededEntropy(seconds)).issue(qq, role, ttl, NOW)
    principal = TokenVerifier([KEY.trusted]).verify(token, NOW)
    assert (principal.qq, principal.role, principal.expires_at) == (qq, role, NOW + ttl)
    assert refused(token, NOW + ttl) is Reason.EXPIRED


@pytest.mark.parametrize("qq", [0, -1, 9999, 100_000_000_000])
def test_no_token_for_what_is_no_qq_number(qq: int) -> None:
    with pytest.raises(ValueError, match="QQ"):
        TokenIssuer(KEY, SeededEntropy(1)).issue(qq, Role.MEMBER, HOUR, NOW)


@pytest.mark.parametrize("ttl", [timedelta(0), -HOUR, timedelta(days=3651)])
def test_no_token_without_a_sane_lifetime(ttl: timedelta) -> None:
    with pytest.raises(ValueError, match="ten years"):
        TokenIssuer(KEY, SeededEntropy(1)).issue(10001, Role.MEMBER, ttl, NOW)


def test_expiry_is_checked_at_every_use(verifier: TokenVerifier) -> None:
    moment = timedelta(microseconds=1)
    assert verifier.verify(TOKEN, NOW + HOUR - moment).qq == 10001
    for _ in range(2):
        with pytest.raises(InvalidToken, match="expired"):
            verifier.verify(TOKEN, NOW + HOUR)


def test_a_token_may_begin_later(verifier: TokenVerifier) -> None:
    token = signed(nbf=NOW.timestamp() + 60)
    assert refused(token) is Reason.EARLY
    assert verifier.verify(token, NOW + timedelta(seconds=60)).qq == 10001
    with pytest.raises(InvalidToken, match="early"):
        verifier.verify(token, NOW)  # remembered by now, and still not yet valid


@given(data=st.data())
@settings(max_examples=300)
def test_a_mutated_token_is_never_accepted(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(TOKEN) - 1))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\x00é"
    other = data.draw(st.sampled_from(alphabet))
    edits = {
        TOKEN[:at] + other + TOKEN[at + 1 :],
        TOKEN[:at] + other + TOKEN[at:],
        TOKEN[:at] + TOKEN[at + 1 :],
        TOKEN[:at],
        TOKEN + other,
        other + TOKEN,
    }
    for edited in edits - {TOKEN}:
        refused(edited)


def test_one_token_has_one_spelling() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert TokenVerifier([KEY.trusted]).verify(TOKEN, NOW).qq == 10001
    for last in set(alphabet) - {TOKEN[-1]}:  # some of them decode to the same signature
        assert refused(TOKEN[:-1] + last) in {Reason.MALFORMED, Reason.SIGNATURE}


@given(text=st.text() | st.from_regex(r"[A-Za-z0-9_-]{1,40}(\.[A-Za-z0-9_-]{0,40}){1,4}"))
def test_made_up_text_is_refused(text: str) -> None:
    refused(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(header=JSON, payload=JSON)
def test_made_up_json_is_refused(header: Any, payload: Any) -> None:
    refused(f"{encoded(header)}.{encoded(payload)}.{encoded(b'x' * 64)}")


@given(name=st.sampled_from(["iss", "aud", "sub", "role", "exp", "nbf", "jti"]), value=JSON)
def test_a_signed_claim_of_any_shape_is_read_or_refused(name: str, value: Any) -> None:
    verifier = TokenVerifier([KEY.trusted])
    try:
        principal = verifier.verify(signed(**{name: value}), NOW)
    except (InvalidToken, ValueError):  # ValueError: the library will not sign this
        return
    assert 10_000 <= principal.qq <= 99_999_999_999
    assert principal.expires_at > NOW


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "HS512", "RS256", "ES256", "", "x"])
def test_only_the_keys_own_algorithm_counts(algorithm: str) -> None:
    _, payload, signature = TOKEN.split(".")
    header = encoded({"alg": algorithm, "kid": KEY.kid, "typ": "JWT"})
    assert refused(f"{header}.{payload}.{signature}") is Reason.ALGORITHM


def test_alg_none_without_a_signature_is_refused() -> None:
    _, payload, _ = TOKEN.split(".")
    for tail in (".", "", ".AA"):
        assert refused(f"{encoded({'alg': 'none'})}.{payload}{tail}") in {
            Reason.MALFORMED,
            Reason.ALGORITHM,
        }


def test_the_public_key_is_no_hmac_secret() -> None:
    public = KEY.private.public_key
    spellings = [
        public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        KEY.private["x"].encode() if isinstance(KEY.private["x"], str) else b"",
    ]
    _, payload, _ = TOKEN.split(".")
    for algorithm in ("HS256", "Ed25519"):
        head = f"{encoded({'alg': algorithm, 'kid': KEY.kid})}.{payload}"
        for secret in spellings:
            forged = f"{head}.{encoded(hmac.digest(secret, head.encode(), 'sha256'))}"
            assert refused(forged) in {Reason.ALGORITHM, Reason.SIGNATURE, Reason.MALFORMED}


def test_a_key_that_travels_in_the_token_is_not_believed() -> None:
    stranger = OKPKey.generate_key("Ed25519", auto_kid=True)
    claims = json.loads(base64.urlsafe_b64decode(TOKEN.split(".")[1] + "=="))
    for extra in ({"jwk": stranger.as_dict(private=False)}, {"jku": "https://evil.example/"}, {}):
        for kid in (KEY.kid, stranger.kid):
            header = {"alg": "Ed25519", "kid": kid, **extra}
            forged = jwt.encode(header, claims, stranger, registry=Registry(("Ed25519",)))
            assert refused(forged) is Reason.SIGNATURE


def test_another_data_directory_is_another_issuer() -> None:
    other = make_key()
    assert other.issuer != KEY.issuer
    assert refused(TOKEN, key=other) is Reason.ISSUER
    assert refused(signed(iss="https://somebody.example/")) is Reason.ISSUER


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": None}, Reason.AUDIENCE),
        ({"aud": "elsewhere"}, Reason.AUDIENCE),
        ({"aud": ["elsewhere"]}, Reason.AUDIENCE),
        ({"iss": None}, Reason.MALFORMED),
        ({"exp": None}, Reason.MALFORMED),
        ({"exp": "4102444800"}, Reason.MALFORMED),
        ({"exp": True}, Reason.MALFORMED),
        ({"exp": 10**30}, Reason.MALFORMED),
        ({"exp": 0}, Reason.EXPIRED),
        ({"nbf": "soon"}, Reason.MALFORMED),
        ({"jti": 7}, Reason.MALFORMED),
        ({"role": None}, Reason.ROLE),
        ({"role": "root"}, Reason.ROLE),
        ({"role": ["member"]}, Reason.ROLE),
        ({"sub": None}, Reason.MALFORMED),
        ({"sub": "9999"}, Reason.MALFORMED),
        ({"sub": "010001"}, Reason.MALFORMED),
        ({"sub": "100000000000"}, Reason.MALFORMED),
        ({"sub": "10001\n"}, Reason.MALFORMED),
        ({"sub": "１０００１"}, Reason.MALFORMED),
        ({"sub": "-10001"}, Reason.MALFORMED),
        ({"sub": True}, Reason.MALFORMED),
    ],
)
def test_what_is_signed_must_still_be_right(changes: dict[str, Any], reason: Reason) -> None:
    assert refused(signed(**changes)) is reason


def test_one_audience_among_several_is_enough(verifier: TokenVerifier) -> None:
    assert verifier.verify(signed(aud=["elsewhere", "homezone"]), NOW).qq == 10001


@pytest.mark.parametrize("header", [{"alg": "EdDSA"}, {"b64": True, "crit": ["b64"]}])
def test_headers_that_change_the_rules_are_refused(header: dict[str, Any]) -> None:
    assert refused(signed(header)) in {Reason.ALGORITHM, Reason.MALFORMED}


def test_length_is_limited() -> None:
    assert refused(signed(padding="x" * 8192)) is Reason.MALFORMED


def test_nesting_is_limited() -> None:
    deep = base64.urlsafe_b64encode(b'{"iss":' + b"[" * 3000).rstrip(b"=").decode()
    assert refused(f"{deep}.{deep}.{encoded(b'x' * 64)}") is Reason.MALFORMED


def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    checked: list[str] = []

    def counted(token: str, issuer_named: Any) -> Any:
        checked.append(token)
        return signed_claims(token, issuer_named)

    monkeypatch.setattr("api.tokens.verifier.signed_claims", counted)
    return checked


def test_a_verified_token_is_not_checked_again(
    verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = counting(monkeypatch)
    assert {verifier.verify(TOKEN, NOW) for _ in range(5)} == {verifier.verify(TOKEN, NOW)}
    assert checked == [TOKEN]


def test_memory_is_bounded_and_never_holds_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = counting(monkeypatch)
    verifier = TokenVerifier([KEY.trusted], cache_size=3)
    tokens = [signed(jti=str(number)) for number in range(5)]
    for token in tokens:
        verifier.verify(token, NOW)
        with pytest.raises(InvalidToken):
            verifier.verify(token[:-1], NOW)
    assert list(verifier._cache) == [sha256(token.encode()).digest() for token in tokens[2:]]
    assert not any(token in repr(verifier._cache.values()) for token in tokens)
    checked.clear()
    verifier.verify(tokens[4], NOW)
    verifier.verify(tokens[0], NOW)
    assert checked == [tokens[0]]


@pytest.mark.parametrize(
    ("text", "ttl"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("1h", HOUR),
        ("7d", timedelta(days=7)),
    ],
)
def test_parse_ttl(text: str, ttl: timedelta) -> None:
    assert parse_ttl(text) == ttl


@pytest.mark.parametrize(
    "text", ["", "1", "h", "0h", "-1h", "1.5h", "1 h", "1w", "1H", "٣h", "1h\n", "9999d", "9" * 99]
)
def test_parse_ttl_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"^a (token|time to live)"):
        parse_ttl(text)
