#!/usr/bin/env python3
"""
Checks an evidence bundle of a Homezone. Python 3.9 or newer is all it takes.

    python3 verify.py FILE.zip [--key VKEY] [--witness VKEY ...]

It reads one file, writes none, and opens no connection. Everything is worked out again from the
bytes of events up to the signature below a checkpoint: RFC 9162 for the tree, C2SP signed-note and
tlog-checkpoint for what was signed, RFC 8032 for Ed25519. It ends with 0 if the bundle holds, with
1 if it does not, with 2 if it was called in a wrong way.

It shares no code with the program that made the bundle, on purpose.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import struct
import sys
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, NoReturn, Optional, Tuple

FORMAT = "homezone-evidence/1"
FIRST = ["README.txt", "verify.py", "keys.json"]
LAST = [
    "consistency.ndjson",
    "records.ndjson",
    "proof.txt",
    "events.ndjson",
    "trail.csv",
    "erased.ndjson",
    "manifest.json",
]
CHECKPOINTS_MAX = 3
MEMBERS_MAX = 32
SMALL_BYTES_MAX = 1 << 20
LINE_BYTES_MAX = 64 << 20
NOTE_BYTES_MAX = 64000
SIGNATURES_MAX = 64
BESIDE_MAX = 100000
READ_AT_ONCE = 1 << 20


class Bad(Exception):
    """The bundle does not hold; the message says where, and what is wrong."""


def bad(what: str) -> NoReturn:
    raise Bad(what)


# Ed25519, verification alone (RFC 8032, section 5.1.7). Points are (X, Y, Z, T), x = X/Z, y = Y/Z.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = Tuple[int, int, int, int]


def add(a: Point, b: Point) -> Point:
    one = (a[1] - a[0]) * (b[1] - b[0]) % P
    two = (a[1] + a[0]) * (b[1] + b[0]) % P
    three = 2 * a[3] * b[3] * D % P
    four = 2 * a[2] * b[2] % P
    e, f, g, h = two - one, four - three, four + three, two + one
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point = add(point, point)
        number >>= 1
    return total


def x_of(y: int, odd: int) -> Optional[int]:
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if odd else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P:
        return None
    return P - x if x & 1 != odd else x


def point_of(raw: bytes) -> Optional[Point]:
    number = int.from_bytes(raw, "little")
    y, odd = number & ((1 << 255) - 1), number >> 255
    x = x_of(y, odd) if y < P else None
    return None if x is None else (x, y, 1, x * y % P)


def encoded(point: Point) -> bytes:
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE: Point = (x_of(BASE_Y, 0) or 0, BASE_Y, 1, (x_of(BASE_Y, 0) or 0) * BASE_Y % P)


def ed25519_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether it is that key's signature of that message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, s = point_of(public), int.from_bytes(signature[32:], "little")
    if key is None or s >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    h = int.from_bytes(digest, "little") % ORDER
    minus: Point = (P - key[0], key[1], 1, P - key[3])
    return encoded(add(times(s, BASE), times(h, minus))) == signature[:32]


# Notes (C2SP signed-note), keys, checkpoints (tlog-checkpoint), cosignatures (tlog-cosignature).

LOG, WITNESS = 1, 4
MARK = "\u2014 "


def base64_of(text: str) -> bytes:
    """Decoded, if it is spelled in the one way; else empty."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""


def is_name(name: str) -> bool:
    return bool(name) and "+" not in name and name.isprintable() and not any(map(str.isspace, name))


class Key:
    """A verifier key: name+id+key."""

    def __init__(self, vkey: str, kind: int) -> None:
        name, _, rest = vkey.partition("+")
        id_, _, encoded_key = rest.partition("+")
        raw = base64_of(encoded_key)
        if not is_name(name) or len(raw) != 33 or raw[0] != kind:
            bad("that is no verifier key of the kind that is asked for")
        self.name, self.kind, self.public = name, kind, raw[1:]
        self.id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        if self.id.hex() != id_:
            bad("a verifier key whose id is not its own")
        self.vkey = vkey


