"""
Uploads by tus 1.0 (https://tus.io/protocols/resumable-upload): created, sent in as many requests as
the network takes, checked, and forgotten after a day.
"""

import binascii
from base64 import b64decode
from email.utils import format_datetime
from typing import Final
from uuid import UUID

import msgspec

from api.http import Answer, Header, ProblemError, Routes, bad_parameter, nothing
from api.http.answers import encode_json
from api.http.arriving import arriving
from api.services import MEMBERS, Ask
from commands.pictures import Checksum, ChecksumMismatch, Upload
from domain.ids import MemberId, cell_of
from projections.reading.statements import Connection

ROUTES = Routes()

VERSION: Final = "1.0.0"
_TAG = "uploads"
_BYTES = "application/offset+octet-stream"
_STAMP = {"Tus-Resumable": VERSION}
_LENGTH_MAX = 10**15
_METADATA_MAX = 4_096
#: By their names in the protocol, which are hashlib's; how many bytes they give.
_ALGORITHMS = {"sha1": 20, "sha256": 32}


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise ValueError
    return int(text)


def _checksum(text: str) -> Checksum:
    name, _, encoded = text.partition(" ")
    try:
        digest = b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError from None
    if _ALGORITHMS.get(name) != len(digest):
        raise ValueError
    return Checksum(name, digest)


def _metadata(text: str) -> str:
    """Pairs of a name and a value in Base64, by commas; kept as they are."""
    if len(text) > _METADATA_MAX or not text.isascii() or not text.isprintable():
        raise ValueError
    for pair in text.split(","):
        name, _, value = pair.strip().partition(" ")
        if not name:
            raise ValueError
        try:
            b64decode(value, validate=True)
        except binascii.Error:
            raise ValueError from None
    return text


_NUMBER = {"type": "integer", "minimum": 0, "maximum": _LENGTH_MAX - 1}
RESUMABLE = Header(
    "Tus-Resumable",
    str,
    {"type": "string", "examples": [VERSION]},
    "The version of tus that you speak; needed (412 otherwise).",
)
LENGTH = Header("Upload-Length", _number, _NUMBER, "Bytes of the whole upload; needed.")
OFFSET = Header("Upload-Offset", _number, _NUMBER, "Where this goes on; needed.")
CHECKSUM = Header(
    "Upload-Checksum",
    _checksum,
    {"type": "string", "examples": ["sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="]},
    "`sha1` or `sha256` of this body, and its digest in Base64: all of it counts, or nothing.",
)
METADATA = Header(
    "Upload-Metadata",
    _metadata,
    {"type": "string", "maxLength": _METADATA_MAX, "examples": ["filename aHkuanBn"]},
    "Names and values in Base64, given back by HEAD; nothing is done with them.",
)


class Begun(msgspec.Struct, frozen=True):
    """A new upload: what a photo is added by, once all of it has come."""

    id: UUID


@ROUTES.declare(
    "OPTIONS",
    "/v1/uploads",
    tag=_TAG,
    summary="What uploads can do",
    answer=None,
    roles=None,
    status=204,
    write=False,
    stamp=_STAMP,
)
async def describe_uploads(call: Ask[None, None]) -> Answer:
    """The version, the extensions and the limits, as tus has them."""
    return nothing(
        {
            "Tus-Version": VERSION,
            "Tus-Extension": "creation,creation-with-upload,expiration,checksum,termination",
            "Tus-Checksum-Algorithm": ",".join(_ALGORITHMS),
            "Tus-Max-Size": str(call.app.uploads.length_max),
        }
    )


