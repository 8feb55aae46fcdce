"""
Signed notes (C2SP signed-note), the checkpoints they carry (tlog-checkpoint), and what witnesses
add to them (tlog-cosignature, Ed25519).

What comes from outside is text that anybody may have written: it is taken apart strictly, and means
nothing until a key that one already trusts has signed it.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec

from domain.evidence.tree import HASH_BYTES

#: Types of signatures: a log's own, and a witness's, which is dated.
SIGNATURE: Final = 0x01
COSIGNATURE: Final = 0x04

#: More than that no note of ours has.
NOTE_BYTES_MAX: Final = 64_000
_SIGNATURES_MAX: Final = 64
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_TIMESTAMP_MAX: Final = (1 << 63) - 1
_MARK: Final = "\u2014 "

#: (public key, message, signature) -> whether it is that key's signature of that message.
Check: TypeAlias = Callable[[bytes, bytes, bytes], bool]
#: (message) -> signature.
Sign: TypeAlias = Callable[[bytes], bytes]


class BadNote(Exception):
    """A note, checkpoint or key that is not what it should be; the message says what is wrong."""


class Verifier(msgspec.Struct, frozen=True):
    """
    Whoever's signatures are to be believed: a name, a type of signature and a public key.
    """

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return hashlib.sha256(
            self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        ).digest()[:4]

    @property
    def vkey(self) -> str:
        """As one writes it down: ``name+id+key``."""
        key = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """
        From what one wrote down.

        :raises BadNote: it is no such key, or of a kind that is not known here.
        """
        name, _, rest = vkey.strip().partition("+")
        id_, _, encoded = rest.partition("+")
        raw = _base64(encoded)
        if not _is_name(name) or len(raw) != 1 + _KEY_BYTES:
            raise BadNote("that is no verifier key")
        if raw[0] not in (SIGNATURE, COSIGNATURE):
            raise BadNote("a verifier key of a kind that is not known")
        verifier = cls(name, raw[0], raw[1:])
        if verifier.key_id.hex() != id_:
            raise BadNote("a verifier key whose id is not its own")
        return verifier


class Signature(msgspec.Struct, frozen=True):
    """One line below a note."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """With its newline."""
        return f"{_MARK}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


class Note(msgspec.Struct, frozen=True):
    """A text, which ends in a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """As it is sent."""
        return f"{self.text}\n{''.join(one.line for one in self.signatures)}".encode()

    @classmethod
    def parse(cls, raw: bytes) -> "Note":
        """
        Take a note apart; nothing in it is to be believed yet.

        :raises BadNote: it is none.
        """
        try:
            whole = raw.decode()
        except UnicodeDecodeError:
            raise BadNote("a note is text in UTF-8") from None
        if len(raw) > NOTE_BYTES_MAX or any(one < " " and one != "\n" for one in whole):
            raise BadNote("that is no note")
        text, separator, lines = whole.rpartition("\n\n")
        if not separator or not lines.endswith("\n"):
            raise BadNote("a note ends in signatures")
        signatures = tuple(map(_signature, lines[:-1].split("\n")))
        if len(signatures) > _SIGNATURES_MAX:
            raise BadNote("too many signatures")
        return cls(text + "\n", signatures)

    def signed_by(self, verifier: Verifier, check: Check) -> Signature | None:
        """
        The signature of somebody known; None when there is none of theirs.

        :raises BadNote: there is one, and it is forged.
        """
        for one in self.signatures:
            if one.name == verifier.name and one.key_id == verifier.key_id:
                if not _holds(self.text, one, verifier, check):
                    raise BadNote(f"a signature of {verifier.name} does not hold")
                return one
        return None


class Checkpoint(msgspec.Struct, frozen=True):
    """A tree of a log: its size and root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note's text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """
        From a note's text. Further lines are allowed, and say nothing here.

        :raises BadNote: it is no checkpoint.
        """
        lines = text.split("\n")
        if len(lines) < 4 or not lines[0] or not all(lines[3:-1]):
            raise BadNote("that is no checkpoint")
        origin, size, root = lines[0], lines[1], _base64(lines[2])
        if not (size.isascii() and size.isdecimal()) or str(int(size[:20])) != size:
            raise BadNote("a checkpoint without a size")
        if len(root) != HASH_BYTES:
            raise BadNote("a checkpoint without a root")
        return cls(origin, int(size), root)


def sign(text: str, verifier: Verifier, signer: Sign) -> Signature:
    """A log's signature."""
    return Signature(verifier.name, verifier.key_id, signer(text.encode()))


def cosign(text: str, verifier: Verifier, signer: Sign, seconds: int) -> Signature:
    """A witness's signature, at a time in seconds since 1970."""
    dated = signer(_dated(text, seconds))
    return Signature(verifier.name, verifier.key_id, seconds.to_bytes(8, "big") + dated)


def cosigned_at(signature: Signature) -> int:
    """When a witness signed, in seconds since 1970."""
    return int.from_bytes(signature.signature[:8], "big")


def cosignatures(note: Note, witnesses: Sequence[Verifier], check: Check) -> list[Signature]:
    """
    What known witnesses have signed.

    :raises BadNote: one of their signatures is forged.
    """
    found = (note.signed_by(witness, check) for witness in witnesses)
    return [one for one in found if one is not None]


def _holds(text: str, one: Signature, verifier: Verifier, check: Check) -> bool:
    if verifier.kind == SIGNATURE:
        return len(one.signature) == _SIGNATURE_BYTES and check(
            verifier.public, text.encode(), one.signature
        )
    seconds = cosigned_at(one)
    return (
        len(one.signature) == 8 + _SIGNATURE_BYTES
        and seconds <= _TIMESTAMP_MAX
        and check(verifier.public, _dated(text, seconds), one.signature[8:])
    )


def _dated(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_MARK).partition(" ")
    raw = _base64(encoded)
    if not line.startswith(_MARK) or not _is_name(name) or len(raw) < 5:
        raise BadNote("a line below the note is no signature")
    return Signature(name, raw[:4], raw[4:])


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and name.isprintable() and not any(map(str.isspace, name))


def _base64(text: str) -> bytes:
    """Decoded; empty for what is no base64, or not in its one form."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""
