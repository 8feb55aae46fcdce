"""
A real identity provider: its tokens open the door, and the embedded default's no longer do.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import Key, KeySet, RSAKey

from tests.support.homezone import running_homezone

ISSUER = "https://id.example/"


@contextmanager
def provider(keys: list[Key]) -> Iterator[str]:
    """A JWKS document over HTTP."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(KeySet(keys).as_dict(private=False)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/jwks"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def token(key: Key, qq: int, role: str, **changes: Any) -> str:
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": ISSUER, "aud": "homezone", "sub": str(qq), "role": role, "exp": now + 600}
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims | changes, key)


def test_a_providers_tokens_are_taken_and_the_local_key_is_not(
    database_url: str, tmp_path: Path
) -> None:
    first = RSAKey.generate_key(2048, {"kid": "first"})
    stranger = RSAKey.generate_key(2048, {"kid": "first"})
    account = {"qq": 30_001, "nickname": "摩诘", "real_name": "王维", "birth_date": "1999-09-09"}
    with (
        provider([first]) as url,
        running_homezone(database_url, tmp_path, jwks_url=url, issuer=ISSUER) as homezone,
    ):
        operator = homezone.with_token(token(first, 10_000, "operator"))
        operator.post("/v1/accounts", account).ok(201)
        member = homezone.with_token(token(first, 30_001, "member"))
        assert member.get("/v1/me").ok(200).json["qq"] == 30_001

        for forged in (
            token(stranger, 30_001, "member"),
            token(first, 30_001, "member", iss="https://other.example/"),
            token(first, 30_001, "member", exp=1),
            homezone.token(30_001),
        ):
            homezone.with_token(forged).get("/v1/me").refused(401, "unauthenticated")

        member.get("/v1/me").ok(200)