class Note:
    """A signed text that carries the size and root of a tree."""

    def __init__(self, raw: bytes, file: str) -> None:
        whole = text_of(raw, file)
        if len(raw) > NOTE_BYTES_MAX or any(one < " " and one != "\n" for one in whole):
            bad(file + ": that is no note")
        text, separator, below = whole.rpartition("\n\n")
        if not separator or not below.endswith("\n"):
            bad(file + ": a note ends in signatures")
        self.text = text + "\n"
        self.signatures = [self.signature(line, file) for line in below[:-1].split("\n")]
        lines = self.text.split("\n")
        if len(self.signatures) > SIGNATURES_MAX or len(lines) < 4 or not all(lines[:-1]):
            bad(file + ": that is no checkpoint")
        self.origin, size, self.root = lines[0], lines[1], base64_of(lines[2])
        if not re.fullmatch("0|[1-9][0-9]{0,18}", size) or len(self.root) != 32:
            bad(file + ": a checkpoint without a size and a root")
        self.size = int(size)

    @staticmethod
    def signature(line: str, file: str) -> Tuple[str, bytes, bytes]:
        name, _, rest = line[len(MARK) :].partition(" ")
        raw = base64_of(rest)
        if not line.startswith(MARK) or not is_name(name) or len(raw) < 5:
            bad(file + ": a line below the note is no signature")
        return name, raw[:4], raw[4:]

    def signed_by(self, key: Key) -> bool:
        """Whether it has that key's signature; one that is forged is no bundle's."""
        for name, id_, signature in self.signatures:
            if (name, id_) == (key.name, key.id):
                signed = self.text.encode()
                if key.kind == WITNESS:
                    seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
                    signed = b"cosignature/v1\ntime %d\n" % seconds + signed
                    if seconds >= 1 << 63:
                        bad("a signature of " + name + " does not hold")
                if not ed25519_holds(key.public, signed, signature):
                    bad("a signature of " + name + " does not hold")
                return True
        return False


# The tree (RFC 9162, section 2.1).


