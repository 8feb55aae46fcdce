"""
Facts hold until an event changes them, and not a moment longer.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.album_events import AlbumEvent
from domain.comment import CommentEvent
from domain.event import Event, Recorded
from domain.ids import MemberId, PostId, StreamId, mint
from domain.like import LikeGiven
from domain.photo_events import PhotoEvent
from domain.post_events import PostDeleted
from projections.catalogue import READ_MODELS
from projections.reach import MessageChange
from projections.reading.statements import Statement
from projections.recall import home_loads, loads
from projections.recall.facts import Facts, Kind, Missing
from projections.recall.shapes import Member, Own, Said, Shelf, Standing
from projections.recall.touches import changed, touches
from projections.rows import Change, Patch
from tests.projections.recorded import NOON, recorded
from tests.samples.stored import STORED, sample

ANNA = MemberId(mint(1, 3, 1))
BELA = MemberId(mint(2, 5, 2))
POST = PostId(mint(3, 3, 3))

Expected = tuple[str, Any, bool, bool]


def expected(change: Change, happened: Recorded) -> Iterator[Expected]:
    """The facts that a changed row is part of: kind, key, at the commit, when it is fed."""
    key: Any = change.key
    match change.table.name:
        case "members":
            yield "members", key[1], True, False
        case "friendships" | "blocks" | "follows":
            yield "standings", key[1], True, False
            yield "standings", key[2], True, False
            yield "pairs", (key[1], key[2]), True, False
            yield "pairs", (key[2], key[1]), True, False
        case "list_members":
            # A list given with a post is named by that very event: nobody can have asked for it.
            if hasattr(happened.event, "list"):
                yield "listed", (key[1], key[2]), True, False
        case "gates":
            other = CommentEvent | MessageChange | AlbumEvent | PhotoEvent
            if not isinstance(happened.event, other):
                yield "posts", key[1], True, False
            yield from of_page(change, happened)
        case "counters":
            yield "posts", key[1], True, False
        case "waiting_comments":
            yield "own", (key[2], key[1]), True, False
        case "posts":
            yield "posts", key[1], False, True
            if not isinstance(change, Patch) or "published_at" in change.values:
                yield "shelves", happened.owner, False, True
        case "likes":
            yield "own", (key[2], key[1]), False, True
        case _:
            yield from of_page(change, happened)


def of_page(change: Change, happened: Recorded) -> Iterator[Expected]:
    """Those of a home page."""
    key: Any = change.key
    match change.table.name:
        case "homes":
            yield "pages", key[1], True, False
        case "gates" | "messages" if isinstance(happened.event, MessageChange):
            yield "pages", happened.event.space, True, False
        case "visit_counts" | "visit_days" | "visitors" | "removed_visitors":
            yield "visited", key[1], True, False
        case _:
            return


@pytest.mark.parametrize("name", STORED)
def test_what_changes_a_row_touches_the_facts_that_it_is_part_of(name: str) -> None:
    happened = recorded(sample(name))
    touched: dict[tuple[str, Any], tuple[bool, bool]] = {}
    for touch in touches(happened):
        touched[touch.kind, touch.key] = (touch.inline, touch.fed)
    wanted: dict[tuple[str, Any], tuple[bool, bool]] = {}
    for model in READ_MODELS:
        for change in model.rows(happened):
            for kind, key, inline, fed in expected(change, happened):
                before = wanted.get((kind, key), (False, False))
                wanted[kind, key] = (before[0] or inline, before[1] or fed)
    assert touched == wanted


def test_every_table_that_facts_are_made_of_is_followed() -> None:
    names = [*vars(loads).values(), *vars(home_loads).values()]
    statements = [one for one in names if isinstance(one, Statement)]
    tables = {name for one in statements for name in re.findall(r"models\.(\w+)", one.sql)}
    assert tables == {
        "members", "friendships", "blocks", "follows", "list_members", "gates", "counters",
        "posts", "likes", "waiting_comments", "homes", "messages", "visit_counts", "visit_days",
        "visitors", "removed_visitors",
    }  # fmt: skip


def member(nickname: bytes = b"n") -> Member:
    return Member(b"q", nickname, None, None, "active", NOON, 1, False)


def said(text: bytes = b"t") -> Said:
    return Said(
        ANNA, "shuoshuo", text, None, None, None, None, NOON, None, 3, 1, 1, True, "public", None,
        0, 0,
    )  # fmt: skip


def deleted(position: int) -> Recorded:
    happened = recorded(PostDeleted(author=ANNA), position)
    return Recorded(
        3, position, StreamId(POST), 2, NOON, ANNA, ANNA, happened.command, happened.command, None,
        happened.event,
    )  # fmt: skip


def fed(posts: int, likes: int = 0) -> dict[str, dict[int, int]]:
    return {"posts": {3: posts}, "likes": {5: likes}}


def keep(facts: Facts, kind: Kind[Any, Any], key: Any, fact: Any, cell: int = 3) -> None:
    facts.keep(kind, cell, key, fact, facts.asked())


def test_an_event_drops_what_it_changes_and_nothing_else() -> None:
    facts = Facts()
    keep(facts, facts.members, ANNA, member())
    keep(facts, facts.posts, POST, said())
    facts.take(changed(deleted(1)))
    assert facts.members.one(ANNA)
    with pytest.raises(Missing) as missing:
        facts.posts.one(POST)
    assert (missing.value.kind, missing.value.keys) == (facts.posts, [POST])


def test_what_was_touched_since_it_was_asked_for_is_not_kept() -> None:
    facts = Facts()
    facts.fed(fed(9))
    asked = facts.asked()
    facts.take(changed(deleted(1)))
    facts.keep(facts.posts, 3, POST, said(), asked)
    assert len(facts.posts) == 0
    keep(facts, facts.posts, POST, said())
    assert POST in facts.posts


def test_a_fed_row_stands_until_its_model_has_taken_the_event() -> None:
    facts = Facts()
    facts.fed(fed(3))
    shelf = Shelf(((NOON, POST, ANNA),), True)
    keep(facts, facts.shelves, ANNA, shelf)
    facts.take(changed(deleted(4)))
    facts.take(changed(deleted(6)))
    facts.fed(fed(3))
    assert facts.shelves.one(ANNA) is shelf
    # Loaded when the model had neither: it stands until the first of the two is there.
    asked = facts.asked()
    facts.fed(fed(5))
    assert len(facts.shelves) == 0
    facts.keep(facts.shelves, 3, ANNA, shelf, asked)
    assert len(facts.shelves) == 0
    keep(facts, facts.shelves, ANNA, shelf)
    facts.fed(fed(6))
    assert len(facts.shelves) == 0
    keep(facts, facts.shelves, ANNA, Shelf((), True))
    facts.fed(fed(9))
    assert facts.shelves.one(ANNA).posts == ()


def test_a_like_shows_once_the_model_of_likes_has_it() -> None:
    facts = Facts()
    like = LikeGiven(member=BELA, post=POST, post_author=ANNA)
    keep(facts, facts.own, (BELA, POST), Own(False, 0), cell=5)
    keep(facts, facts.posts, POST, said())
    facts.take(changed(recorded(like, 7)))
    assert len(facts.posts) == 0, "the counter counts at the commit"
    facts.fed(fed(posts=99, likes=6))
    assert facts.own.one((BELA, POST)) == Own(False, 0)
    facts.fed(fed(posts=99, likes=7))
    assert len(facts.own) == 0


def test_before_a_model_has_come_past_the_unknown_nothing_of_it_is_kept() -> None:
    facts = Facts()
    facts.start_over({3: 10, 5: 10})
    facts.fed(fed(9))
    keep(facts, facts.posts, POST, said())
    assert len(facts.posts) == 0
    facts.fed(fed(10))
    keep(facts, facts.posts, POST, said())
    assert len(facts.posts) == 1


def test_starting_over_forgets_all_and_what_is_being_loaded() -> None:
    facts = Facts()
    keep(facts, facts.members, ANNA, member())
    asked = facts.asked()
    facts.start_over({3: 10})
    facts.keep(facts.members, 3, BELA, member(), asked)
    assert len(facts.members) == 0


def test_what_is_touched_is_remembered_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no longer remembered counts as touched, so forgetting loses speed alone."""
    monkeypatch.setattr("projections.recall.facts._TOUCHED_MAX", 5)
    monkeypatch.setattr("projections.recall.facts._LATE_MAX", 8)
    facts = Facts()
    keep(facts, facts.members, ANNA, member())
    for position in range(1, 30):
        asked = facts.asked()
        facts.take(changed(deleted(position)))
        facts.keep(facts.posts, 3, POST, said(), asked)
        assert len(facts.posts) == 0
        assert len(facts._touched) <= 5
        assert facts._late_count <= 8


