"""
The conventions of the API, over a real socket.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from tests.api.http.notes import Notes, make

ANN = {"Authorization": "Bearer ann"}
BOB = {"Authorization": "Bearer bob"}
MOD = {"Authorization": "Bearer mod"}
JSON = {"Content-Type": "application/json"}

Client = TestClient[Any, Any]


@asynccontextmanager
async def serving(notes: Notes | None = None) -> AsyncIterator[Client]:
    async with TestClient(TestServer(make(notes))) as client:
        yield client


def over_http(test: Callable[..., Awaitable[None]]) -> Callable[[], None]:
    """Run a test with a client of a fresh toy."""

    def run() -> None:
        async def inner() -> None:
            async with serving() as client:
                await test(client)

        asyncio.run(inner())

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


async def problem(response: ClientResponse, status: int, name: str) -> Any:
    document = await response.json(content_type="application/problem+json")
    assert (response.status, document["type"]) == (status, f"/problems/{name}")
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert response.headers["Cache-Control"] == "no-store"
    return document


async def write(client: Client, title: str = "a", **headers: str) -> Any:
    response = await client.post("/v1/notes", json={"title": title}, headers={**ANN, **headers})
    assert response.status == 201
    return await response.json()


@over_http
async def test_a_write_answers_its_position(client: Client) -> None:
    response = await client.post("/v1/notes", json={"title": "a"}, headers=ANN)
    body = await response.json()
    assert response.status == 201
    assert response.headers["Homezone-Position"] == body["position"] == "1-1"
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert "aiohttp" not in response.headers["Server"]


@over_http
async def test_a_retry_gets_the_first_answer(client: Client) -> None:
    first = await write(client, **{"Idempotency-Key": "k"})
    headers = {**ANN, "Idempotency-Key": "k"}
    again = await client.post("/v1/notes", json={"title": "a"}, headers=headers)
    assert again.status == 201
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Homezone-Position"] == first["position"]
    assert await again.json() == first
    other = await client.post("/v1/notes", json={"title": "b"}, headers=headers)
    await problem(other, 422, "key-reused")


@over_http
async def test_a_malformed_idempotency_key_is_refused(client: Client) -> None:
    for key in ("k" * 256, "schlüssel", ""):
        headers = {**ANN, "Idempotency-Key": key}
        refused = await client.post("/v1/notes", json={"title": "a"}, headers=headers)
        said = await problem(refused, 400, "invalid")
        assert said["errors"][0]["parameter"] == "Idempotency-Key"


@over_http
async def test_tokens(client: Client) -> None:
    missing = await client.get("/v1/notes")
    await problem(missing, 401, "unauthenticated")
    assert missing.headers["WWW-Authenticate"] == 'Bearer realm="homezone"'
    for wrong in ("Bearer eve", "Bearer ", "Basic YTpi", "ann", "bearer  eve"):
        bad = await client.get("/v1/notes", headers={"Authorization": wrong})
        await problem(bad, 401, "unauthenticated")
        assert 'error="invalid_token"' in bad.headers["WWW-Authenticate"]
    assert (await client.get("/v1/notes", headers={"Authorization": "bearer ann"})).status == 200


@over_http
async def test_a_role_that_may_not(client: Client) -> None:
    thing = {"kind": "text", "text": "a"}
    await problem(await client.post("/v1/things", json=thing, headers=ANN), 403, "forbidden")
    allowed = await client.post("/v1/things", json=thing, headers=MOD)
    assert allowed.status == 204
    assert "Content-Type" not in allowed.headers


@over_http
async def test_what_is_not_visible_is_not_found(client: Client) -> None:
    note = await write(client)
    for path in (f"/v1/notes/{note['id']}", "/v1/notes/nonsense", "/v1/notes/%00", "/nowhere"):
        await problem(await client.get(path, headers=BOB), 404, "not-found")
    for qq in ("0", "9999", "010001", "1e5", "999999999999", "10001%20"):
        await problem(await client.get(f"/v1/spaces/{qq}"), 404, "not-found")
    assert await (await client.get("/v1/spaces/10001")).json() == {"qq": 10001}


@over_http
async def test_methods(client: Client) -> None:
    refused = await client.delete("/v1/notes", headers=ANN)
    await problem(refused, 405, "method-not-allowed")
    assert refused.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    options = await client.options("/v1/notes/x")
    assert (options.status, await options.read()) == (204, b"")
    assert options.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"
    head = await client.head("/v1/notes", headers=ANN)
    assert (head.status, await head.read()) == (200, b"")


@over_http
async def test_a_refusal_of_the_domain_names_its_field(client: Client) -> None:
    refused = await client.post("/v1/notes", json={"title": "forbidden"}, headers=ANN)
    said = await problem(refused, 422, "forbidden-word")
    assert said["errors"] == [
        {"detail": "It holds a word that is not allowed.", "pointer": "/title"}
    ]


@over_http
async def test_media_types(client: Client) -> None:
    for wrong in ("text/plain", "application/jsonx", "application/json; charset=latin-1", ""):
        headers = {**ANN, "Content-Type": wrong}
        refused = await client.post("/v1/notes", data=b'{"title": "a"}', headers=headers)
        await problem(refused, 415, "unsupported-media-type")
    headers = {**ANN, "Content-Type": 'Application/JSON; charset="UTF-8"'}
    assert (await client.post("/v1/notes", data=b'{"title": "a"}', headers=headers)).status == 201
    headers = {**ANN, **JSON, "Content-Encoding": "gzip"}
    refused = await client.post("/v1/notes", data=b"x", headers=headers)
    await problem(refused, 415, "unsupported-media-type")


@over_http
async def test_too_large_a_body_is_not_read(client: Client) -> None:
    raw = b'{"title": "a", "text": "' + b" " * (4 << 20) + b'"}'
    headers = {**ANN, **JSON}
    await problem(await client.post("/v1/notes", data=raw, headers=headers), 413, "too-large")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(80):
            yield b" " * 65536

    sent = await client.post("/v1/notes", data=chunks(), headers=headers)
    await problem(sent, 413, "too-large")
    host, port = client.host, client.port
    assert port is not None
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(
        b"POST /v1/notes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ann\r\n"
        b"Content-Type: application/json\r\nContent-Length: 9999999999\r\n"
        b"Expect: 100-continue\r\n\r\n"
    )
    assert b" 413 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()


@over_http
async def test_expectations(client: Client) -> None:
    raw = b'{"title": "a"}'
    sent = await client.post("/v1/notes", data=raw, headers={**ANN, **JSON}, expect100=True)
    assert sent.status == 201
    odd = await client.post("/v1/notes", data=raw, headers={**ANN, **JSON, "Expect": "tea"})
    await problem(odd, 417, "expectation-failed")


@over_http
async def test_versions(client: Client) -> None:
    path = f"/v1/notes/{(await write(client))['id']}"
    read = await client.get(path, headers=ANN)
    etag = read.headers["ETag"]
    assert etag == '"1"'
    unchanged = await client.get(path, headers={**ANN, "If-None-Match": etag})
    assert (unchanged.status, await unchanged.read()) == (304, b"")
    assert unchanged.headers["ETag"] == etag
    assert unchanged.headers["Cache-Control"] == "private, no-cache"
    headers = {**ANN, "If-Match": etag}
    changed = await client.patch(path, json={"title": "b"}, headers=headers)
    assert changed.headers["ETag"] == '"2"'
    late = await client.patch(path, json={"title": "c"}, headers=headers)
    await problem(late, 412, "version-mismatch")
    odd = await client.patch(path, json={"title": "c"}, headers={**ANN, "If-Match": "2"})
    assert (await problem(odd, 400, "invalid"))["errors"][0]["parameter"] == "If-Match"
    assert (await client.patch(path, json={}, headers={**ANN, "If-Match": "*"})).status == 200


@over_http
async def test_a_walk_meets_every_item_once(client: Client) -> None:
    ids = [(await write(client, str(number)))["id"] for number in range(7)]
    path, met = "/v1/notes?limit=3", []
    while path:
        response = await client.get(path, headers=ANN)
        page = await response.json()
        met += [item["id"] for item in page["items"]]
        link = response.headers.get("Link")
        assert (link is None) == (page["next"] is None)
        path = link[1 : link.index(">")] if link else ""
        assert not path or ("limit=3" in path and response.links["next"])
    assert met == ids


@over_http
async def test_a_cursor_belongs_to_one_list_and_viewer(client: Client) -> None:
    for number in range(3):
        await write(client, str(number))
    page = await (await client.get("/v1/notes?limit=1", headers=ANN)).json()
    cursor = page["next"]
    for path, who in (
        (f"/v1/notes?cursor={cursor}", BOB),
        (f"/v1/notes?colour=red&cursor={cursor}", ANN),
        (f"/v1/notes?cursor={cursor[:-1]}", ANN),
        (f"/v1/notes?cursor={cursor}%3D", ANN),
    ):
        said = await problem(await client.get(path, headers=who), 400, "invalid")
        assert said["errors"][0]["parameter"] == "cursor"
    assert (await client.get(f"/v1/notes?limit=9&cursor={cursor}", headers=ANN)).status == 200


@over_http
async def test_an_operation_without_parameters_refuses_them(client: Client) -> None:
    await problem(await client.get("/v1/spaces/10001?a=1"), 400, "invalid")


@over_http
async def test_an_error_of_ours_says_nothing_but_its_name(client: Client) -> None:
    response = await client.get("/v1/broken?")
    said = await problem(response, 500, "internal")
    assert said["instance"].startswith("/requests/")
    assert "secret" not in await response.text()


@over_http
async def test_problems_explain_themselves(client: Client) -> None:
    for name in ("invalid", "forbidden-word"):
        page = await client.get(f"/problems/{name}")
        assert page.status == 200
        assert f"/problems/{name}" in await page.text()
        assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")
    await problem(await client.get("/problems/unknown"), 404, "not-found")


def test_a_read_waits_until_it_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.http.serving.FRESH_SECONDS_MAX", 0.05)

    async def run() -> None:
        notes = Notes()
        notes.fresh_to = 5
        async with serving(notes) as client:
            fresh = await client.get("/v1/notes", headers={**ANN, "Homezone-At-Least": "0-5,1-1"})
            assert fresh.status == 200
            late = await client.get("/v1/notes", headers={**ANN, "Homezone-At-Least": "0-6"})
            await problem(late, 504, "not-yet")
            odd = await client.get("/v1/notes", headers={**ANN, "Homezone-At-Least": "6"})
            said = await problem(odd, 400, "invalid")
            assert said["errors"][0]["parameter"] == "Homezone-At-Least"

    asyncio.run(run())
