"""
The OpenAPI document tells the truth: it is valid, and the server does what it says.
"""

import asyncio
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from openapi_spec_validator import validate

from tests.api.http.notes import events, make, routes
from tests.api.http.schema_harness import run_schemathesis

#: What a generated request cannot be judged by: a stream never ends, and one fails on purpose.
UNDRIVEN = ("stream", "broken")


async def _document() -> Any:
    async with TestClient(TestServer(make())) as client:
        return await (await client.get("/openapi.json")).json()


def test_the_document_is_valid_openapi() -> None:
    document = asyncio.run(_document())
    validate(document)
    assert document["openapi"].startswith("3.1")
    operations = [one for path in document["paths"].values() for one in path.values()]
    declared = {route.name for part in (routes, events) for route in part}
    assert declared <= {operation["operationId"] for operation in operations}


def test_every_operation_documents_its_refusals() -> None:
    document = asyncio.run(_document())
    write = document["paths"]["/v1/notes"]["post"]
    assert set(write["responses"]) == {
        "201", "400", "401", "403", "413", "415", "422", "429", "500", "503"
    }  # fmt: skip
    named = document["components"]["responses"]
    refused = named[write["responses"]["422"]["$ref"].rpartition("/")[2]]
    content = refused["content"]["application/problem+json"]
    assert content["schema"]["allOf"][1]["properties"]["type"]["enum"] == [
        "/problems/forbidden-word",
        "/problems/key-reused",
        "/problems/out-of-bounds",
    ]


def test_the_page_needs_no_other_host() -> None:
    async def run() -> None:
        async with TestClient(TestServer(make())) as client:
            page = await client.get("/docs")
            assert page.content_type == "text/html"
            assert page.headers["Content-Security-Policy"].startswith("default-src 'self';")
            for path, kind in (
                ("/docs/docs.css", "text/css"),
                ("/docs/docs.js", "text/javascript"),
            ):
                assert path in await page.text()
                asset = await client.get(path)
                assert (asset.status, asset.content_type) == (200, kind)
                assert "//" not in (await asset.text()).replace("// ", "").replace('"//"', "")
            unchanged = await client.get("/openapi.json")
            etag = {"If-None-Match": unchanged.headers["ETag"]}
            assert (await client.get("/openapi.json", headers=etag)).status == 304

    asyncio.run(run())


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with TestServer(make()) as server:
            report = await run_schemathesis(
                f"http://127.0.0.1:{server.port}",
                tmp_path,
                headers={"Authorization": "Bearer mod"},
                exclude_operations=UNDRIVEN,
            )
        assert report.passed, report.output

    asyncio.run(run())
