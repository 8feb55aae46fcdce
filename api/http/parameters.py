"""
What a request carries beside its body: path parameters and headers, by kind.

Each kind is declared once, with how it is read and what its schema is, so that validation and the
OpenAPI document cannot disagree.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from api.http import positions
from api.http.problems import bad_parameter, not_found
from domain.evidence.tiles import TilePlace, parse_path

QQ_MAX = 99_999_999_999
QQ_MIN = 10_000

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_QQ = re.compile(r"[1-9][0-9]{4,10}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_POSITION = re.compile(positions.ONE, re.ASCII)
_PATH_PART = re.compile(r"\{(\w+)(?::(\w+))?\}")
_KEY = re.compile(r"[\x20-\x7e]{1,255}", re.ASCII)
_EVENT_ID = re.compile(r"[\x21-\x7e]{1,512}", re.ASCII)
_PURPOSE_PATTERN = r"^[^\x00-\x20\x7f-\xa0]([^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0])?$"
_PURPOSE = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,500}")

Reader = Callable[[str], Any]


class Kind(msgspec.Struct, frozen=True):
    """A kind of path parameter. ``read`` raises ValueError for what cannot exist."""

    read: Reader
    schema: Mapping[str, Any]
    #: Whether it spans slashes.
    wide: bool = False


def _matching(pattern: re.Pattern[str], convert: Reader) -> Reader:
    def read(text: str) -> Any:
        if pattern.fullmatch(text) is None:
            raise ValueError
        return convert(text)

    return read


def _tile(text: str) -> TilePlace:
    place = parse_path(text)
    if place is None or place.level is None:
        raise ValueError
    return place


def _bundle(text: str) -> TilePlace:
    place = parse_path(f"entries/{text}")
    if place is None:
        raise ValueError
    return place


KINDS = {
    "uuid": Kind(_matching(_UUID, UUID), {"type": "string", "format": "uuid"}),
    "qq": Kind(_matching(_QQ, int), {"type": "integer", "minimum": QQ_MIN, "maximum": QQ_MAX}),
    "name": Kind(
        _matching(_NAME, str),
        {"type": "string", "pattern": f"^{_NAME.pattern}$", "maxLength": 64},
    ),
    "position": Kind(
        _matching(_POSITION, str),
        {"type": "string", "pattern": f"^{_POSITION.pattern}$", "examples": ["0-123"]},
    ),
    "month": Kind(
        _matching(re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII), str),
        {"type": "string", "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])$", "examples": ["2026-11"]},
    ),
    "tile": Kind(
        _tile,
        {"type": "string", "examples": ["0/000", "0/x001/234.p/5"]},
        wide=True,
    ),
    "bundle": Kind(
        _bundle,
        {"type": "string", "examples": ["000", "x001/234.p/5"]},
        wide=True,
    ),
    "number": Kind(
        _matching(re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII), int),
        {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
    ),
}
#: Path parameters whose kind goes without saying.
_USUAL = {"id": "uuid", "qq": "qq", "name": "name", "position": "position"}


def path_kinds(template: str) -> tuple[str, dict[str, Kind]]:
    """``/v1/spaces/{qq}`` and the kinds from ``/v1/spaces/{qq:qq}`` or its short form."""
    kinds: dict[str, Kind] = {}
    for name, kind in _PATH_PART.findall(template):
        kinds[name] = KINDS[kind or _USUAL[name]]
    return _PATH_PART.sub(r"{\1}", template), kinds


def read_path(kinds: Mapping[str, Kind], given: Mapping[str, str]) -> dict[str, Any]:
    """
    The typed path parameters.

    :raises ProblemError: 404: what has an impossible name does not exist.
    """
    try:
        return {name: kind.read(given[name]) for name, kind in kinds.items()}
    except ValueError:
        raise not_found() from None


def stated_purpose(text: str) -> str:
    """
    What sealed fields are opened for.

    :raises ValueError: it says nothing, or not in 1 to 500 printable characters.
    """
    # Bytes that are no UTF-8 arrive as surrogates: they are Latin-1, as headers used to be.
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "surrogateescape").decode("latin-1")
    if _PURPOSE.fullmatch(text) is None:
        raise ValueError
    return text


class Header(msgspec.Struct, frozen=True):
    """A header of requests. ``read`` raises ValueError when it does not follow its format."""

    name: str
    read: Reader
    schema: Mapping[str, Any]
    meaning: str

    def parse(self, text: str) -> Any:
        """
        :raises ProblemError: 400 that names the header.
        """
        try:
            return self.read(text)
        except ValueError:
            raise bad_parameter(self.name, "does not follow its format") from None


IDEMPOTENCY_KEY = Header(
    "Idempotency-Key",
    _matching(_KEY, str),
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    "Names this write, so that a retry is done once: 1 to 255 printable ASCII characters.",
)
AT_LEAST = Header(
    "Homezone-At-Least",
    positions.parse_positions,
    {"type": "string", "pattern": positions.PATTERN, "examples": ["0-123"]},
    "Answer from read models at least this fresh, or 504 after 5 seconds.",
)
PURPOSE = Header(
    "Homezone-Purpose",
    stated_purpose,
    {"type": "string", "minLength": 1, "maxLength": 500, "pattern": _PURPOSE_PATTERN},
    "Why staff open what is sealed; it is recorded.",
)
REQUEST = Header(
    "Homezone-Request",
    KINDS["uuid"].read,
    KINDS["uuid"].schema,
    "The request of an authority for which staff open what is sealed; it is recorded.",
)
LAST_EVENT_ID = Header(
    "Last-Event-ID",
    _matching(_EVENT_ID, str),
    {"type": "string", "minLength": 1, "maxLength": 512, "pattern": "^[!-~]+$"},
    "The id of the last stream item received: the stream goes on after it.",
)
#: Parsed by :class:`api.http.conditions.IfMatch`; here for the OpenAPI document.
IF_MATCH = Header(
    "If-Match",
    str,
    {
        "type": "string",
        "pattern": r'^(\*|(W/)?"[!#-~]{0,64}"(, ?(W/)?"[!#-~]{0,64}"){0,9})$',
        "examples": ['"12"'],
    },
    "Make the change only if this is still the version (412 otherwise).",
)
IF_NONE_MATCH = Header(
    "If-None-Match",
    str,
    {"type": "string", "examples": ['"12"']},
    "The version you have: 304 if it is still the one.",
)
