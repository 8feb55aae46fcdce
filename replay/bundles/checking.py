"""
Checks a bundle without a database: everything is worked out again, from the bytes of events up to
the signature below a checkpoint.

The manifest is asked only what the bundle is meant to be of; what it says beyond that is compared
with what was found. ``verify.py`` in each bundle does the same in other words, for whoever has none
of this.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import msgspec

from adapters.notary.key import check
from domain.evidence import bundles
from domain.evidence.bundles import (
    BadBundle,
    BundledEvent,
    Counts,
    DestroyedKey,
    Grew,
    Manifest,
    PublicKeys,
    encode,
    parse_event_line,
    parse_record_line,
    trail_row,
)
from domain.evidence.notes import (
    COSIGNATURE,
    SIGNATURE,
    BadNote,
    Checkpoint,
    Note,
    Verifier,
    cosignatures,
)
from domain.evidence.reckoning import Reckoned, Reckoning
from domain.evidence.records import DigestRecord, decode_record
from domain.evidence.shown import Shown, root_with
from domain.evidence.tree import HASH_BYTES, leaf_hash, verify_consistency
from replay.bundles.reading import ArchiveReader

T = TypeVar("T")

_BEFORE_CHECKPOINTS: Final = (bundles.README, bundles.VERIFIER, bundles.KEYS)
_AFTER_CHECKPOINTS: Final = (
    bundles.CONSISTENCY,
    bundles.RECORDS,
    bundles.PROOF,
    bundles.EVENTS,
    bundles.TRAIL,
    bundles.ERASED,
    bundles.MANIFEST,
)


class Checked(msgspec.Struct, frozen=True):
    """
    A bundle that holds.

    :param log: whose signature it rests on; ``trusted`` where that key was given from outside.
    :param witnesses: who vouches for a tree that all of it is in.
    """

    manifest: Manifest
    reckoned: Reckoned
    log: Verifier
    trusted: bool
    witnesses: tuple[str, ...]


#: Is given what was asked for, event by event, before it is known whether the bundle holds.
OnEvent: TypeAlias = Callable[[DigestRecord, BundledEvent], None]


def check_bundle(
    path: Path,
    key: Verifier | None = None,
    witnesses: Sequence[Verifier] = (),
    on_event: OnEvent | None = None,
) -> Checked:
    """
    Check a bundle.

    :param key: the log's, known from elsewhere; else it is the one in the bundle.
    :param witnesses: known from elsewhere; each must have signed.
    :raises BadBundle: it does not hold.
    :raises OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return _Check(ArchiveReader(file), key, witnesses, on_event).run()


