"""
Whatever was ever written is read for ever.
"""

import gc
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from domain.catalogue import AGGREGATES_BY_TYPE, EVENTS
from domain.event import Event, Registry, type_of
from domain.rulebook import RulesPublished
from domain.rules import packed, unpacked
from tests.samples.stored import PATHS, STORED, sample, tag_of


@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
def test_a_stored_event_decodes_for_ever(path: Path) -> None:
    event = sample(path.stem)
    assert type(event) in AGGREGATES_BY_TYPE, "lifted to a type that some aggregate folds"
    if type_of(event) == tag_of(path):
        # Nothing was lost or renamed on the way: it would be stored again as it was.
        assert EVENTS.encode(event) == STORED[path.stem]


@pytest.mark.parametrize("name", STORED)
def test_nobody_looks_for_cycles_through_an_event(name: str) -> None:
    """Tens of thousands are held; a collection that looked at them would keep everybody waiting."""
    assert not gc.is_tracked(sample(name))


def test_a_stored_rule_set_unpacks_for_ever() -> None:
    event = sample("rules.published.v1")
    assert isinstance(event, RulesPublished)
    first, second = unpacked(event.rules).rules
    assert (first.match.phrase, second.match.all_of) == ("zorblat", ("zor", "blat"))
    assert packed(unpacked(event.rules)) == event.rules, "it was canonical"


def test_every_type_ever_released_has_a_sample() -> None:
    missing = set(EVENTS.types) - {tag_of(path) for path in PATHS}
    assert not missing, f"store one event of each under tests/samples/events: {sorted(missing)}"


def test_no_released_type_has_left_the_registry() -> None:
    assert {tag_of(path) for path in PATHS} <= set(EVENTS.types)


@pytest.mark.parametrize("tag", EVENTS.types)
def test_every_field_of_an_event_was_stored_once(tag: str) -> None:
    """A field that no sample holds could be renamed without a test noticing."""
    stored: set[str] = set()
    for path in PATHS:
        if tag_of(path) == tag:
            stored |= set(msgspec.json.decode(STORED[path.stem]))
    fields = msgspec.structs.fields(EVENTS.types[tag])
    assert {field.encode_name for field in fields} <= stored


def test_tags_are_noun_verb_and_version() -> None:
    for tag in EVENTS.types:
        noun, verb, version = tag.split(".")
        assert noun.isidentifier()
        assert verb.isidentifier()
        assert version[0] == "v"
        assert version[1:].isdigit()


@pytest.mark.parametrize("tag", EVENTS.types)
def test_versions_have_no_gap_and_an_old_one_is_lifted_to_the_newest(tag: str) -> None:
    name, _, number = tag.rpartition(".v")
    versions = {int(one.rpartition(".v")[2]) for one in EVENTS.types if one.startswith(f"{name}.v")}
    assert versions == set(range(1, max(versions) + 1)), "each has its Struct and its samples"
    lifted = {type_of(sample(path.stem)) for path in PATHS if tag_of(path) == tag}
    assert lifted == {f"{name}.v{max(versions)}"}, f"version {number} is lifted"


def _plain(value: object, under: str = "") -> Iterator[tuple[str, str]]:
    """All texts of a stored event that are not sealed, each with the field it stands in."""
    match value:
        case {"sealed": str()}:
            return
        case dict():
            for name, inner in value.items():
                yield from _plain(inner, name)
        case list():
            for inner in value:
                yield from _plain(inner, under)
        case str():
            yield under, value
        case _:
            return


@pytest.mark.parametrize("name", STORED)
def test_a_sample_tells_of_nobody(name: str) -> None:
    """
    Outside its sealed fields a stored event has ids, times and words of ours; no number that
    somebody has, no address, and no words in any script but those of the mall's made-up goods.
    """
    for field, text in _plain(msgspec.json.decode(STORED[name])):
        assert re.search(r"(?<![0-9a-f.-])[0-9]{5,11}(?![0-9a-f-])", text) is None, field
        assert "@" not in text, field
        assert text.isascii() or (field == "title" and text in ("雪夜", "月夜")), field


class Greeted(Event, frozen=True, tag="test.greeted.v1"):
    """How it was first stored."""

    whom: str


class GreetedAt(Event, frozen=True, tag="test.greeted.v2"):
    """How it is now."""

    name: str
    hour: int


class GreetedIn(Event, frozen=True, tag="test.greeted.v3"):
    """How it is since."""

    name: str
    hour: int
    language: str


def test_an_old_shape_is_lifted_to_its_newest() -> None:
    lifts: dict[type[Event], object] = {
        Greeted: lambda old: GreetedAt(old.whom, 12),
        GreetedAt: lambda old: GreetedIn(old.name, old.hour, "zh"),
    }
    registry = Registry([Greeted | GreetedAt | GreetedIn], lifts)  # type: ignore[arg-type]
    stored = registry.encode(Greeted("world"))
    assert stored == b'{"type":"test.greeted.v1","whom":"world"}'
    assert registry.decode("test.greeted.v1", stored) == GreetedIn("world", 12, "zh")


def test_a_tag_is_given_once() -> None:
    class Copy(Event, frozen=True, tag="test.greeted.v1"):
        pass

    with pytest.raises(ValueError, match="share a tag"):
        Registry([Greeted | Copy], {})


def test_what_was_never_released_is_not_guessed_at() -> None:
    with pytest.raises(KeyError):
        EVENTS.decode("post.imagined.v1", b"{}")
    with pytest.raises(msgspec.ValidationError):
        EVENTS.decode("post.deleted.v1", b'{"type":"post.deleted.v1"}')
