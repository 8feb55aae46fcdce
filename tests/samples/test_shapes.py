"""
What a release allowed an event to hold, every later one reads, and reads as what it was.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
import pytest

from domain.event import Event
from domain.sealed import Sealed
from tests.samples.shapes import current, released, shape_of, shrunk


@pytest.mark.parametrize("tag", released())
def test_a_released_event_may_hold_what_it_could(tag: str) -> None:
    assert list(shrunk(released()[tag], current().get(tag, {}))) == []


def test_every_shape_is_kept() -> None:
    assert released() == current(), "make docs keeps what is new"


class Inner(msgspec.Struct, frozen=True, tag="inner"):
    """Something within."""

    many: tuple[int, ...] = ()


class Was(Event, frozen=True, tag="test.was.v1"):
    """As it was released."""

    text: Sealed[str]
    choice: Literal["a", "b"]
    by_name: Mapping[str, int]
    inner: Inner | None = None
    count: int = 0
    usual: bool = False


USUAL = {"inner": None, "count": 0, "usual": False}


def _changed(**fields: Any) -> list[str]:
    """What shrank when fields are otherwise: a type, a type and what is usual, None for gone."""
    kept = {
        name: (hint, USUAL[name]) if name in USUAL else hint
        for name, hint in Was.__annotations__.items()
    }
    every = [
        (name, *how) if isinstance(how, tuple) else (name, how)
        for name, how in {**kept, **fields}.items()
        if how is not None
    ]
    new = msgspec.defstruct("New", sorted(every, key=len), bases=(Event,), frozen=True)
    return list(shrunk(shape_of(Was), shape_of(new)))


class Grown(msgspec.Struct, frozen=True, tag="inner"):
    """The same with more in it."""

    many: tuple[int | str, ...] = ()
    more: int = 0


class Renamed(msgspec.Struct, frozen=True, tag="other"):
    """The same under another tag."""

    many: tuple[int, ...] = ()


class Narrowed(msgspec.Struct, frozen=True, tag="inner"):
    """The same with less in it."""

    many: tuple[bool, ...] = ()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"choice": Literal["a", "b", "c"]},
        {"choice": str},
        {"more": (int, 7)},
        {"count": (int | None, 0)},
        {"inner": (Grown | None, None)},
        {"inner": (Inner | Renamed | None, None)},
    ],
)
def test_a_shape_may_grow(fields: dict[str, Any]) -> None:
    assert _changed(**fields) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"count": None}, "count is gone"),
        ({"choice": Literal["a"]}, "choice may no longer be =b"),
        ({"more": int}, "more is needed"),
        ({"usual": (bool, True)}, "usual, left out, means something else"),
        ({"usual": bool}, "usual, left out, means something else"),
        ({"count": (str, "")}, "count may no longer be int"),
        ({"count": (Annotated[int, msgspec.Meta(ge=1)], 0)}, "count may no longer be int"),
        ({"text": str}, "text may no longer be sealed"),
        ({"by_name": Mapping[str, str]}, "by_name may no longer be"),
        ({"inner": (Inner, Inner())}, "inner may no longer be none"),
        ({"inner": (Renamed | None, None)}, "inner may no longer be"),
        ({"inner": (Narrowed | None, None)}, "inner may no longer be"),
    ],
)
def test_a_shape_never_shrinks(fields: dict[str, Any], said: str) -> None:
    assert said in "; ".join(_changed(**fields))