@ROUTES.post(
    "/v1/uploads",
    tag=_TAG,
    summary="Begin an upload",
    answer=Begun,
    roles=MEMBERS,
    write=False,
    streamed=_BYTES,
    stamp=_STAMP,
    headers=(RESUMABLE, LENGTH, METADATA, CHECKSUM),
    problems=(
        "no-account", "suspended", "banned", "tus-version", "upload-too-large", "too-many-uploads",
        "quota-exceeded", "checksum-mismatch",
    ),
)  # fmt: skip
async def begin_upload(call: Ask[None, None]) -> Answer:
    """
    `Location` is where its bytes go; the first of them may come along with this. It is refused here
    if there is no room for all of it. It is forgotten at `Upload-Expires`, a day from now.
    """
    if "Upload-Defer-Length" in call.request.headers:
        raise bad_parameter("Upload-Defer-Length", "is not offered")
    length = _needed(call, LENGTH)
    metadata, checksum = call.header(METADATA), call.header(CHECKSUM)
    _check_protocol(call)
    member = call.viewer.member
    await call.app.read(call, _may_act)
    name = call.app.executor.new_id(cell_of(member))
    upload = await call.app.uploads.create(member, name, length, metadata)
    if call.request.body_exists:
        upload = await _append(call, upload.id, 0, checksum)
    headers = {"Location": f"/v1/uploads/{name}", **_standing(upload)}
    return Answer(encode_json(Begun(name)), headers=headers)


@ROUTES.declare(
    "HEAD",
    "/v1/uploads/{id}",
    tag=_TAG,
    summary="How far an upload is",
    answer=None,
    roles=MEMBERS,
    write=False,
    stamp={**_STAMP, "Cache-Control": "no-store"},
    headers=(RESUMABLE,),
    problems=("no-account", "tus-version", "upload-expired"),
)
async def upload_status(call: Ask[None, None]) -> Answer:
    """`Upload-Offset` is how many of its `Upload-Length` bytes are kept: go on from there."""
    _check_protocol(call)
    upload = await call.app.uploads.status(call.viewer.member, call.uuid())
    headers = {"Upload-Length": str(upload.length)}
    if upload.metadata is not None:
        headers["Upload-Metadata"] = upload.metadata
    return Answer(headers={**headers, **_standing(upload)})


@ROUTES.patch(
    "/v1/uploads/{id}",
    tag=_TAG,
    summary="Send what comes next",
    answer=None,
    roles=MEMBERS,
    status=204,
    write=False,
    streamed=_BYTES,
    stamp=_STAMP,
    headers=(RESUMABLE, OFFSET, CHECKSUM),
    problems=(
        "no-account", "tus-version", "upload-expired", "upload-offset", "upload-too-large",
        "checksum-mismatch",
    ),
)  # fmt: skip
async def send_upload(call: Ask[None, None]) -> Answer:
    """
    From `Upload-Offset` on, which must be where the upload is (409 otherwise: ask HEAD). Should the
    connection break, what had arrived is kept, except for a body with a checksum.
    """
    offset, checksum = _needed(call, OFFSET), call.header(CHECKSUM)
    _check_protocol(call)
    return nothing(_standing(await _append(call, call.uuid(), offset, checksum)))


@ROUTES.delete(
    "/v1/uploads/{id}",
    tag=_TAG,
    summary="Forget an upload",
    answer=None,
    roles=MEMBERS,
    status=204,
    write=False,
    stamp=_STAMP,
    headers=(RESUMABLE,),
    problems=("no-account", "tus-version", "upload-expired", "upload-taken"),
)
async def forget_upload(call: Ask[None, None]) -> Answer:
    """What was sent is removed, and there is no such upload any more."""
    _check_protocol(call)
    await call.app.uploads.terminate(call.viewer.member, call.uuid())
    return nothing()


async def _append(
    call: Ask[None, None], id: UUID, offset: int, checksum: Checksum | None
) -> Upload:
    uploads, member = call.app.uploads, call.viewer.member
    try:
        return await uploads.append(member, id, offset, arriving(call.request), checksum)
    except ChecksumMismatch:
        raise ProblemError("checksum-mismatch") from None
    except ConnectionError:
        # Usually there is nobody left to hear it.
        raise ProblemError("malformed", "The body could not be received.") from None


def _check_protocol(call: Ask[None, None]) -> None:
    if call.request.headers.get(RESUMABLE.name) != VERSION:
        raise ProblemError("tus-version", headers={"Tus-Version": VERSION})


def _needed(call: Ask[None, None], header: Header) -> int:
    value = call.header(header)
    if value is None:
        raise bad_parameter(header.name, "is missing")
    return int(value)


def _standing(upload: Upload) -> dict[str, str]:
    return {
        "Upload-Offset": str(upload.offset),
        "Upload-Expires": format_datetime(upload.expires_at, usegmt=True),
    }


async def _may_act(_connection: Connection, _member: MemberId) -> None:
    """Whoever is suspended begins nothing."""
