"""
The page of all events, ``docs/events.md``, made from their types: ``make docs`` writes it anew.

What the types cannot say stands here or beside the samples: under which class of key a field is
sealed (a test holds it against what commands really do), and since which release a tag is known.
"""

import inspect
import re
import tomllib
import types
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal, NewType, TypeAlias, Union, get_args, get_origin
from uuid import UUID

import msgspec

from domain.catalogue import AGGREGATES_BY_TYPE, EVENTS
from domain.event import Event, type_of
from domain.sealed import KeyClass, Sealed
from tests.samples import shapes

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "events.md"
#: Since which release each tag is known. Rows are added by ``make docs`` and never change.
SINCE = ROOT / "tests" / "samples" / "since.json"

_Class: TypeAlias = dict[KeyClass, tuple[str, ...]]

#: Under which class of key what a Struct seals is sealed; a Struct's fields are of one class.
_SEALED: _Class = {
    KeyClass.IDENTITY: (
        "Identity", "NicknameApproved", "NicknameChanged", "NicknameHeld", "NicknameRefused",
        "NicknameRestored", "NicknameWithdrawn",
    ),
    KeyClass.CONTENT: (
        "AlbumCreated", "AlbumHeld", "AlbumRefused", "AlbumRetitled", "AlbumTitleApproved",
        "AlbumTitleHeld", "CommentHeld", "CommentRefused", "CommentWritten", "Home",
        "HomeNamesRefused", "ListSaved", "MessageHeld", "MessageRefused", "MessageWritten",
        "PhotoWords", "Picture", "Poll", "PostContent", "SpaceCertified",
    ),
    KeyClass.MODERATION: (
        "AccountSuspended", "CaseAppealed", "CaseDeclined", "CaseEscalated", "CaseNoted",
        "CaseReported", "Decision", "LevelRaised", "MasterRotationBegun",
        "NotaryKeyAdded", "NotaryKeysRetired", "PastRead", "RecordsExported",
        "CaseReported", "Decision", "ErasureAsked", "LegalHoldPlaced", "LevelRaised",
        "PastRead", "RecordsExported",
        "RequestAnswered", "RequestReceived", "RequestRefused", "SanctionImposed", "SealedDataRead",
        "StrikeGiven", "TreeSetBack",
    ),
    KeyClass.BILLING: (
        "BonusGranted", "GuardianClaim", "OrderRefunded", "PaymentClaimed", "UnusedDaysRefunded",
    ),
}  # fmt: skip
SEALED_UNDER: Mapping[str, KeyClass] = {
    name: key_class for key_class, names in _SEALED.items() for name in names
}

_HEAD = """\
# Events

Every type of event there is, made from the types themselves by `make docs`; a test fails when this
page is older than they are. An event is stored as JSON with its tag first
(`{"type": "post.published.v1", …}`), fields that have their usual value left out;
`GET /v1/audit/events` shows it with its metadata as `data`. A tag, once released, is never renamed
or removed, and what was stored under it is read for ever: one of each, byte for byte, is kept under
`tests/samples/events`.

A **sealed** field is encrypted from its first event on, under a key of its member and of the class
that is named: `content`, `identity`, `moderation` or `billing`. Each class can be destroyed by
itself ([5](adr/0005-sealed-from-the-first-event.md)). It reads `{"sealed": true}`, and opens for a
stated purpose, which is recorded. Ids are UUIDs, moments are RFC 3339 in UTC.
"""

_PARAMETER = re.compile(r":param (\w+):")


def version() -> str:
    """The release that is being made."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def since() -> dict[str, str]:
    """Since which release each tag is known; a new one since the one that is being made."""
    known: dict[str, str] = msgspec.json.decode(SINCE.read_bytes()) if SINCE.exists() else {}
    return {tag: known.get(tag, version()) for tag in sorted({*known, *EVENTS.types})}


def current() -> set[str]:
    """The tags that events are stored under today: of each noun and verb the newest version."""
    newest = {tag.rpartition(".v")[0]: 0 for tag in EVENTS.types}
    for tag in EVENTS.types:
        name, _, number = tag.rpartition(".v")
        newest[name] = max(newest[name], int(number))
    return {f"{name}.v{number}" for name, number in newest.items()}


def shapes_of(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """The Structs that a type is made of, itself included, outermost first."""
    if isinstance(kind, NewType):
        return
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind is not Sealed:
        yield kind
        for _, hint in fields_of(kind):
            yield from shapes_of(hint)
    elif get_origin(kind) is not Sealed:
        for argument in get_args(kind):
            yield from shapes_of(argument)


def fields_of(kind: type[msgspec.Struct]) -> Iterator[tuple[msgspec.structs.FieldInfo, Any]]:
    """A Struct's fields, and the type of each as it was written, ids by their names."""
    hints = inspect.get_annotations(kind)
    for base in kind.__mro__[1:]:
        hints = {**inspect.get_annotations(base), **hints}
    for field in msgspec.structs.fields(kind):
        yield field, hints[field.name]


