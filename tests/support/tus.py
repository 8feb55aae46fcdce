"""
A client of tus 1.0, as small as they come.
"""

import base64
import hashlib
import socket
from typing import Any

from tests.support.homezone import Client, Reply

RESUMABLE = {"Tus-Resumable": "1.0.0"}
BYTES = {"Content-Type": "application/offset+octet-stream"}


def begin(member: Client, length: int, **headers: str) -> Reply:
    """Create an upload; names of headers with underscores."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {**RESUMABLE, "Upload-Length": str(length), **given}
    return member.request("POST", "/v1/uploads", headers=sent)


def location(member: Client, length: int, **headers: str) -> str:
    """A new upload's address."""
    return begin(member, length, **headers).ok(201).headers["location"]


def send(member: Client, upload: str, offset: int, data: bytes, **headers: str) -> Reply:
    """Send some of it."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {**RESUMABLE, **BYTES, "Upload-Offset": str(offset), **given}
    return member.request("PATCH", upload, raw=data, headers=sent)


def offset(member: Client, upload: str) -> int:
    """How much of it is kept."""
    reply = member.request("HEAD", upload, headers=RESUMABLE).ok(200)
    assert reply.headers["cache-control"] == "no-store"
    return int(reply.headers["upload-offset"])


def upload(member: Client, data: bytes) -> str:
    """A whole file; the id of its upload."""
    at = location(member, len(data))
    send(member, at, 0, data).ok(204)
    return at.rpartition("/")[2]


def checksum(data: bytes, name: str = "sha256") -> dict[str, str]:
    """The header that says what a body hashes to."""
    digest = base64.b64encode(hashlib.new(name, data).digest()).decode()
    return {"Upload_Checksum": f"{name} {digest}"}


class Dropped:
    """
    A request whose connection is cut before its body has come.

    :param length: what its headers promise.
    """

    def __init__(self, member: Client, port: int, upload: str, at: int, length: int) -> None:
        lines: dict[str, Any] = {
            "Host": "localhost",
            "Authorization": f"Bearer {member.token}",
            "Upload-Offset": at,
            "Content-Length": length,
            **RESUMABLE,
            **BYTES,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(f"PATCH {upload} HTTP/1.1\r\n{head}\r\n".encode())

    def send(self, data: bytes) -> None:
        """Some of the body."""
        self._socket.sendall(data)

    def cut(self) -> None:
        """The network is gone."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