class _Check:
    def __init__(
        self,
        archive: ArchiveReader,
        key: Verifier | None,
        witnesses: Sequence[Verifier],
        on_event: OnEvent | None,
    ) -> None:
        self._archive = archive
        self._key = key
        self._witnesses = witnesses
        self._on_event = on_event
        self._trail = hashlib.sha256(bundles.TRAIL_HEAD)

    def run(self) -> Checked:
        archive = self._archive
        sizes = _sizes(list(archive.files))
        manifest = _decoded(archive.small(bundles.MANIFEST), bundles.MANIFEST, Manifest)
        keys = _decoded(archive.small(bundles.KEYS), bundles.KEYS, PublicKeys)
        log = self._log(keys)
        notes = [self._note(size, log) for size in sizes]
        trees = [Checkpoint.parse(note.text) for note in notes]
        self._grew(trees)
        if manifest.checkpoint not in sizes:
            raise BadBundle("the checkpoint of the proof is not there")
        at = sizes.index(manifest.checkpoint)
        reckoned = self._reckon(manifest, trees[at])
        destroyed = self._destroyed(reckoned)
        files = tuple(one for one in archive.files.values() if one.name != bundles.MANIFEST)
        found = Manifest(
            cells=reckoned.cells,
            checkpoint=manifest.checkpoint,
            counts=Counts(
                destroyed_keys=destroyed,
                events=reckoned.events,
                keys=len(reckoned.keys),
                records=reckoned.records,
                rule_sets=reckoned.rule_sets,
            ),
            files=files,
            filter=manifest.filter,
            format=bundles.FORMAT,
            range=manifest.range,
        )
        if found != manifest:
            raise BadBundle(f"{bundles.MANIFEST}: says what is not so")
        vouching = self._vouching(keys, notes[at:])
        return Checked(manifest, reckoned, log, self._key is not None, vouching)

    def _log(self, keys: PublicKeys) -> Verifier:
        log = _verifier(keys.log, SIGNATURE)
        if self._key is not None and log != self._key:
            raise BadBundle(f"{bundles.KEYS}: names another key of the log than was given")
        return log

    def _note(self, size: int, log: Verifier) -> Note:
        name = bundles.checkpoint_name(size)
        raw = self._archive.small(name)
        try:
            note = Note.parse(raw)
            tree = Checkpoint.parse(note.text)
            if note.encode() != raw or tree.size != size or tree.origin != log.name:
                raise BadNote("of another tree than it is named for")
            if note.signed_by(log, check) is None:
                raise BadNote(f"not signed by {log.name}")
        except BadNote as error:
            raise BadBundle(f"{name}: {error}") from None
        return note

    def _grew(self, trees: Sequence[Checkpoint]) -> None:
        lines = self._archive.small(bundles.CONSISTENCY).splitlines(keepends=True)
        pairs = list(pairwise(trees))
        if len(lines) != len(pairs):
            raise BadBundle(f"{bundles.CONSISTENCY}: not one line from each checkpoint to the next")
        for line, (old, new) in zip(lines, pairs, strict=True):
            grew = _decoded(line, bundles.CONSISTENCY, Grew)
            proof = [_hash(one.encode(), bundles.CONSISTENCY) for one in grew.hashes]
            if (grew.since, grew.to) != (old.size, new.size) or not verify_consistency(
                old.size, new.size, old.root, new.root, proof
            ):
                raise BadBundle(f"the tree of {new.size} did not grow from that of {old.size}")

    def _reckon(self, manifest: Manifest, tree: Checkpoint) -> Reckoned:
        reckoning = Reckoning(manifest.range, manifest.filter)
        proof = self._archive.lines(bundles.PROOF)
        events = map(parse_event_line, self._archive.lines(bundles.EVENTS))

        def hidden(_first: int, _end: int) -> bytes:
            return _hash(next(proof, b"\n")[:-1], bundles.PROOF)

        try:
            root = root_with(self._shown(reckoning, events), tree.size, hidden)
        except ValueError as error:
            raise BadBundle(f"{bundles.RECORDS}: {error}") from None
        if root != tree.root:
            raise BadBundle("the records are not what was signed")
        if next(proof, None) is not None:
            raise BadBundle(f"{bundles.PROOF}: more hashes than the proof has")
        if self._trail.hexdigest() != self._archive.files[bundles.TRAIL].sha256:
            raise BadBundle(f"{bundles.TRAIL}: not what the events say")
        return reckoning.end()

    def _shown(self, reckoning: Reckoning, events: Iterator[BundledEvent]) -> Iterator[Shown]:
        event = next(events, None)
        for line in self._archive.lines(bundles.RECORDS):
            leaf, raw = parse_record_line(line)
            try:
                record = decode_record(raw)
            except ValueError as error:
                raise BadBundle(f"{bundles.RECORDS}: {error}") from None
            found = None
            if event is not None and (event.cell, event.position) == (record.cell, record.position):
                found, event = event, next(events, None)
            if reckoning.take(record, found) and found is not None:
                self._trail.update(trail_row(record, found))
                if self._on_event is not None:
                    self._on_event(record, found)
            yield leaf, leaf_hash(raw)
        if event is not None:
            raise BadBundle(f"{event.cell}-{event.position}: an event without a record")

    def _destroyed(self, reckoned: Reckoned) -> int:
        before, count = "", 0
        for line in self._archive.lines(bundles.ERASED):
            one = _decoded(line, bundles.ERASED, DestroyedKey)
            if one.key <= before or one.key not in reckoned.keys:
                raise BadBundle(f"{bundles.ERASED}: a key that nothing here is sealed under")
            before, count = one.key, count + 1
        return count

    def _vouching(self, keys: PublicKeys, notes: Sequence[Note]) -> tuple[str, ...]:
        """Who signed a tree that everything is in, as far as their keys are known."""
        known = self._witnesses or [_verifier(one, COSIGNATURE) for one in keys.witnesses]
        try:
            names = {one.name for note in notes for one in cosignatures(note, known, check)}
        except BadNote as error:
            raise BadBundle(str(error)) from None
        for witness in self._witnesses:
            if witness.name not in names:
                raise BadBundle(f"not signed by {witness.name}")
        return tuple(sorted(names))


def _sizes(names: Sequence[str]) -> list[int]:
    """The sizes of the checkpoints, once the files are those of a bundle, in their order."""
    middle = names[len(_BEFORE_CHECKPOINTS) : -len(_AFTER_CHECKPOINTS)]
    sizes = []
    for name in middle:
        digits = name.removeprefix("checkpoints/").removesuffix(".txt")
        if (
            not digits.isdecimal()
            or len(digits) > 19
            or name != bundles.checkpoint_name(int(digits))
        ):
            raise BadBundle("files that no bundle has")
        sizes.append(int(digits))
    expected = [*_BEFORE_CHECKPOINTS, *middle, *_AFTER_CHECKPOINTS]
    rising = sizes == sorted(set(sizes)) and 0 < len(sizes) <= bundles.CHECKPOINTS_MAX
    if list(names) != expected or not rising:
        raise BadBundle("files that no bundle has, or not in their order")
    return sizes


def _decoded(raw: bytes, name: str, type: Callable[..., T]) -> T:
    """A JSON object in its one spelling, on a line of its own."""
    try:
        found: T = msgspec.json.decode(raw, type=type)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadBundle(f"{name}: not what a bundle has there") from None
    if encode(found) + b"\n" != raw:
        raise BadBundle(f"{name}: not spelled as a bundle has it")
    return found


def _verifier(vkey: str, kind: int) -> Verifier:
    try:
        found = Verifier.parse(vkey)
    except BadNote as error:
        raise BadBundle(f"{bundles.KEYS}: {error}") from None
    if found.kind != kind or found.vkey != vkey:
        raise BadBundle(f"{bundles.KEYS}: a key of another kind than it is named as")
    return found


def _hash(text: bytes, name: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except binascii.Error:
        found = b""
    if len(found) != HASH_BYTES or base64.b64encode(found) != text:
        raise BadBundle(f"{name}: something that is no hash")
    return found
