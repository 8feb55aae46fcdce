"""
The page of events says what the types say, and of what is sealed what commands really do.
"""

from collections.abc import Iterator
from uuid import UUID

import msgspec
import pytest

from adapters.vault.memory import MemoryKeyVault
from domain.catalogue import EVENTS
from domain.event import type_of
from domain.sealed import KeyClass, Sealed
from tests.docs import events
from tests.simulation.history import Plan
from tests.simulation.run import Journal, live

PLAN = Plan(
    members=4, moves=200, rounds=2, clients=4, cells=4,
    moderation=0.3, money=0.4, gifts=0.3, pages=0.4,
)  # fmt: skip


def test_the_page_is_as_new_as_the_types() -> None:
    assert events.PAGE.read_text(encoding="utf-8") == events.page(), "make docs"


def test_every_tag_says_since_when_it_is_known() -> None:
    known = msgspec.json.decode(events.SINCE.read_bytes())
    assert known == events.since(), "make docs"
    assert set(known) == set(EVENTS.types), "a released tag stays"


def test_every_sealed_field_has_its_class_and_nothing_else_has() -> None:
    sealing = {
        shape.__name__
        for kind in EVENTS.types.values()
        for shape in events.shapes_of(kind)
        if any(events.is_sealed(hint) for _, hint in events.fields_of(shape))
    }
    assert sealing == set(events.SEALED_UNDER)


def _sealed(value: object, of: str = "") -> Iterator[tuple[str, Sealed[str]]]:
    """What is sealed in an event, each with the name of the Struct that it is a field of."""
    match value:
        case Sealed():
            yield of, value
        case msgspec.Struct():
            for name in value.__struct_fields__:
                yield from _sealed(getattr(value, name), type(value).__name__)
        case dict():
            for inner in value.values():
                yield from _sealed(inner, of)
        case tuple() | list() | frozenset():
            for inner in value:
                yield from _sealed(inner, of)
        case _:
            return


def test_the_classes_are_those_that_commands_seal_under(monkeypatch: pytest.MonkeyPatch) -> None:
    under: dict[bytes, KeyClass] = {}
    seal = MemoryKeyVault.seal

    async def watched(
        vault: MemoryKeyVault,
        subject: UUID,
        key_class: KeyClass,
        plain: str,
        item: UUID | None = None,
    ) -> Sealed[str]:
        sealed = await seal(vault, subject, key_class, plain, item)
        under[sealed.envelope] = key_class
        return sealed

    monkeypatch.setattr(MemoryKeyVault, "seal", watched)
    journal = Journal()
    live(3, PLAN, journal=journal)
    found: dict[str, set[KeyClass]] = {}
    for recorded in journal.events:
        for name, sealed in _sealed(recorded.event):
            found.setdefault(name, set()).add(under[sealed.envelope])
    assert {name: {events.SEALED_UNDER[name]} for name in found} == found
    assert set(KeyClass) == {one for classes in found.values() for one in classes}


def test_a_shape_s_fields_are_told_with_all_there_is_to_know() -> None:
    page = events.page()
    assert "| `text` | text | content |" in page
    assert "| `real_name` | text | identity |" in page
    assert "| `audience` | [Public](#public) or [Friends](#friends)" in page
    assert all(f"### `{type_of(kind)}`" in page for kind in EVENTS.types.values())
