"""
What an evidence bundle is made of: the names of its files, and how each writes what it holds.

A bundle is for somebody who has no database and no reason to believe whoever made it. Every line
has one spelling, so that the same range always gives the same bytes, and so that two programs that
check one cannot read it differently.
"""

import re
from typing import Annotated, Final, NamedTuple, TypeAlias

import msgspec

from domain.evidence.questions import Filter, Span
from domain.evidence.records import DigestRecord
from domain.sealed import KeyClass

FORMAT: Final = "homezone-evidence/1"

README: Final = "README.txt"
VERIFIER: Final = "verify.py"
KEYS: Final = "keys.json"
CONSISTENCY: Final = "consistency.ndjson"
RECORDS: Final = "records.ndjson"
PROOF: Final = "proof.txt"
EVENTS: Final = "events.ndjson"
TRAIL: Final = "trail.csv"
ERASED: Final = "erased.ndjson"
MANIFEST: Final = "manifest.json"

#: Before the range, for its proof, and signed by a witness.
CHECKPOINTS_MAX: Final = 3
#: Of a file that is read at once.
SMALL_BYTES_MAX: Final = 1 << 20


class BadBundle(Exception):
    """A bundle that does not hold; the message says where, and what is wrong."""


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file, its length, and its SHA-256 in hexadecimal."""

    bytes: int
    name: str
    sha256: str


class Counts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    :param destroyed_keys: of ``keys``, those that nobody has any longer.
    :param events: of which the stored bytes are there.
    :param keys: under which something in these is sealed.
    :param records: of the range and at its edges.
    :param rule_sets: of ``events``, those outside the filter that decisions refer to.
    """

    destroyed_keys: int
    events: int
    keys: int
    records: int
    rule_sets: int


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What a bundle says of itself; whoever checks one works all of it out again.

    :param cells: the first and the last position of each cell in the range.
    :param checkpoint: the size of the tree that everything is proved to be in.
    """

    cells: dict[str, tuple[int, int]]
    checkpoint: int
    counts: Counts
    files: tuple[File, ...]
    filter: Filter
    format: str
    range: Span


class PublicKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Verifier keys: the log's, and those of witnesses known to whoever made the bundle."""

    log: str
    witnesses: tuple[str, ...]


class Grew(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """That one checkpoint's tree grew from another's, by size; hashes in base64."""

    since: int
    hashes: tuple[str, ...]
    to: int


Time: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$")
]


class DestroyedKey(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"kind": "class"}
):
    """What was sealed under this key cannot be read any longer, since then."""

    kind: KeyClass
    destroyed_at: Time
    key: str


class BundledEvent(NamedTuple):
    """
    An event's stored bytes, and the ids that its record has as a digest.

    :param context: the ids of actor, owner, command, correlation and, if any, causation.
    :param ids: the same as text; empty where nothing caused it.
    """

    cell: int
    position: int
    context: bytes
    ids: tuple[str, str, str, str, str]
    data: bytes

    @classmethod
    def of(cls, cell: int, position: int, context: bytes, data: bytes) -> "BundledEvent":
        """From what is stored."""
        whole = context.hex()
        ids = (_id(whole, 0), _id(whole, 32), _id(whole, 64), _id(whole, 96))
        return cls(cell, position, context, (*ids, _id(whole, 128) if whole[128:] else ""), data)

    @property
    def owner(self) -> str:
        """Whose it is."""
        return self.ids[1]

    @property
    def line(self) -> bytes:
        """As ``events.ndjson`` has it."""
        actor, owner, command, correlation, causation = self.ids
        caused = f'"{causation}"' if causation else "null"
        head = (
            f'{{"position":"{self.cell}-{self.position}","actor":"{actor}","owner":"{owner}",'
            f'"command":"{command}","correlation":"{correlation}","causation":{caused},"data":'
        )
        return b"".join((head.encode(), self.data, b"}\n"))


encode: Final = msgspec.json.Encoder(order="deterministic").encode