def leaf_hash(record: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_with(shown: Iterator[Tuple[int, bytes]], size: int, hidden: Callable[[], bytes]) -> bytes:
    """The root of a tree of which some leaves are shown, and the hashes of the rest are given."""
    none = (1 << 64, b"")
    coming = [next(shown, none)]

    def over(first: int, end: int) -> bytes:
        if coming[0][0] >= end:
            return hidden()
        if end - first == 1:
            index, found = coming[0]
            if index != first:
                bad("records.ndjson: leaves are out of order")
            coming[0] = next(shown, none)
            return found
        middle = first + (1 << (end - first - 1).bit_length() - 1)
        left = over(first, middle)
        return node_hash(left, over(middle, end))

    root = over(0, size) if size else hashlib.sha256(b"").digest()
    if coming[0] is not none:
        bad("records.ndjson: the tree has no such leaf")
    return root


def grew(old: Note, new: Note, proof: List[bytes]) -> bool:
    """Whether one tree is the beginning of the other (2.1.4.2)."""
    if not 0 < old.size < new.size:
        return False
    path = ([old.root] if old.size & (old.size - 1) == 0 else []) + proof
    if not path:
        return False
    node, last = old.size - 1, new.size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    was = now = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            was, now = node_hash(sibling, was), node_hash(sibling, now)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            now = node_hash(now, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and was == old.root and now == new.root


# The zip: files side by side, as they are, in a frame of which every byte is known.


def header(name: bytes, size: int, crc32: int) -> bytes:
    return (
        b"PK\x03\x04"
        + struct.pack("<5H3L2H", 45, 0, 0, 0, 0x21, crc32, 0xFFFFFFFF, 0xFFFFFFFF, len(name), 20)
        + name
        + struct.pack("<2H2Q", 1, 16, size, size)
    )


HEADER_BYTES = len(header(b"", 0, 0))


def entry(name: bytes, size: int, crc32: int, offset: int) -> bytes:
    far = 0xFFFFFFFF
    return (
        b"PK\x01\x02"
        + struct.pack("<6H3L", 3 << 8 | 45, 45, 0, 0, 0, 0x21, crc32, far, far)
        + struct.pack("<5H2L", len(name), 28, 0, 0, 0, 0o100644 << 16, far)
        + name
        + struct.pack("<2H3Q", 1, 24, size, size, offset)
    )


def end_of(entries: bytes, count: int, at: int) -> bytes:
    return (
        b"PK\x06\x06"
        + struct.pack("<Q2H2L4Q", 44, 3 << 8 | 45, 45, 0, 0, count, count, len(entries), at)
        + b"PK\x06\x07"
        + struct.pack("<LQL", 0, at + len(entries), 1)
        + b"PK\x05\x06"
        + struct.pack("<4H2LH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    )


class Archive:
    """The files of a bundle; ``digests`` are their lengths and SHA-256, in order."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.length = file.seek(0, 2)
        self.places: Dict[str, Tuple[int, int]] = {}
        self.digests: Dict[str, Tuple[int, str]] = {}
        at, entries = 0, b""
        while self.read(at, 4) == b"PK\x03\x04":
            head = self.read(at, HEADER_BYTES)
            if len(head) < HEADER_BYTES or len(self.places) >= MEMBERS_MAX:
                bad("the zip is not framed as bundles are")
            crc32, name_length = struct.unpack_from("<L8xH", head, 14)
            head = self.read(at, HEADER_BYTES + name_length)
            name, size = head[30:-20], struct.unpack("<Q", head[-8:])[0]
            if head != header(name, size, crc32) or at + len(head) + size > self.length:
                bad("the zip is not framed as bundles are")
            if not name or len(name) > 255 or not name.isascii() or name.decode() in self.places:
                bad("a name that no file of a bundle has")
            entries += entry(name, size, crc32, at)
            at += len(head)
            self.places[name.decode()] = (at, size)
            self.digest(name.decode(), crc32)
            at += size
        end = entries + end_of(entries, len(self.places), at)
        if at + len(end) != self.length or self.read(at, len(end)) != end:
            bad("the zip is not framed as bundles are")

    def read(self, at: int, count: int) -> bytes:
        self.file.seek(at)
        return self.file.read(count)

    def digest(self, name: str, crc32: int) -> None:
        at, size = self.places[name]
        end, found, sha256 = at + size, 0, hashlib.sha256()
        while at < end:
            piece = self.read(at, min(READ_AT_ONCE, end - at))
            if not piece:
                bad("the file was cut off")
            found = zlib.crc32(piece, found)
            sha256.update(piece)
            at += len(piece)
        if found != crc32:
            bad(name + ": damaged")
        self.digests[name] = (size, sha256.hexdigest())

    def small(self, name: str) -> bytes:
        at, size = self.places[name]
        if size > SMALL_BYTES_MAX:
            bad(name + ": longer than such a file is")
        return self.read(at, size)

    def lines(self, name: str) -> Iterator[bytes]:
        at, size = self.places[name]
        end, kept = at + size, b""
        while at < end or kept:
            piece = self.read(at, min(READ_AT_ONCE, end - at))
            at += len(piece)
            *whole, kept = (kept + piece).split(b"\n")
            for line in whole:
                yield line + b"\n"
            if len(kept) > LINE_BYTES_MAX or (kept and at == end):
                bad(name + ": a line without an end")


# What the files say. Each line has one spelling.

ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
NUMBER = "(0|[1-9][0-9]{0,18})"
EVENT = re.compile(
    (
        rf'\{{"position":"{NUMBER}-{NUMBER}","actor":"({ID})","owner":"({ID})",'
        rf'"command":"({ID})","correlation":"({ID})","causation":(?:null|"({ID})"),'
        r'"data":([^\n]*)\}\n'
    ).encode()
)
RECORD = re.compile(rf'\{{"leaf":{NUMBER},"record":(.*)\}}\n'.encode())
SEALED = re.compile(rb'\{"sealed":"([A-Za-z0-9+/]{4,}={0,2})"\}')
RULE_SET = re.compile(
    rb'\{"name":("(?:[^"\\]|\\.)*"),"version":([1-9][0-9]{0,18}),"hash":"([0-9a-f]{64})"\}'
)
RULES = re.compile(
    rb'\{"type":"rules\.published\.v[0-9]+","name":("(?:[^"\\]|\\.)*"),'
    rb'"version":([1-9][0-9]{0,18}),"hash":"([0-9a-f]{64})","rules":(.*)\}'
)
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
TRAIL_HEAD = (
    b"cell,position,recorded_at,type,stream,version,"
    b"owner,actor,command,correlation,causation,data\r\n"
)

MODERATION = {
    "case", "disclosure_policy", "rulebook", "rules", "sanction", "screening", "strike",
}  # fmt: skip
BILLING = {
    "allowance", "belonging", "gift", "item", "membership", "order", "payment", "period", "wallet",
}  # fmt: skip
CLASSES = {"billing", "content", "identity", "moderation"}
JUDGED = {"account", "album", "comment", "home", "message", "photo", "post"}
JUDGEMENT = re.compile(
    r"(.+_)?(approved|banned|ban_lifted|flagged|held|refused|reinstated|rejected|restored"
    r"|restricted|restriction_ended|suspended|unpublished|withdrawn)"
)


def is_of(kind: str, type_: str) -> bool:
    """Whether an event of that type is of that kind."""
    noun, _, verb = type_.partition(".")
    if kind == "billing":
        return noun in BILLING
    if kind == "moderation":
        judged = JUDGEMENT.fullmatch(verb.rpartition(".")[0])
        return noun in MODERATION or (noun in JUDGED and judged is not None)
    return True


def text_of(raw: bytes, file: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        bad(file + ": not in UTF-8")


def spelled(value: Any) -> bytes:
    """JSON in its one spelling."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def json_of(raw: bytes, file: str, keys: Dict[str, Any]) -> Any:
    """A JSON object with these keys, of these types, in its one spelling."""
    try:
        value = json.loads(text_of(raw, file))
        same = spelled(value) == raw
    except (ValueError, RecursionError):
        bad(file + ": no JSON")
    if not same or type(value) is not dict or value.keys() != keys.keys():
        bad(file + ": not what a bundle has there")
    for key, types in keys.items():
        if type(value[key]) not in (types if isinstance(types, tuple) else (types,)):
            bad(file + ": not what a bundle has there")
    return value


def line_of(line: bytes, file: str, keys: Dict[str, Any]) -> Any:
    if not line.endswith(b"\n"):
        bad(file + ": a line without an end")
    return json_of(line[:-1], file, keys)


RECORD_KEYS = {
    "actor_tag": (str, type(None)),
    "cell": int,
    "context_sha256": str,
    "data_sha256": str,
    "owner_tag": (str, type(None)),
    "position": int,
    "recorded_at": str,
    "stream": str,
    "type": str,
    "version": int,
}


class Event:
    """An event's stored bytes, and the ids that its record has as a digest."""

    def __init__(self, line: bytes) -> None:
        match = EVENT.fullmatch(line)
        if match is None:
            bad("events.ndjson: a line that is no event")
        cell, position, actor, owner, command, correlation, causation, self.data = match.groups()
        self.place = (int(cell), int(position))
        self.owner = owner.decode()
        self.ids = [one.decode() for one in (owner, actor, command, correlation, causation or b"")]
        hexadecimal = actor + owner + command + correlation + (causation or b"")
        self.context = bytes.fromhex(hexadecimal.replace(b"-", b"").decode())


def cell_of(text: str) -> str:
    """A cell of the trail, which no spreadsheet takes for a formula."""
    if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        text = "'" + text
    if re.search('[,"\r\n]', text):
        return '"' + text.replace('"', '""') + '"'
    return text


def trail_row(record: Dict[str, Any], event: Event) -> bytes:
    data = SEALED.sub(b'{"sealed":true}', event.data).decode(errors="replace")
    cells = [record["cell"], record["position"], record["recorded_at"], cell_of(record["type"])]
    cells += [record["stream"], record["version"], *event.ids, cell_of(data)]
    return (",".join(map(str, cells)) + "\r\n").encode()


# What is asked of a bundle, and whether all of that is there.


def checked_bound(bound: Any) -> Any:
    if type(bound) is not dict or len(bound) != 1:
        bad("an end of the range that is neither positions nor a time")
    positions, moment = bound.get("positions"), bound.get("time")
    if type(positions) is dict:
        for cell, position in positions.items():
            if not re.fullmatch("0|[1-9][0-9]{0,3}", cell) or type(position) is not int:
                bad("an end of the range that is no position")
            if not 0 <= position < 1 << 63:
                bad("an end of the range that is no position")
    elif type(moment) is not str or not TIME.fullmatch(moment):
        bad("an end of the range that is no time")
    return bound


class Reckoning:
    """What is in a bundle, record by record."""

    def __init__(self, manifest: Dict[str, Any]) -> None:
        span, wanted = manifest["range"], manifest["filter"]
        if span.keys() != {"from", "to"} or wanted.keys() != {"kind", "owner", "stream"}:
            bad("manifest.json: not what a bundle has there")
        self.since = None if span["from"] is None else checked_bound(span["from"])
        self.to = checked_bound(span["to"])
        self.kind, self.owner, self.stream = wanted["kind"], wanted["owner"], wanted["stream"]
        if self.kind not in ("moderation", "billing", "all"):
            bad("manifest.json: a kind that there is not")
        for one in (self.owner, self.stream):
            if one is not None and (type(one) is not str or not re.fullmatch(ID, one)):
                bad("manifest.json: something that is no id")
        self.stretches: Dict[int, List[Any]] = {}
        self.beside: Dict[int, Dict[int, str]] = {}
        self.records = self.events = self.untagged = self.besides = 0
        self.keys: set[str] = set()
        self.others: set[str] = set()
        self.tags_in: set[str] = set()
        self.tags_out: set[str] = set()
        self.named: set[Any] = set()
        self.published: set[Any] = set()
        self.unasked: Dict[Any, str] = {}

    def in_range(self, record: Dict[str, Any]) -> bool:
        cell, position, at = str(record["cell"]), record["position"], record["recorded_at"]
        if self.since is None:
            begun = True
        elif "time" in self.since:
            begun = at > self.since["time"]
        else:
            begun = position > self.since["positions"].get(cell, 0)
        if "time" in self.to:
            return begun and at <= self.to["time"]
        return begun and position <= self.to["positions"].get(cell, 0)

    def may_select(self, record: Dict[str, Any]) -> bool:
        return is_of(self.kind, record["type"]) and self.stream in (None, record["stream"])

    def take(self, record: Dict[str, Any], event: Optional[Event]) -> bool:
        """The next record, and its event if that is there; whether that is asked for."""
        self.records += 1
        cell, position = record["cell"], record["position"]
        at = str(cell) + "-" + str(position)
        if not TIME.fullmatch(record["recorded_at"]):
            bad(at + ": a time that no record has")
        inside = self.in_range(record)
        candidate = inside and self.may_select(record)
        if inside:
            self.follow(record)
            if not candidate:
                self.others.add(record["type"])
        else:
            self.besides += 1
            if self.besides > BESIDE_MAX:
                bad("more records beside the range than a bundle has")
            self.beside.setdefault(cell, {})[position] = record["recorded_at"]
        if event is not None:
            return self.take_event(record, event, candidate, at)
        if candidate:
            self.miss(record, at)
        return False

    def follow(self, record: Dict[str, Any]) -> None:
        """Within a cell positions have no gap, and time does not run backwards."""
        cell, position, moment = record["cell"], record["position"], record["recorded_at"]
        before = self.stretches.setdefault(cell, [position, position - 1, moment])
        if position != before[1] + 1:
            bad(f"{cell}-{before[1] + 1}: the record is not there")
        if moment < before[2]:
            bad(f"{cell}-{position}: time runs backwards")
        before[1:] = [position, moment]

    def take_event(self, record: Dict[str, Any], event: Event, candidate: bool, at: str) -> bool:
        if (
            hashlib.sha256(event.data).hexdigest() != record["data_sha256"]
            or hashlib.sha256(event.context).hexdigest() != record["context_sha256"]
        ):
            bad(at + ": the event is not the one that its record is of")
        self.events += 1
        for sealed in SEALED.findall(event.data):
            try:
                self.keys.add(base64.b64decode(sealed[:24], validate=True)[1:17].hex())
            except binascii.Error:
                bad("something sealed that is no base64")
        rules = RULES.fullmatch(event.data)
        named = None if rules is None else (rules[1], rules[2], rules[3])
        if rules is not None:
            if hashlib.sha256(rules[4]).hexdigest().encode() != rules[3]:
                bad(at + ": the rule set is not what its hash is of")
            self.published.add(named)
        if candidate and self.owner in (None, event.owner):
            self.named.update(RULE_SET.findall(event.data) if b'"hash":"' in event.data else ())
            if record["owner_tag"] is not None:
                self.tags_in.add(record["owner_tag"])
            return True
        if named is None or named in self.unasked:
            bad(at + ": an event that is not asked for")
        self.unasked[named] = at
        return False

    def miss(self, record: Dict[str, Any], at: str) -> None:
        """A record of which the event is not there, though stream and kind are as asked for."""
        if self.owner is None:
            bad(at + ": the event is not there")
        if record["owner_tag"] is None:
            self.untagged += 1
        else:
            self.tags_out.add(record["owner_tag"])

    def end(self) -> None:
        """Whether all of it was there."""
        if self.tags_in & self.tags_out:
            bad("events of the owner are left out")
        for name, version, _ in sorted(self.named - self.published):
            bad(f"the rule set {name.decode(errors='replace')} {version.decode()} is not there")
        for named, at in self.unasked.items():
            if named not in self.named:
                bad(at + ": an event that is not asked for")
        for cell, (first, _, _) in self.stretches.items():
            if self.since is None:
                whole = first == 1
            elif "positions" in self.since:
                whole = first == self.since["positions"].get(str(cell), 0) + 1
            else:
                whole = first == 1 or first - 1 in self.beside.get(cell, {})
            if not whole:
                bad(f"{cell}-{first - 1}: the record is not there")
        after = (self.since or {}).get("positions", {})
        for name, until in self.to.get("positions", {}).items():
            if int(name) in self.stretches:
                there = self.stretches[int(name)][1] == until
            else:
                there = until <= after.get(name, 0) or until in self.beside.get(int(name), {})
            if not there:
                bad(f"{name}-{until}: the record is not there")

    def idle_cells(self) -> List[int]:
        """The cells with events before and after a range between times, and none in it."""
        if "time" not in self.to:
            return []
        return sorted(self.beside.keys() - self.stretches.keys() - set(self.open_cells()))

    def open_cells(self) -> List[int]:
        """The cells of which nothing shows that their next event is beyond the range."""
        if "time" not in self.to:
            return []
        found = []
        for cell in sorted(self.stretches.keys() | self.beside.keys()):
            beside = self.beside.get(cell, {})
            if cell in self.stretches:
                closed = beside.get(self.stretches[cell][1] + 1, "") > self.to["time"]
            else:
                closed = any(
                    moment > self.to["time"] and (at == 1 or at - 1 in beside)
                    for at, moment in beside.items()
                )
            if not closed:
                found.append(cell)
        return found


# The whole.

MANIFEST_KEYS = {
    "cells": dict, "checkpoint": int, "counts": dict, "files": list, "filter": dict,
    "format": str, "range": dict,
}  # fmt: skip


def sizes_of(names: List[str]) -> List[int]:
    """The sizes of the checkpoints, once the files are those of a bundle, in their order."""
    middle = names[len(FIRST) : -len(LAST)]
    found = [re.fullmatch(r"checkpoints/(0|[1-9][0-9]{0,18})\.txt", name) for name in middle]
    sizes = [int(match[1]) for match in found if match is not None]
    if names != FIRST + middle + LAST or len(sizes) != len(middle):
        bad("files that no bundle has, or not in their order")
    if sizes != sorted(set(sizes)) or not 0 < len(sizes) <= CHECKPOINTS_MAX:
        bad("files that no bundle has, or not in their order")
    return sizes


def check_consistency(archive: Archive, notes: List[Note]) -> None:
    name = "consistency.ndjson"
    lines = archive.small(name).splitlines(True)
    if len(lines) != len(notes) - 1:
        bad(name + ": not one line from each checkpoint to the next")
    for at, line in enumerate(lines):
        old, new = notes[at], notes[at + 1]
        said = line_of(line, name, {"from": int, "hashes": list, "to": int})
        hashes = [hash_of(one, name) for one in said["hashes"]]
        if (said["from"], said["to"]) != (old.size, new.size) or not grew(old, new, hashes):
            bad(f"the tree of {new.size} did not grow from that of {old.size}")


def hash_of(text: Any, file: str) -> bytes:
    found = base64_of(text) if type(text) is str else b""
    if len(found) != 32:
        bad(file + ": something that is no hash")
    return found


def reckon(archive: Archive, manifest: Dict[str, Any], tree: Note) -> Reckoning:
    """Go through records, proof and events together."""
    reckoning = Reckoning(manifest)
    proof, events = archive.lines("proof.txt"), map(Event, archive.lines("events.ndjson"))
    trail = hashlib.sha256(TRAIL_HEAD)

    def hidden() -> bytes:
        return hash_of(text_of(next(proof, b"\n")[:-1], "proof.txt"), "proof.txt")

    def shown() -> Iterator[Tuple[int, bytes]]:
        event = next(events, None)
        for line in archive.lines("records.ndjson"):
            match = RECORD.fullmatch(line)
            if match is None:
                bad("records.ndjson: a line that is no record")
            record = json_of(match[2], "records.ndjson", RECORD_KEYS)
            found = None
            if event is not None and event.place == (record["cell"], record["position"]):
                found, event = event, next(events, None)
            if reckoning.take(record, found) and found is not None:
                trail.update(trail_row(record, found))
            yield int(match[1]), leaf_hash(match[2])
        if event is not None:
            bad(f"{event.place[0]}-{event.place[1]}: an event without a record")

    if root_with(shown(), tree.size, hidden) != tree.root:
        bad("the records are not what was signed")
    if next(proof, None) is not None:
        bad("proof.txt: more hashes than the proof has")
    if trail.hexdigest() != archive.digests["trail.csv"][1]:
        bad("trail.csv: not what the events say")
    reckoning.end()
    return reckoning


def destroyed_keys(archive: Archive, keys: set[str]) -> int:
    before, count = "", 0
    for line in archive.lines("erased.ndjson"):
        said = line_of(line, "erased.ndjson", {"class": str, "destroyed_at": str, "key": str})
        if said["class"] not in CLASSES or not TIME.fullmatch(said["destroyed_at"]):
            bad("erased.ndjson: not what a bundle has there")
        if said["key"] <= before or said["key"] not in keys:
            bad("erased.ndjson: a key that nothing here is sealed under")
        before, count = said["key"], count + 1
    return count


def verify(archive: Archive, key: Optional[Key], witnesses: List[Key]) -> List[str]:
    """What there is to say of a bundle that holds."""
    sizes = sizes_of(list(archive.places))
    manifest = line_of(archive.small("manifest.json"), "manifest.json", MANIFEST_KEYS)
    said = line_of(archive.small("keys.json"), "keys.json", {"log": str, "witnesses": list})
    log = Key(said["log"], LOG)
    if key is not None and key.vkey != log.vkey:
        bad("keys.json: names another key of the log than was given")
    notes = []
    for size in sizes:
        name = f"checkpoints/{size}.txt"
        note = Note(archive.small(name), name)
        if (note.size, note.origin) != (size, log.name):
            bad(name + ": of another tree than it is named for")
        if not note.signed_by(log):
            bad(name + ": not signed by " + log.name)
        notes.append(note)
    check_consistency(archive, notes)
    if manifest["checkpoint"] not in sizes:
        bad("the checkpoint of the proof is not there")
    at = sizes.index(manifest["checkpoint"])
    reckoning = reckon(archive, manifest, notes[at])
    destroyed = destroyed_keys(archive, reckoning.keys)
    stretches = sorted(reckoning.stretches.items())
    found = {
        "cells": {str(cell): [first, last] for cell, (first, last, _) in stretches},
        "checkpoint": manifest["checkpoint"],
        "counts": {
            "destroyed_keys": destroyed,
            "events": reckoning.events,
            "keys": len(reckoning.keys),
            "records": reckoning.records,
            "rule_sets": len(reckoning.unasked),
        },
        "files": [
            {"bytes": size, "name": name, "sha256": sha256}
            for name, (size, sha256) in archive.digests.items()
            if name != "manifest.json"
        ],
        "filter": manifest["filter"],
        "format": FORMAT,
        "range": manifest["range"],
    }
    if spelled(found) != spelled(manifest):
        bad("manifest.json: says what is not so")
    known = witnesses or [Key(hint(one), WITNESS) for one in said["witnesses"]]
    names = {one.name for one in known for note in notes[at:] if note.signed_by(one)}
    for one in witnesses:
        if one.name not in names:
            bad("not signed by " + one.name)
    return verdict(found, reckoning, log, key is not None, sorted(names))


def hint(vkey: Any) -> str:
    if type(vkey) is not str:
        bad("keys.json: not what a bundle has there")
    return vkey


def verdict(
    found: Dict[str, Any], reckoning: Reckoning, log: Key, trusted: bool, witnesses: List[str]
) -> List[str]:
    """To whom it is evidence, of what, and what of it is only said."""
    lines = [
        f"holds: {reckoning.events:,} events and {reckoning.records:,} records are in the tree of"
        f" {found['checkpoint']:,} leaves of {log.name}",
        "signed by the key that was given"
        if trusted
        else "signed by the key in the bundle, which proves no more than that:"
        " give the log's key, known from elsewhere (--key)",
    ]
    lines += ["witnessed by " + name for name in witnesses]
    lines.append(f"range: after {bound_text(reckoning.since)}, until {bound_text(reckoning.to)}")
    for cell, (first, last) in found["cells"].items():
        lines.append(f"cell {cell}: {first:,} to {last:,}, without a gap")
    for cell in reckoning.idle_cells():
        lines.append(f"cell {cell}: nothing in the range")
    lines.append("of cells that are not named here nothing is said")
    chosen = "kind " + reckoning.kind
    chosen += "" if reckoning.owner is None else ", owner " + reckoning.owner
    chosen += "" if reckoning.stream is None else ", stream " + reckoning.stream
    lines.append("events: " + chosen + "; every one of the range is there")
    if reckoning.owner is not None and not reckoning.tags_in:
        lines.append("only said: that no more events of the range are of this owner")
    if reckoning.kind != "all" and reckoning.others:
        lines.append("not of that kind: " + ", ".join(sorted(reckoning.others)))
    if reckoning.untagged:
        lines.append(
            f"only said: that {reckoning.untagged:,} records without an owner's tag are not of"
            " this owner"
        )
    if reckoning.open_cells():
        cells = ", ".join(map(str, reckoning.open_cells()))
        lines.append("only said: that nothing is left out at the end of cells " + cells)
    counts = found["counts"]
    lines.append(
        f"sealed under {counts['keys']:,} keys, of which {counts['destroyed_keys']:,} are said"
        " to be destroyed"
    )
    return lines


def bound_text(bound: Any) -> str:
    if bound is None:
        return "the beginning"
    if "time" in bound:
        return str(bound["time"])
    return ",".join(f"{cell}-{at}" for cell, at in bound["positions"].items())


def main(arguments: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(description="Checks an evidence bundle of a Homezone.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", help="the log's verifier key, known from elsewhere")
    parser.add_argument(
        "--witness", action="append", default=[], help="a witness's, which must have signed"
    )
    given = parser.parse_args(arguments)
    try:
        key = None if given.key is None else Key(given.key.strip(), LOG)
        witnesses = [Key(one.strip(), WITNESS) for one in given.witness]
    except Bad as error:
        parser.error(str(error))
    try:
        with given.file.open("rb") as file:
            lines = verify(Archive(file), key, witnesses)
    except OSError as error:
        print(f"{given.file} cannot be read: {error.strerror}", file=sys.stderr)
        return 2
    except Bad as error:
        print(f"does not hold: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
