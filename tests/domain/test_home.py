"""
Home pages: what is named changes, and for whom a section is.
"""

from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from domain.audience import Relation
from domain.event import Refused
from domain.home import (
    HOME,
    SECTIONS,
    For,
    Home,
    HomeChanged,
    HomeNamesRefused,
    Writers,
    change,
    check_writer,
    may_write,
    open_to,
)
from domain.screening import Screening
from tests.domain.given import given
from tests.domain.people import ANNA, sealed

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
SELF, FRIEND, STRANGER = Relation(is_author=True), Relation(friends=True), Relation()
BLOCKED = Relation(friends=True, blocked=True)
NAME = sealed("碎碎念")


def changed(home: Home) -> HomeChanged:
    return HomeChanged(ANNA, home, NOON)


def test_what_is_named_changes_and_the_rest_stays() -> None:
    named = changed(Home({"posts": NAME}))
    given(HOME).when(change, ANNA, {"posts": NAME}, {}, None, NOON).then(named)
    both = changed(Home({"posts": NAME}, {"visitors": "friends"}, "nobody"))
    shut: dict[Any, For] = {"visitors": "friends"}
    given(HOME, named).when(change, ANNA, {}, shut, "nobody", NOON).then(both)
    restored = changed(Home({}, {"visitors": "friends"}, "nobody"))
    given(HOME, both).when(change, ANNA, {"posts": None}, {}, None, NOON).then(restored)


def test_what_is_so_already_is_not_done_again() -> None:
    given(HOME).when(
        change, ANNA, {"posts": None}, {"posts": "public"}, "public", NOON
    ).then_nothing()
    shut = changed(Home({}, {"posts": "only_me"}))
    given(HOME, shut).when(change, ANNA, {}, {"posts": "only_me"}, None, NOON).then_nothing()
    given(HOME, shut).when(change, ANNA, {}, {"posts": "public"}, None, NOON).then(changed(Home()))


def test_an_attempt_that_was_not_taken_changes_nothing() -> None:
    refused = HomeNamesRefused(ANNA, {"posts": NAME}, Screening(1, 0, (), "1", ()))
    assert given(HOME, refused).state == given(HOME).state


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_is_for_whom_it_is(section: Any) -> None:
    seen = {"public": (SELF, FRIEND, STRANGER), "friends": (SELF, FRIEND), "only_me": (SELF,)}
    for whom, relation in product(seen, (SELF, FRIEND, STRANGER, BLOCKED)):
        home = Home(privacy={section: whom})  # type: ignore[dict-item]
        assert open_to(home, section, relation) is (relation in seen[whom])
    assert open_to(Home(), section, STRANGER)


@pytest.mark.parametrize(
    ("writers", "relation", "problem"),
    [
        ("public", STRANGER, None),
        ("friends", FRIEND, None),
        ("friends", STRANGER, "board-for-friends"),
        ("friends", SELF, None),
        ("nobody", FRIEND, "board-closed"),
        ("nobody", SELF, None),
    ],
)
def test_who_writes_on_a_board(writers: Writers, relation: Relation, problem: str | None) -> None:
    home = Home(writers=writers)
    assert may_write(home, relation) is (problem is None)
    if problem is None:
        check_writer(home, relation)
        return
    with pytest.raises(Refused) as refused:
        check_writer(home, relation)
    assert refused.value.problem == problem