_ID: Final = rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NUMBER: Final = rb"(0|[1-9][0-9]{0,18})"
_EVENT: Final = re.compile(
    rb'\{"position":"' + _NUMBER + rb"-" + _NUMBER + rb'","actor":"(' + _ID
    + rb')","owner":"(' + _ID + rb')","command":"(' + _ID + rb')","correlation":"(' + _ID
    + rb')","causation":(?:null|"(' + _ID + rb')"),"data":([^\n]*)\}\n'
)  # fmt: skip
_RECORD: Final = re.compile(rb'\{"leaf":' + _NUMBER + rb',"record":(.*)\}\n')
_SEALED: Final = re.compile(rb'\{"sealed":"([A-Za-z0-9+/]{4,}={0,2})"\}')
_SET: Final = re.compile(
    rb'\{"name":("(?:[^"\\]|\\.)*"),"version":([1-9][0-9]{0,18}),"hash":"([0-9a-f]{64})"\}'
)
_RULES: Final = re.compile(
    rb'\{"type":"rules\.published\.v[0-9]+","name":("(?:[^"\\]|\\.)*"),'
    rb'"version":([1-9][0-9]{0,18}),"hash":"([0-9a-f]{64})","rules":(.*)\}'
)

#: A rule set as decisions name it: its name in JSON, its version, its content's hash.
SetName: TypeAlias = tuple[bytes, bytes, bytes]


def checkpoint_name(size: int) -> str:
    """The file of the checkpoint of a tree of that size."""
    return f"checkpoints/{size}.txt"


def record_line(leaf: int, record: bytes) -> bytes:
    """A line of ``records.ndjson``."""
    return b'{"leaf":%d,"record":%s}\n' % (leaf, record)


def parse_record_line(line: bytes) -> tuple[int, bytes]:
    """
    The leaf's index, and the record's bytes.

    :raises BadBundle: it is no such line.
    """
    match = _RECORD.fullmatch(line)
    if match is None:
        raise BadBundle(f"{RECORDS}: a line that is no record")
    return int(match[1]), match[2]


def parse_event_line(line: bytes) -> BundledEvent:
    """
    :raises BadBundle: it is no such line.
    """
    match = _EVENT.fullmatch(line)
    if match is None:
        raise BadBundle(f"{EVENTS}: a line that is no event")
    cell, position, *ids, data = match.groups(b"")
    actor, owner, command, correlation, causation = map(bytes.decode, ids)
    context = bytes.fromhex(b"".join(ids).replace(b"-", b"").decode())
    texts = (actor, owner, command, correlation, causation)
    return BundledEvent(int(cell), int(position), context, texts, data)


def key_ids(data: bytes) -> list[str]:
    """The starts, in base64, of what is sealed in an event's bytes: they hold the keys' ids."""
    return [one[:24].decode() for one in _SEALED.findall(data)]


def rule_sets_named(data: bytes) -> list[SetName]:
    """The rule sets that an event was decided under."""
    return _SET.findall(data) if b'"hash":"' in data else []


def rule_set_published(data: bytes) -> tuple[SetName, bytes] | None:
    """The rule set that an event published, and its content; None for any other event."""
    match = _RULES.fullmatch(data)
    return None if match is None else ((match[1], match[2], match[3]), match[4])


TRAIL_HEAD: Final = (
    b"cell,position,recorded_at,type,stream,version,"
    b"owner,actor,command,correlation,causation,data\r\n"
)
#: What a spreadsheet would take for a formula, or swallow before one.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_QUOTED: Final = re.compile('[,"\r\n]')


def trail_row(record: DigestRecord, event: BundledEvent) -> bytes:
    """
    A row of ``trail.csv`` (RFC 4180). What is sealed is said to be, and no cell is a formula.
    """
    actor, owner, command, correlation, causation = event.ids
    cells = (
        f"{record.cell},{record.position},{record.recorded_at},{_cell(record.type)},"
        f"{record.stream},{record.version},{owner},{actor},{command},{correlation},{causation},"
        f"{_cell(shown_data(event))}\r\n"
    )
    return cells.encode()


def shown_data(event: BundledEvent) -> str:
    """An event's stored JSON for tables: what is sealed is said to be."""
    return _SEALED.sub(b'{"sealed":true}', event.data).decode(errors="replace")


def _cell(text: str) -> str:
    if text.startswith(_FORMULA):
        text = f"'{text}"
    if _QUOTED.search(text) is not None:
        return '"' + text.replace('"', '""') + '"'
    return text


def _id(ids: str, at: int) -> str:
    one = ids[at : at + 32]
    return f"{one[:8]}-{one[8:12]}-{one[12:16]}-{one[16:20]}-{one[20:]}"
