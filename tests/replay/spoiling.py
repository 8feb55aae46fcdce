"""
Ways to spoil a bundle: its bytes, its files, their lines, and what stands in these; alone, or with
the manifest made to agree. Each is chosen by a seed.
"""

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable
from random import Random
from typing import TypeAlias

import msgspec

from domain.evidence.archive import Member, directory

Files: TypeAlias = dict[str, bytes]
#: A bundle, and another one to take parts from, to what becomes of it.
Spoil: TypeAlias = Callable[[Random, bytes, bytes], bytes]


def unpacked(raw: bytes) -> Files:
    """The files of a bundle, by an independent reader."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Files) -> bytes:
    """A zip as bundles are, of any files."""
    members: list[Member] = []
    whole = bytearray()
    for name, content in files.items():
        member = Member(name, len(whole), len(content), zlib.crc32(content))
        whole += member.header + content
        members.append(member)
    return bytes(whole + directory(members)) if members else b""


def agreeing(files: Files) -> Files:
    """With the lengths and digests that the manifest has of files made to agree with them."""
    manifest = msgspec.json.decode(files["manifest.json"])
    manifest["files"] = [
        {"bytes": len(content), "name": name, "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
        if name != "manifest.json"
    ]
    encoded = msgspec.json.Encoder(order="deterministic").encode(manifest)
    return files | {"manifest.json": encoded + b"\n"}


def flipped(random: Random, raw: bytes) -> bytes:
    """One bit of it is another."""
    spoiled = bytearray(raw)
    spoiled[random.randrange(len(raw))] ^= 1 << random.randrange(8)
    return bytes(spoiled)


def _bytes(random: Random, raw: bytes, other: bytes) -> bytes:
    at, until = sorted(random.randrange(len(raw) + 1) for _ in range(2))
    match random.randrange(7):
        case 0:
            return flipped(random, raw)
        case 1:
            return raw[:at]
        case 2:
            return raw[:at] + raw[until:]
        case 3:
            return raw[:until] + raw[at:until] + raw[until:]
        case 4:
            return raw[:at] + other[at:]
        case 5:
            return raw + random.randbytes(random.randrange(1, 50))
        case _:
            return random.randbytes(random.randrange(1, 50)) + raw


def _members(random: Random, raw: bytes, other: bytes) -> bytes:
    files = unpacked(raw)
    names = list(files)
    name = random.choice(names)
    match random.randrange(6):
        case 0:
            del files[name]
        case 1:
            files |= {random.choice(("x", "../x", "/etc/x", "manifest.json ", "a/b.zip")): b"x"}
        case 2:
            files = {name: files[name]} | files
            files = dict(random.sample(list(files.items()), len(files)))
        case 3:
            files |= {name: unpacked(other).get(name, b"")}
        case 4:
            return raw[: len(raw) // 2] + packed(files)
        case _:
            stream = io.BytesIO()
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                for one in (*names, name) if random.random() < 0.5 else names:
                    archive.writestr(one, files[one])
            return stream.getvalue()
    return packed(files)


_TOKENS = re.compile(rb"[A-Za-z0-9+/]{20,}={0,2}|[0-9]+|[A-Za-z_.]+")


def _content(random: Random, content: bytes) -> bytes:
    """Lines, or what stands in one, spoiled."""
    lines = content.splitlines(keepends=True)
    if not lines:
        return b"{}\n"
    at, to = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(8):
        case 0:
            del lines[at]
        case 1:
            lines[at], lines[to] = lines[to], lines[at]
        case 2:
            lines.insert(to, lines[at])
        case 3:
            lines = lines[:at]
        case 4:
            return flipped(random, content)
        case 5:
            lines[at] = lines[at].replace(b":", b": ", 1)
        case _:
            tokens = list(_TOKENS.finditer(lines[at]))
            if tokens:
                one = random.choice(tokens)
                changed = _token(random, one[0])
                lines[at] = lines[at][: one.start()] + changed + lines[at][one.end() :]
    return b"".join(lines)


def _token(random: Random, token: bytes) -> bytes:
    if token.isdigit():
        return str(random.choice((int(token) + 1, 0, 1 << 64, -1, int(token) * 10))).encode()
    return random.choice((b"", token[::-1], token.swapcase(), token + token, b"null", b"x"))


def proved(raw: bytes) -> Files:
    """What of a bundle is evidence, and not the word of whoever made it."""
    names = ("consistency.ndjson", "records.ndjson", "proof.txt", "events.ndjson", "trail.csv")
    return {
        name: content.rpartition(b"\n\n")[0] if name.startswith("checkpoints/") else content
        for name, content in unpacked(raw).items()
        if name.startswith(("checkpoints/", *names))
    }


_EVIDENCE = ("keys.json", "checkpoints", "consistency.ndjson", "records.ndjson", "proof.txt",
             "events.ndjson", "trail.csv", "erased.ndjson", "manifest.json")  # fmt: skip


def _inside(random: Random, raw: bytes, other: bytes) -> bytes:
    """One file's content, and the zip around it made anew."""
    files = unpacked(raw)
    name = random.choice(list(files))
    return packed(files | {name: _content(random, files[name])})


def _cunning(random: Random, raw: bytes, other: bytes) -> bytes:
    """What is evidence, with the manifest made to agree; or all of another bundle's."""
    files = unpacked(raw)
    names = [name for name in files if name.startswith(_EVIDENCE) and name != "manifest.json"]
    for name in random.sample(names, random.choice((1, 1, 1, 2))):
        if random.random() < 0.3:
            files[name] = unpacked(other).get(name, b"")
        else:
            files[name] = _content(random, files[name])
    return packed(agreeing(files))


def _less(random: Random, raw: bytes, other: bytes) -> bytes:
    """The same event out of records, events and trail at once, and counted out of the manifest."""
    files = unpacked(raw)
    events = files["events.ndjson"].splitlines(keepends=True)
    at = random.randrange(len(events))
    cell, position = re.findall(rb'"position":"(\d+)-(\d+)"', events[at])[0]
    place = b'"cell":' + cell + b","
    ends = b'"position":' + position + b","
    kept = [line for line in files["records.ndjson"].splitlines(keepends=True)
            if place not in line or ends not in line]  # fmt: skip
    trail = files["trail.csv"].splitlines(keepends=True)
    changes = {
        "events.ndjson": b"".join(events[:at] + events[at + 1 :]),
        "trail.csv": b"".join(row for row in trail if not row.startswith(cell + b"," + position)),
    }
    if random.random() < 0.5:
        changes["records.ndjson"] = b"".join(kept)
    manifest = msgspec.json.decode(files["manifest.json"])
    manifest["counts"]["events"] -= 1
    manifest["counts"]["records"] -= "records.ndjson" in changes
    changes["manifest.json"] = msgspec.json.encode(manifest, order="deterministic")
    return packed(agreeing(files | changes))


WAYS: tuple[Spoil, ...] = (_bytes, _members, _inside, _inside, _cunning, _cunning, _less)
