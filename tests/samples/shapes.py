"""
The shape of every type of event as it was when it was last released, in ``shapes.json``.

A sample shows one value of each field. A shape shows all that a field may hold: one that a release
allowed is in somebody's log. So a shape may grow (a field with a usual value, one more value of a
choice) and never shrink. ``make docs`` adds what is new, and refuses what shrank.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from msgspec import inspect

from domain.catalogue import EVENTS
from domain.sealed import Sealed

FILE = Path(__file__).parent / "shapes.json"

#: What a field may hold, each in its own form: a word; or what a container holds, or a Struct has.
Form: TypeAlias = str | dict[str, Any]
Shape: TypeAlias = dict[str, Any]

_CONSTRAINTS = ("gt", "ge", "lt", "le", "multiple_of", "pattern", "min_length", "max_length")


def shape_of(kind: type[msgspec.Struct]) -> Shape:
    """Fields by name: what each may hold, and what it holds when it is left out."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return _fields(info)


def current() -> dict[str, Shape]:
    """The shapes of all types, by tag."""
    return {tag: shape_of(EVENTS.types[tag]) for tag in sorted(EVENTS.types)}


def released() -> dict[str, Shape]:
    """Those that were stored."""
    found: dict[str, Shape] = msgspec.json.decode(FILE.read_bytes()) if FILE.exists() else {}
    return found


def shrunk(old: Shape, new: Shape, at: str = "") -> Iterator[str]:
    """What was allowed and is no longer, or means something else: each in a line."""
    for name, was in old.items():
        where = f"{at}.{name}" if at else name
        field = new.get(name)
        if field is None:
            yield f"{where} is gone"
            continue
        for form in was["is"]:
            if not any(_holds(form, other) for other in field["is"]):
                yield f"{where} may no longer be {_told(form)}"
        if "usually" in was and was["usually"] != field.get("usually", _REQUIRED):
            yield f"{where}, left out, means something else"
    for name in new.keys() - old.keys():
        if "usually" not in new[name]:
            yield f"{at}.{name} is needed, and older events have none".lstrip(".")


def write() -> None:
    """
    Keep what is new.

    :raises SystemExit: something shrank.
    """
    kept, now = released(), current()
    faults = [f"{tag}: {one}" for tag, old in kept.items() for one in shrunk(old, now.get(tag, {}))]
    if faults:
        raise SystemExit("a released event changed:\n" + "\n".join(faults))
    lines = [f"{_text(tag)}: {_text(shape)}" for tag, shape in sorted({**kept, **now}.items())]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


_REQUIRED = object()


def _fields(info: inspect.StructType) -> Shape:
    found: Shape = {}
    for field in info.fields:
        said: dict[str, Any] = {"is": _forms(field.type)}
        if not field.required:
            usual = field.default
            if field.default_factory is not msgspec.NODEFAULT:
                usual = field.default_factory()
            said["usually"] = msgspec.json.decode(msgspec.json.encode(usual))
        found[field.encode_name] = said
    return found


def _forms(kind: inspect.Type) -> list[Form]:
    match kind:
        case inspect.UnionType(types=types):
            return [form for one in types for form in _forms(one)]
        case inspect.LiteralType(values=values):
            return [f"={value}" for value in values]
        case inspect.EnumType(cls=cls):
            return [f"={one.value}" for one in cls]
        case inspect.StructType(cls=cls) if getattr(cls, "__origin__", cls) is Sealed:
            return ["sealed"]
        case inspect.StructType(tag=tag):
            return [{"struct": "" if tag is None else str(tag), "fields": _fields(kind)}]
        case inspect.DictType(key_type=key, value_type=value):
            return [{"map": _forms(value), "by": _forms(key)}]
        case inspect.TupleType(item_types=items):
            return [{"places": [_forms(one) for one in items]}]
        case inspect.CollectionType(item_type=item):
            return [{"list": _forms(item)}]
        case _:
            bounds = {name: getattr(kind, name, None) for name in _CONSTRAINTS}
            given = "".join(
                f" {name}={value}" for name, value in bounds.items() if value is not None
            )
            return [type(kind).__name__.removesuffix("Type").lower() + given]


def _holds(old: Form, new: Form) -> bool:
    """Whether all that was of the one form is of the other."""
    if isinstance(old, str) or isinstance(new, str):
        return old == new or (isinstance(old, str) and old[0] == "=" and new == "str")
    match old, new:
        case {"struct": was, "fields": before}, {"struct": tag, "fields": after}:
            return bool(was == tag) and not any(shrunk(before, after))
        case {"list": before}, {"list": after}:
            return _all_hold(before, after)
        case {"map": before, "by": keys}, {"map": after, "by": others}:
            return _all_hold(before, after) and _all_hold(keys, others)
        case {"places": before}, {"places": after}:
            return len(before) == len(after) and all(map(_all_hold, before, after))
        case _:
            return False


def _all_hold(old: list[Form], new: list[Form]) -> bool:
    return all(any(_holds(one, other) for other in new) for one in old)


def _told(form: Form) -> str:
    return form if isinstance(form, str) else _text(form)


def _text(value: str | Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
