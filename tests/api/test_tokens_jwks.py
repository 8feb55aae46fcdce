"""
A real identity provider: keys from its JWKS document over HTTP, that change and fail.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, OctKey, OKPKey, RSAKey

from adapters.identity_provider import BadAnswer, JwksClient, usable_keys
from api.tokens import InvalidToken, KeySource, Reason, Role, TokenVerifier, TrustedIssuer
from api.tokens.signature import Registry

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
ISSUER = "https://id.example/"
ALGORITHMS = ("RS256", "ES256", "EdDSA", "Ed25519")

RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec", "alg": "ES256", "use": "sig"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
NEW = OKPKey.generate_key("Ed25519", {"kid": "new"})


class Provider:
    """An identity provider that may change its mind."""

    def __init__(self, *keys: Key) -> None:
        self.requests = 0
        self.time = 0.0
        self.publish(*keys)

    def publish(self, *keys: Key) -> None:
        self.body: bytes | Callable[[], Awaitable[web.Response]]
        self.body = json.dumps(KeySet(list(keys)).as_dict()).encode()
        self.status = 200

    async def answer(self, _request: web.Request) -> web.Response:
        self.requests += 1
        if callable(self.body):
            return await self.body()
        headers = {"Location": "/other"} if self.status == 302 else {}
        return web.Response(body=self.body, status=self.status, headers=headers)

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[JwksClient]:
        app = web.Application()
        app.router.add_get("/jwks", self.answer)
        app.router.add_get("/other", self.answer)
        async with TestServer(app) as server:
            client = JwksClient(str(server.make_url("/jwks")), now=lambda: self.time, **options)
            try:
                yield client
            finally:
                await client.close()


def issue(key: Key, algorithm: str, kid: str | None = "", **changes: Any) -> str:
    claims = {"iss": ISSUER, "aud": "homezone", "sub": "10001", "role": "auditor"}
    claims |= {"exp": int(NOW.timestamp()) + 3600} | changes
    header: dict[str, Any] = {"alg": algorithm, "kid": key.kid if kid == "" else kid}
    if kid is None:
        del header["kid"]
    return jwt.encode(header, claims, key, registry=Registry((*ALGORITHMS, "HS256")))


def verifier(source: KeySource, **options: Any) -> TokenVerifier:
    return TokenVerifier([TrustedIssuer(ISSUER, source, **options)])


def test_each_kind_of_key_with_its_own_algorithm() -> None:
    async def main() -> None:
        async with Provider(RSA, EC, ED).client() as client:
            check = verifier(client)
            for key, algorithm in ((RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA"), (ED, "Ed25519")):
                principal = await check.admit(issue(key, algorithm), NOW)
                assert (principal.qq, principal.role) == (10001, Role.AUDITOR)
                assert len(principal.token_id) == 32
            secret = OctKey.import_key(json.dumps(RSA.as_dict(private=False)))
            forgeries: list[tuple[Key, str]] = [(secret, "HS256"), (NEW, "EdDSA")]
            for kid in ("rsa", "ec", "ed"):
                for forger, algorithm in forgeries:
                    with pytest.raises(InvalidToken) as caught:
                        await check.admit(issue(forger, algorithm, kid), NOW)
                    assert caught.value.reason in {Reason.ALGORITHM, Reason.SIGNATURE}

    asyncio.run(main())


def test_a_token_need_not_name_the_only_key_but_must_choose_among_two() -> None:
    async def main() -> None:
        provider = Provider(ED)
        async with provider.client(refresh_seconds_min=0) as client:
            assert (await verifier(client).admit(issue(ED, "EdDSA", None), NOW)).qq == 10001
            provider.publish(ED, EC)
            await client.refresh()
            with pytest.raises(InvalidToken, match="signature"):
                await verifier(client).admit(issue(ED, "EdDSA", None), NOW)

    asyncio.run(main())


def test_claims_may_have_other_names_and_clocks_may_differ_a_little() -> None:
    async def main() -> None:
        async with Provider(ED).client() as client:
            check = verifier(
                client, role_claim="hz_role", qq_claim="qq", leeway=timedelta(seconds=30)
            )
            token = issue(
                ED, "EdDSA", sub="u-1", qq=10002, hz_role="operator", nbf=NOW.timestamp() + 20
            )
            principal = await check.admit(token, NOW)
            assert (principal.qq, principal.role) == (10002, Role.OPERATOR)
            late = NOW + timedelta(hours=1)
            assert check.verify(token, late + timedelta(seconds=29)) == principal
            with pytest.raises(InvalidToken, match="expired"):
                check.verify(token, late + timedelta(seconds=30))
            with pytest.raises(InvalidToken, match="issuer"):
                check.verify(issue(ED, "EdDSA", iss=ISSUER[:-1]), NOW)

    asyncio.run(main())


def test_a_new_key_is_fetched_when_it_is_named_and_an_old_one_stops_counting() -> None:
    async def main() -> None:
        provider = Provider(ED)
        async with provider.client(refresh_seconds_min=30) as client:
            check = verifier(client)
            old, new = issue(ED, "EdDSA"), issue(NEW, "EdDSA")
            assert (await check.admit(old, NOW)).qq == 10001
            provider.publish(NEW)
            with pytest.raises(InvalidToken):  # asked a moment ago
                await check.admit(new, NOW)
            assert check.verify(old, NOW).qq == 10001
            provider.time += 30
            assert (await check.admit(new, NOW)).qq == 10001
            assert provider.requests == 2
            with pytest.raises(InvalidToken, match="signature"):  # though it was remembered
                check.verify(old, NOW)

    asyncio.run(main())


def test_unknown_keys_cost_the_provider_one_request_at_a_time() -> None:
    async def main() -> None:
        provider = Provider(ED)
        async with provider.client(refresh_seconds_min=30) as client:
            check = verifier(client)
            forged = [issue(NEW, "EdDSA", f"key-{number}") for number in range(50)]
            results = await asyncio.gather(
                *(check.admit(token, NOW) for token in forged), return_exceptions=True
            )
            assert all(isinstance(result, InvalidToken) for result in results)
            assert provider.requests == 1
            provider.time += 29.9
            with pytest.raises(InvalidToken):
                await check.admit(forged[0], NOW)
            assert provider.requests == 1

    asyncio.run(main())


def test_keys_that_did_not_change_stay_the_same_object() -> None:
    async def main() -> None:
        async with Provider(ED, RSA).client(refresh_seconds_min=0) as client:
            await client.refresh()
            keys = client.keys
            await client.refresh()
            assert client.keys is keys

    asyncio.run(main())


async def _hang() -> web.Response:
    await asyncio.sleep(30)
    raise AssertionError


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (302, b""),
        (200, b"not json"),
        (200, b'{"keys": []}'),
        (200, b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}'),
        (200, b"[" * 10_000),
        (200, b" " * (1 << 18) + json.dumps(KeySet([NEW]).as_dict()).encode()),
        (200, _hang),
    ],
)
def test_while_the_provider_fails_its_last_keys_stay_good(status: int, body: Any) -> None:
    async def main() -> None:
        provider = Provider(ED)
        async with provider.client(refresh_seconds_min=0, timeout_seconds=0.2) as client:
            check = verifier(client)
            await client.refresh()
            provider.status, provider.body = status, body
            await client.refresh()
            assert provider.requests == 2
            assert (await check.admit(issue(ED, "EdDSA"), NOW)).qq == 10001
            with pytest.raises(InvalidToken, match="signature"):
                await check.admit(issue(NEW, "EdDSA"), NOW)

    asyncio.run(main())


def test_a_provider_that_cannot_be_reached_admits_nobody() -> None:
    async def main() -> None:
        client = JwksClient("http://127.0.0.1:9/jwks")
        with pytest.raises(InvalidToken, match="signature"):
            await verifier(client).admit(issue(ED, "EdDSA"), NOW)

    asyncio.run(main())


def test_one_who_gives_up_does_not_stop_the_request_for_the_others() -> None:
    async def main() -> None:
        async with Provider(ED).client() as client:
            waiting = [asyncio.create_task(client.refresh()) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            assert [key.kid for key in client.keys] == ["ed"]

    asyncio.run(main())


def test_it_refreshes_from_time_to_time() -> None:
    async def main() -> None:
        provider, thrice = Provider(ED), asyncio.Event()

        async def answer() -> web.Response:
            if provider.requests == 3:
                thrice.set()
            return web.Response(text="no keys today")

        provider.body = answer
        async with provider.client(refresh_seconds_min=0, refresh_seconds_max=0.01) as client:
            running = asyncio.create_task(client.run())
            await asyncio.wait_for(thrice.wait(), 10)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())


@pytest.mark.parametrize(
    "url", ["http://id.example/jwks", "ftp://localhost/", "file:///k", "", "x"]
)
def test_a_url_that_others_could_answer_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        JwksClient(url)


@pytest.mark.filterwarnings("ignore:Key size")
def test_only_keys_that_can_verify_are_taken() -> None:
    weak = RSAKey.generate_key(1024, {"kid": "weak"})
    offered = [
        *KeySet([RSA, EC, ED]).as_dict(private=True)["keys"],
        weak.as_dict(private=False),
        ECKey.generate_key("P-384").as_dict(private=False),
        OKPKey.generate_key("X25519").as_dict(private=False),
        ED.as_dict(private=False) | {"kid": "enc", "use": "enc"},
        ED.as_dict(private=False) | {"kid": 7},
        EC.as_dict(private=False) | {"x": "AAAA"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
        {"kty": "RSA"},
        {},
    ]
    keys = usable_keys(json.dumps({"keys": offered}).encode())
    assert [key.kid for key in keys] == ["rsa", "ec", "ed"]
    assert not any(key.is_private for key in keys)


@pytest.mark.parametrize(
    "document", [b"", b"null", b"[]", b'{"keys": {}}', b'{"keys": [1]}', b"\xff"]
)
def test_other_documents_are_refused(document: bytes) -> None:
    with pytest.raises(BadAnswer):
        usable_keys(document)
