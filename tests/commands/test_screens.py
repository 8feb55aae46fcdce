"""
Where texts are matched: at once, or aside, so that whoever else is served does not wait.
"""

import asyncio
import weakref
from collections.abc import Callable
from typing import Any, cast

import pytest

from adapters.screening import RuleMatcher
from adapters.working_days import ChineseCalendar
from commands.ports import EventLog
from commands.screening import Screens
from domain.rulebook import Screen
from domain.rules import Match, Rule, RuleSet
from domain.screening import SetVersion

VERSION = SetVersion("ward", 1, "0" * 64)
PHRASE = Rule("p", Match(phrase="zorblat"), "hold", "nonsense")
HARD = Rule("x", Match(regex="(?:[ab]{0,49}){9}c"), "hold", "nonsense")


@pytest.mark.parametrize(
    ("rules", "length", "aside"),
    [
        ((PHRASE,), 2_000, False),
        ((PHRASE,), 2_001, True),
        ((PHRASE, HARD), 140, False),
        ((PHRASE, HARD), 1_000, True),
    ],
)
def test_what_may_take_long_is_matched_aside(
    rules: tuple[Rule, ...], length: int, aside: bool
) -> None:
    went: list[Callable[..., Any]] = []

    async def beside(work: Callable[..., Any], *arguments: Any) -> Any:
        went.append(work)
        return work(*arguments)

    async def screened() -> int:
        words = RuleMatcher()
        screens = Screens(cast(EventLog, None), words, ChineseCalendar(), beside)
        screens.keep(VERSION, words.compile("ward", RuleSet(rules)))
        text = "zorblat " + "a" * (length - 8)
        found = await screens.screen(Screen(1, 0, (VERSION,)), {"text": text})
        assert found is not None
        return len(found.hits)

    assert asyncio.run(screened()) == 1
    assert bool(went) is aside


def test_versions_that_no_cell_has_any_more_are_let_go() -> None:
    """A large set takes tens of megabytes, and is published again and again."""
    words = RuleMatcher()
    screens = Screens(cast(EventLog, None), words, ChineseCalendar())
    kept = []
    for version in range(1, 5):
        matcher = words.compile("ward", RuleSet((PHRASE,)))
        screens.keep(SetVersion("ward", version, f"{version:064}"), matcher)
        screens.keep(SetVersion("other", version, "0" * 64), words.compile("other", RuleSet(())))
        kept.append(weakref.ref(matcher))
        del matcher
    assert [one() is not None for one in kept] == [False, False, True, True]
