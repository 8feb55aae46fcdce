"""
Texts and sets that were made for each other, and what becomes of them: they are held, after as many
steps as their length allows. Steps are counted, so that this is the same on a machine of any speed.
"""

import pytest

from adapters.screening.automaton import Automaton
from adapters.screening.matcher import CompiledSet
from adapters.screening.passages import SHARED_MAX
from adapters.screening.text import Text
from adapters.screening.work import BASE, PER_CHARACTER, Spent, Work
from benchmarks.hostile import CASES, LENGTH
from commands.ports import BadRule
from domain.rules import RuleSet
from domain.screening import Hit, gravest_first, outcome_of
from tests.adapters.screening.given import MATCHER, compiled, phrases, rule, spans

ALLOWED = BASE + PER_CHARACTER * LENGTH
#: What one call of the automaton may bring beyond what is left, and half of an unfolded text.
OVERSHOOT = 2 * 16_384 + 18 * LENGTH // 2

FINISHED = {
    "an ordinary text against 50,000 phrases",
    "50,000 all_of with one part in common, that part",
    "50,000 phrases of one sound, in other characters",
    "99 nested words across a gap of 19,900",
    "99 nested words, emoji between letters",
    "100 nested phrases before 19,900 marks",
    "50,000 phrases, look-alikes only",
    "expressions at their bound, each state at once",
}


class Counted(Work):
    """Work that says afterwards how many steps were asked for."""

    def __init__(self, characters: int) -> None:
        super().__init__(characters)
        self.allowed = self.left

    @property
    def taken(self) -> int:
        return self.allowed - self.left


@pytest.mark.parametrize("name", CASES)
def test_what_is_hardest_is_held_after_as_many_steps_as_its_length_allows(name: str) -> None:
    rules, text = CASES[name]()
    counted: list[Counted] = []

    def allowance(characters: int) -> Counted:
        counted.append(Counted(characters))
        return counted[-1]

    hits = CompiledSet("set", rules).hits([Text("text", text)], 0, allowance)
    broken = [hit for hit in hits if hit.unfinished]
    assert counted[0].allowed == ALLOWED
    assert counted[0].taken <= ALLOWED + OVERSHOOT
    if name in FINISHED:
        assert broken == []
        assert counted[0].taken <= ALLOWED
    else:
        assert broken == [
            Hit("set", "", "unfinished", "hold", "text", 0, LENGTH, unfinished=True),
        ]
        assert outcome_of(gravest_first(hits)) == "held"


def test_an_ordinary_text_takes_a_small_part_of_it() -> None:
    rules, text = CASES["an ordinary text against 50,000 phrases"]()
    work = Counted(LENGTH)
    CompiledSet("set", rules).hits([Text("text", text)], 0, lambda _: work)
    assert work.taken < work.allowed / 10


def test_what_is_not_finished_is_held_whatever_the_rules_ask_for() -> None:
    words = ["a" * length for length in range(2, 101)]
    for action in ("flag", "private_view", "hold", "block"):
        matcher = compiled(*(rule(word, action, phrase=word) for word in words))
        hits = matcher.hits([MATCHER.normalise("text", "aaa " * (LENGTH // 4) + "b")], 0)
        unfinished = [hit for hit in hits if hit.unfinished]
        assert len(unfinished) == 1
        assert outcome_of(tuple(unfinished)) == "held"


def test_the_other_texts_of_a_thing_are_looked_through_all_the_same() -> None:
    matcher = compiled(
        *(rule("a" * length, phrase="a" * length) for length in range(2, 101)),
        rule("title", phrase="zorblat"),
    )
    hard = MATCHER.normalise("text", "aaa " * (LENGTH // 4))
    title = MATCHER.normalise("title", "zorblat")
    for texts in ([hard, title], [title, hard]):
        hits = matcher.hits(texts, 0)
        assert {(hit.field, hit.unfinished) for hit in hits} >= {("text", True), ("title", False)}


def test_sounds_are_listened_for_to_the_end_or_the_text_is_held() -> None:
    """Phrases that begin alike are compared one by one; none is passed over in silence."""
    beginnings = [f"一一一{chr(0x4E00 + at)}山" for at in range(3_000)]
    matcher = phrases(*beginnings, "青瓷风筝坊")
    hits = matcher.hits([MATCHER.normalise("text", "翼" * 2_000 + "清词锋争访")], 0)
    assert [hit.unfinished for hit in hits] == [True]
    few = phrases(*beginnings[:3], "青瓷风筝坊")
    assert spans(few, "翼" * 2_000 + "清词锋争访") == ["清词锋争访"]


BEGINNING = "".join(chr(0x4E00 + 7 * at) for at in range(80))


def _ending(at: int, length: int = 80) -> str:
    return "".join(chr(0x5E00 + length * at + one) for one in range(length))


def test_what_many_passages_begin_with_tells_none_of_them() -> None:
    matcher = compiled(
        *(rule(f"p{at}", passage=BEGINNING + _ending(at, 120)) for at in range(SHARED_MAX + 1))
    )
    assert spans(matcher, BEGINNING * 3) == []
    for at in (0, SHARED_MAX):
        text = BEGINNING + _ending(at, 120)
        changed = text[:100] + "水" + text[101:150] + text[151:]
        hits = matcher.hits([MATCHER.normalise("text", changed)], 0)
        assert [(hit.rule, hit.start) for hit in hits] == [(f"p{at}", 0)]


def test_passages_that_say_the_same_but_for_their_ends_are_refused_with_the_first_of_them() -> None:
    alike = [rule(f"p{at}", passage=BEGINNING + _ending(at, 40)) for at in range(SHARED_MAX + 1)]
    assert len(spans(compiled(*alike[:-1]), BEGINNING + _ending(3, 40))) == 1
    with pytest.raises(BadRule) as refused:
        MATCHER.compile("set", RuleSet(tuple(alike)))
    assert refused.value.rule == "p0"
    assert refused.value.field == "/rules/0/match/passage"
    assert "begins like too many others" in refused.value.reason


def test_an_automaton_brings_no_more_than_a_call_may() -> None:
    nested = Automaton(["瓷" * length for length in range(1, 101)])
    work = Counted(1)
    with pytest.raises(Spent):
        list(nested.matches("瓷" * LENGTH, work))
    assert work.taken <= work.allowed + OVERSHOOT
