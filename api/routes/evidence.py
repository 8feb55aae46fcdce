"""
The tree over the log, for anybody: checkpoint and tiles; proofs for auditors; cosignatures taken.

Checkpoint and tiles follow C2SP tlog-tiles under ``/v1/audit``, so any client of such logs can
follow this one. They hold hashes alone. A tile in one of its widths never changes. The records
under it are for auditors, as proofs are; nothing sealed is in them, and a reading of them is no
event, since every event is one more record to be read.
"""

import asyncio
import base64
import re
from typing import Annotated

import msgspec

from api.http.answers import Answer, found, nothing
from api.http.routes import Routes
from api.services import AUDITORS, Ask
from domain.event import Refused
from domain.evidence.notes import NOTE_BYTES_MAX, BadNote
from domain.evidence.tiles import TilePlace
from replay.published import SignedWith

ROUTES = Routes()
_TAG = "Audit"
_NOTE_TYPE = "text/plain; charset=utf-8"
_SHORT = {"Cache-Control": "public, max-age=1"}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_THEIRS_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_POSITION = re.compile(r"(\d+)-(\d+)", re.ASCII)
_POSITION_MAX = (1 << 63) - 1
_CELL_MAX = 4_095


class CheckpointQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which checkpoint: the newest, or the newest that a witness has signed."""

    witnessed: bool = False


class CosignedNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A checkpoint of this log with witnesses' signatures below it, as it was read and signed."""

    note: Annotated[str, msgspec.Meta(min_length=1, max_length=NOTE_BYTES_MAX)]


class LogKeys(msgspec.Struct, frozen=True):
    """The log's name, and the keys that sign its checkpoints or did, the newest first."""

    origin: str
    keys: tuple[SignedWith, ...]


class InclusionProof(msgspec.Struct, frozen=True):
    """
    An event's digest record, the index of its leaf, the hashes from the leaf to the root (base64),
    and the checkpoint with that root. `record` is the canonical JSON whose bytes are the leaf.
    """

    record: str
    leaf: int
    hashes: list[str]
    checkpoint: str


@ROUTES.get(
    "/v1/audit/checkpoint",
    tag=_TAG,
    summary="The tree's newest checkpoint",
    query=CheckpointQuery,
    answer=None,
    media_type="text/plain",
    roles=None,
    problems=("not-found",),
)
async def read_checkpoint(call: Ask[None, CheckpointQuery]) -> Answer:
    """A signed note (C2SP tlog-checkpoint), with the cosignatures that witnesses have sent."""
    evidence = call.app.evidence
    note = await asyncio.to_thread(evidence.checkpoint, witnessed=call.query.witnessed)
    if note is None:
        raise Refused("not-found")
    return Answer(note, content_type=_NOTE_TYPE, headers=_SHORT)


@ROUTES.get(
    "/v1/audit/keys",
    tag=_TAG,
    summary="The keys that sign the tree",
    answer=LogKeys,
    roles=None,
    problems=("not-found",),
)
async def read_log_keys(call: Ask[None, None]) -> Answer:
    """
    Verifier keys (C2SP signed-note). While a key follows another, checkpoints have a line of both.
    What this says proves nothing by itself: a new key is to be believed because it is told by
    another way, or because a checkpoint that an old one signed has its line as well.
    """
    progress = await asyncio.to_thread(call.app.evidence.progress)
    if progress is None:
        raise Refused("not-found")
    return found(LogKeys(progress.origin, progress.keys))


# Before tiles, whose path would take it in.
@ROUTES.get(
    "/v1/audit/tile/entries/{bundle:bundle}",
    tag=_TAG,
    summary="The records under the tree",
    answer=None,
    media_type="application/octet-stream",
    roles=AUDITORS,
)
async def read_entries(call: Ask[None, None]) -> Answer:
    """
    An entry bundle (C2SP tlog-tiles): the digest records of 256 leaves, or of the first `W` of them
    (`N.p/W`), each after its length in two bytes, big end first.
    """
    bundle = await asyncio.to_thread(call.app.evidence.entries, call.path["bundle"])
    if bundle is None:
        raise Refused("not-found")
    return Answer(bundle, content_type="application/octet-stream", headers=_THEIRS_FOR_EVER)


@ROUTES.get(
    "/v1/audit/tile/{tile:tile}",
    tag=_TAG,
    summary="Hashes of the tree",
    answer=None,
    media_type="application/octet-stream",
    roles=None,
)
async def read_tile(call: Ask[None, None]) -> Answer:
    """
    A tile (C2SP tlog-tiles): `L/N`, or `L/N.p/W` for its first `W` hashes, `N` in groups of three
    digits as in `x001/234`.
    """
    place: TilePlace = call.path["tile"]
    hashes = await asyncio.to_thread(call.app.evidence.tile, place)
    if hashes is None:
        raise Refused("not-found")
    return Answer(hashes, content_type="application/octet-stream", headers=_FOR_EVER)


@ROUTES.get(
    "/v1/audit/proofs/{position}",
    tag=_TAG,
    summary="That an event is in the tree",
    answer=InclusionProof,
    roles=AUDITORS,
    past=False,
)
async def read_proof(call: Ask[None, None]) -> Answer:
    """404 for an event that is not in a signed tree yet: a second or so after it was written."""
    match = _POSITION.fullmatch(call.text("position"))
    assert match is not None
    cell, position = map(int, match.groups())
    if cell > _CELL_MAX or not 0 < position <= _POSITION_MAX:
        raise Refused("not-found")
    proof = await asyncio.to_thread(call.app.evidence.proof, cell, position)
    if proof is None:
        raise Refused("not-found")
    return found(
        InclusionProof(
            proof.record.decode(),
            proof.leaf,
            [base64.b64encode(one).decode() for one in proof.hashes],
            proof.checkpoint.decode(),
        )
    )


@ROUTES.post(
    "/v1/audit/cosignatures",
    tag=_TAG,
    summary="Hand in a witness's signature",
    body=CosignedNote,
    answer=None,
    status=204,
    roles=None,
    write=False,
    problems=("not-cosigned",),
)
async def add_cosignature(call: Ask[CosignedNote, None]) -> Answer:
    """
    From anybody, since the signature says whose it is: it is kept if it is that of a witness whom
    this server knows (`WITNESSES`), over a checkpoint that this log has signed.
    """
    try:
        await asyncio.to_thread(call.app.evidence.cosign, call.body.note.encode())
    except (BadNote, UnicodeEncodeError):
        raise Refused("not-cosigned") from None
    return nothing()