def is_sealed(kind: Any) -> bool:
    """Whether values of a type are sealed, themselves or what they are made of directly."""
    if get_origin(kind) is Sealed:
        return True
    return any(is_sealed(argument) for argument in get_args(kind))


def page() -> str:
    """The whole page."""
    known, parts = since(), [_HEAD]
    kinds: dict[str, list[type[Event]]] = {}
    for kind in EVENTS.types.values():
        kinds.setdefault(AGGREGATES_BY_TYPE[kind].name, []).append(kind)
    shapes: dict[str, type[msgspec.Struct]] = {}
    for name, events in kinds.items():
        parts.append(f"## Streams of kind {name}\n")
        for kind in events:
            parts.append("\n".join(_event(kind, known[type_of(kind)])))
            for shape in shapes_of(kind):
                if shape is not kind and shapes.setdefault(shape.__name__, shape) is not shape:
                    raise ValueError(f"two shapes are called {shape.__name__}")
    parts.append("## Shapes\n\nWhat events are made of.\n")
    parts += ["\n".join(_shape(shapes[name])) for name in sorted(shapes)]
    return "\n".join(parts)


def _event(kind: type[Event], first: str) -> Iterator[str]:
    yield f"### `{type_of(kind)}`\n"
    lifted = "" if type_of(kind) in current() else " Stored by older releases; read as its newest."
    yield f"{_meaning(kind)} Since {first}.{lifted}\n"
    yield from _table(kind)


def _shape(kind: type[msgspec.Struct]) -> Iterator[str]:
    yield f"### {kind.__name__}\n"
    tag = kind.__struct_config__.tag
    named = f" Its `{kind.__struct_config__.tag_field}` is `{tag}`." if tag is not None else ""
    yield f"{_meaning(kind)}{named}\n"
    yield from _table(kind)


def _meaning(kind: type) -> str:
    """A docstring as one paragraph, the names of fields as code."""
    told = " ".join((inspect.getdoc(kind) or "").split())
    told = _PARAMETER.sub(lambda found: f"`{found[1]}`:", told.replace("``", "`"))
    return re.sub(r":(?:class|func|mod|meth):`~?([^`]+)`", r"`\1`", told)


def _table(kind: type[msgspec.Struct]) -> Iterator[str]:
    fields = list(fields_of(kind))
    if not fields:
        return
    yield "| field | what | sealed |"
    yield "| --- | --- | --- |"
    for field, hint in fields:
        optional = "" if field.required else "; may be left out"
        sealed = SEALED_UNDER[kind.__name__].value if is_sealed(hint) else ""
        yield f"| `{field.encode_name}` | {described(hint)}{optional} | {sealed} |"
    yield ""


_PLAIN: Mapping[Any, str] = {
    str: "text", int: "integer", bool: "true or false", float: "number", bytes: "bytes, base64",
    UUID: "id", datetime: "moment", date: "day", type(None): "null", msgspec.Raw: "JSON",
}  # fmt: skip


def described(kind: Any) -> str:
    """A type in words."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, NewType):
        return f"id ({kind.__name__.removesuffix('Id').lower()})"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice(one.value for one in kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _choice(arguments)
    if origin is Sealed:
        return "text"
    if origin in (Union, types.UnionType):
        return " or ".join(described(one) for one in arguments)
    if origin is not None and issubclass(origin, Mapping):
        return f"{described(arguments[1])}, by {described(arguments[0])}"
    if origin is not None:
        return f"list of {described(arguments[0])}"
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    return str(getattr(kind, "__name__", kind)).lower()


def _choice(values: Iterable[object]) -> str:
    return " or ".join(f"`{value}`" for value in values)


def write() -> None:
    """Write the page, since when what is new is known, and its shape; not where one shrank."""
    shapes.write()
    SINCE.write_bytes(msgspec.json.format(msgspec.json.encode(since()), indent=1) + b"\n")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write()
