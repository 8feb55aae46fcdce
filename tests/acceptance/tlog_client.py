"""
A client of tiled transparency logs, written from C2SP's pages and RFC 6962 alone.

It shares no line with what it checks: it knows a URL prefix and a verifier key, fetches a
checkpoint and the tiles that a tree of that size has, and works the root out from leaf hashes.
"""

import base64
import hashlib
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Fetch = Callable[[str], bytes]


def checkpoint(raw: bytes, vkey: str) -> tuple[int, bytes]:
    """Size and root that a note states, if that key has signed it."""
    name, key_id, key = vkey.split("+", 2)
    kind, public = base64.b64decode(key)[:1], base64.b64decode(key)[1:]
    assert kind == b"\x01"
    assert hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4].hex() == key_id
    text, _, lines = raw.decode().rpartition("\n\n")
    text += "\n"
    origin, size, root = text.splitlines()[:3]
    assert origin == name
    named = [line for line in lines.splitlines() if line.startswith(f"— {name} ")]
    signatures = [base64.b64decode(line.rsplit(" ", 1)[1]) for line in named]
    # Keys of one name are told apart by their ids.
    mine = [one for one in signatures if one[:4].hex() == key_id]
    assert len(mine) == 1
    Ed25519PublicKey.from_public_bytes(public).verify(mine[0][4:], text.encode())
    return int(size), base64.b64decode(root)


def leaves(size: int, fetch: Fetch) -> list[bytes]:
    """All leaf hashes of a tree, after its tiles of every level were held against each other."""
    below: list[bytes] = []
    level, count = 0, size
    while count:
        hashes: list[bytes] = []
        for number in range(-(-count // 256)):
            width = min(256, count - number * 256)
            raw = fetch(f"tile/{level}/{_number(number)}" + (f".p/{width}" if width < 256 else ""))
            assert len(raw) == 32 * width
            hashes += [raw[at : at + 32] for at in range(0, len(raw), 32)]
        if level == 0:
            below = first = hashes
        else:
            roots = [mth(below[at : at + 256]) for at in range(0, len(below) // 256 * 256, 256)]
            assert hashes == roots
            below = hashes
        level, count = level + 1, count // 256
    return first if size else []


def entries(size: int, fetch: Fetch) -> list[bytes]:
    """All entries of a tree: bundles of at most 256, each entry after its length."""
    found: list[bytes] = []
    for number in range(-(-size // 256)):
        width = min(256, size - number * 256)
        raw = fetch(f"tile/entries/{_number(number)}" + (f".p/{width}" if width < 256 else ""))
        before = len(found)
        while raw:
            end = 2 + int.from_bytes(raw[:2], "big")
            assert len(raw) >= end
            found.append(raw[2:end])
            raw = raw[end:]
        assert len(found) - before == width
    return found


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962's hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def mth(hashes: list[bytes]) -> bytes:
    """RFC 6962's Merkle Tree Hash, over leaf hashes, as it is defined there."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def included(index: int, size: int, record: bytes, proof: list[bytes]) -> bytes:
    """The root that an inclusion proof leads to, by the recursion that defines it."""
    if size == 1:
        assert not proof
        return hashlib.sha256(b"\x00" + record).digest()
    k = 1
    while k * 2 < size:
        k *= 2
    if index < k:
        left, right = included(index, k, record, proof[:-1]), proof[-1]
    else:
        left, right = proof[-1], included(index - k, size - k, record, proof[:-1])
    return hashlib.sha256(b"\x01" + left + right).digest()


def _number(number: int) -> str:
    digits = f"{number:03d}"
    while len(digits) % 3:
        digits = "0" + digits
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*("x" + one for one in groups[:-1]), groups[-1]])