def test_the_oldest_make_room() -> None:
    facts = Facts(scale=10 / 20_000)
    for number in range(50):
        keep(facts, facts.members, UUID(int=number), member())
    assert [number for number in range(50) if UUID(int=number) in facts.members] == [*range(40, 50)]


def test_a_large_fact_takes_more_room() -> None:
    facts = Facts(scale=10 / 10_000)
    for number in range(20):
        keep(facts, facts.posts, UUID(int=number), said(b"x" * 4_000))
    assert facts.posts.weight == 10
    assert len(facts.posts) == 2
    facts = Facts(scale=30 / 60_000)
    for number in range(9):
        sources = tuple(UUID(int=one) for one in range(9))
        keep(facts, facts.standings, UUID(int=number), Standing(frozenset(), frozenset(), sources))
    assert len(facts.standings) == 3


def test_shelves_are_put_in_place_of_one_another() -> None:
    facts = Facts()
    at = NOON
    for _ in range(100):
        at += timedelta(seconds=1)
        keep(facts, facts.shelves, ANNA, Shelf(((at, POST, ANNA),), True))
    assert (len(facts.shelves), facts.shelves.weight) == (1, 2)


def test_an_event_that_nobody_knows_touches_nothing() -> None:
    class Unheard(Event, frozen=True, tag="test.unheard_of.v1"):
        pass

    happened = deleted(1)
    unheard = Recorded(
        3, 1, happened.stream, 1, NOON, ANNA, ANNA, happened.command, happened.command, None,
        Unheard(),
    )  # fmt: skip
    assert list(touches(unheard)) == []
