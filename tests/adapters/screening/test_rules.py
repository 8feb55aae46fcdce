"""
Rule sets: which are refused, and what of those that are not is found when.
"""

import msgspec
import pytest

from adapters.screening.checking import PHRASE_MAX
from adapters.screening.expressions import LENGTH_MAX, PER_SET_MAX
from adapters.screening.findings import PER_RULE_MAX
from adapters.screening.passages import LONGEST, SHORTEST
from commands.ports import BadRule, Matcher
from domain.rules import Match, Rule, RuleSet
from domain.screening import HITS_MAX, gravest_first, outcome_of
from tests.adapters.screening.given import MATCHER, compiled, phrases, rule, spans

GOOD = rule("good", phrase="zorblat")
HAN = "".join(chr(0x4E00 + 5 * at) for at in range(LONGEST + 1))

BAD = [
    (rule(phrase=""), "phrase", "nothing is left"),
    (rule(phrase=" …\u200b😀"), "phrase", "nothing is left"),
    (rule(phrase="c++"), "phrase", "one letter"),
    (rule(phrase="7"), "phrase", "one letter or digit"),
    (rule(phrase=HAN[: PHRASE_MAX + 1]), "phrase", "at most 100"),
    (rule(all_of=()), "all_of", "1 to 16"),
    (rule(all_of=("a b",) * 17), "all_of", "1 to 16"),
    (rule(all_of=("zorblat", "!")), "all_of/1", "nothing is left"),
    (rule(passage=HAN[: SHORTEST - 1]), "passage", "24 to 4000"),
    (rule(passage=HAN[: SHORTEST - 1] + "，。 😀"), "passage", "24 to 4000"),
    (rule(passage=HAN), "passage", "24 to 4000"),
    (rule(passage="瓷" * 200), "passage", "repeats itself"),
    (rule(regex=""), "regex", "1 to 1000"),
    (rule(regex="z" * (LENGTH_MAX + 1)), "regex", "1 to 1000"),
    (rule(regex="zor[blat"), "regex", "missing ]"),
    (rule(regex="(?=zor)blat"), "regex", "invalid perl operator"),
    (rule(regex=r"(zor)\1"), "regex", "invalid escape"),
    (rule(regex="z*"), "regex", "where there is nothing"),
    (rule(regex=r"\b"), "regex", "where there is nothing"),
    (rule(regex="^|zorblat"), "regex", "where there is nothing"),
    (rule(regex="z{900}z{900}"), "regex", "too large"),
    (rule(regex="(z{1000}){1000}"), "regex", "repetition"),
    (rule(regex="風筝"), "regex", "write '风'"),
    (rule(regex="zorblaté"), "regex", "write 'e'"),
    (rule(regex="zor\u200bblat"), "regex", "leave it out"),
    (rule(regex="zor\ud800"), "regex", "does not occur"),
    (rule(image="0" * 63), "image", "64 hexadecimal"),
    (rule(image="g" * 64), "image", "64 hexadecimal"),
    (rule(image=""), "image", "64 hexadecimal"),
    (rule(), "", "exactly one kind"),
    (rule(phrase="zorblat", regex="zorblat"), "", "exactly one kind"),
]


@pytest.mark.parametrize(("bad", "field", "reason"), BAD)
def test_a_bad_match_refuses_the_set_and_is_named(bad: Rule, field: str, reason: str) -> None:
    rules = RuleSet((GOOD, bad))
    with pytest.raises(BadRule, match=reason) as refused:
        MATCHER.compile("set", rules)
    assert refused.value.rule == "r"
    assert refused.value.field == "/rules/1/match" + (f"/{field}" if field else "")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": "  "}, "id"),
        ({"id": "x" * 101}, "id"),
        ({"id": "good"}, "id"),
        ({"category": ""}, "category"),
        ({"category": "x" * 101}, "category"),
        ({"from_level": -1}, "from_level"),
        ({"from_level": 4}, "from_level"),
    ],
)
def test_the_rest_of_a_bad_rule(changes: dict[str, object], field: str) -> None:
    bad = msgspec.structs.replace(rule(phrase="青瓷"), **changes)
    with pytest.raises(BadRule) as refused:
        compiled(GOOD, bad)
    assert refused.value.field == f"/rules/1/{field}"
    assert refused.value.rule == bad.id


@pytest.mark.parametrize("entry", ["", "  \n"])
def test_an_empty_word_is_not_allowed(entry: str) -> None:
    with pytest.raises(BadRule) as refused:
        compiled(GOOD, allow=("fine", entry))
    assert refused.value.field == "/allow/1"


def test_expressions_are_counted_and_weighed_together() -> None:
    few = [rule(str(at), regex=f"zorblat{at}") for at in range(PER_SET_MAX)]
    compiled(*few)
    with pytest.raises(BadRule, match="at most 100 expressions"):
        compiled(*few, rule(regex="one more"))
    heavy = [rule(str(at), regex=f"z{{900}}{at}") for at in range(12)]
    with pytest.raises(BadRule, match="10000 instructions") as refused:
        compiled(*heavy)
    assert refused.value.field == "/rules/11/match/regex"


def test_an_empty_set_finds_nothing() -> None:
    assert spans(compiled(), "zorblat 青瓷") == []


def test_a_hit_says_all_that_the_rule_does() -> None:
    matcher = compiled(Rule("r-1", Match(phrase="zorblat"), "private_view", "nonsense"))
    texts = [MATCHER.normalise("title", "青瓷"), MATCHER.normalise("text", "a zorblat")]
    (hit,) = matcher.hits(texts, 0)
    assert (hit.set, hit.rule, hit.category, hit.action) == (
        "set", "r-1", "nonsense", "private_view",
    )  # fmt: skip
    assert (hit.field, hit.start, hit.end, hit.by_sound) == ("text", 2, 9, False)


def test_a_rule_counts_from_its_level_on() -> None:
    matcher = compiled(
        rule("0", phrase="zorblat"),
        rule("2", from_level=2, phrase="zorblat"),
        rule("3", from_level=3, regex="zor.lat"),
    )
    for level, known in ((0, {"0"}), (1, {"0"}), (2, {"0", "2"}), (3, {"0", "2", "3"})):
        hits = matcher.hits([MATCHER.normalise("text", "zorblat")], level)
        assert {hit.rule for hit in hits} == known


def test_two_rules_may_look_for_the_same() -> None:
    matcher = compiled(
        rule("a", "flag", phrase="Zorblat"),
        rule("b", "block", phrase="zörblat"),
        rule("c", "hold", all_of=("zorblat",)),
    )
    hits = matcher.hits([MATCHER.normalise("text", "zorblat")], 0)
    assert {(hit.rule, hit.action) for hit in hits} == {
        ("a", "flag"),
        ("b", "block"),
        ("c", "hold"),
    }


def test_all_of_needs_all_and_shows_each_where_it_is_first() -> None:
    matcher = compiled(rule(all_of=("zorblat", "青瓷", "free orb")))
    assert spans(matcher, "青瓷 and zorblat") == []
    assert spans(matcher, "zorblats 青瓷 free orb") == []
    text = "FREE-ORB! 青-瓷, 青瓷 and z.o.r.b.l.a.t, zorblat"
    assert spans(matcher, text) == ["FREE-ORB", "青-瓷", "z.o.r.b.l.a.t"]


def _of_several(matcher: Matcher, **texts: str) -> list[tuple[str, str]]:
    """What is found in the texts of one thing, by field."""
    hits = matcher.hits([MATCHER.normalise(field, text) for field, text in texts.items()], 0)
    return [(hit.field, texts[hit.field][hit.start : hit.end]) for hit in hits]


def test_all_of_is_of_a_thing_and_not_of_one_of_its_texts() -> None:
    matcher = compiled(rule(all_of=("zorblat", "青瓷", "free orb")), allow=("free orbs",))
    apart = _of_several(matcher, title="zorblat 青瓷", text="山 free orb, zorblat")
    assert apart == [("title", "zorblat"), ("title", "青瓷"), ("text", "free orb")]
    assert _of_several(matcher, title="zorblat", text="free orb") == []
    assert _of_several(matcher, title="zorblat 青瓷", text="free orbs") == []


def test_a_phrase_does_not_go_on_in_another_text() -> None:
    matcher = phrases("青瓷风筝", "free orb")
    assert _of_several(matcher, title="青瓷", text="风筝") == []
    assert _of_several(matcher, title="free", text="orb") == []
    assert _of_several(matcher, title="青瓷风筝", text="free orb") == [
        ("title", "青瓷风筝"),
        ("text", "free orb"),
    ]


def test_a_part_in_common_brings_up_no_rule_that_lacks_another() -> None:
    words = [chr(0x5E00 + at) + chr(0x6E00 + at) for at in range(500)]
    matcher = compiled(*(rule(word, all_of=("青瓷", word)) for word in words))
    assert spans(matcher, "青瓷" * 1_000) == []
    assert spans(matcher, f"{words[7]}青瓷") == [words[7], "青瓷"]


def test_all_of_sees_through_look_alikes() -> None:
    assert spans(compiled(rule(all_of=("zorblat", "coco"))), "zоrblat coсo") == ["zоrblat", "coсo"]


def test_images_match_no_text() -> None:
    digits = "0123456789abcdef" * 4
    assert spans(compiled(rule(image=digits)), f"zorblat {digits}") == []


def test_of_one_rule_a_handful_is_enough() -> None:
    text = "青瓷" * 1_000
    assert len(spans(phrases("青瓷"), text)) == PER_RULE_MAX
    assert len(spans(compiled(rule(regex="青.")), text)) == PER_RULE_MAX


def test_nobody_hides_a_grave_word_behind_many_mild_ones() -> None:
    words = [chr(0x4E00 + at) + chr(0x5E00 + at) for at in range(500)]
    matcher = compiled(
        *(rule(f"mild {at}", "flag", phrase=word) for at, word in enumerate(words)),
        rule("grave", "block", phrase="zorblat"),
    )
    hits = matcher.hits([MATCHER.normalise("text", "，".join(words) * 3 + " zorblat")], 0)
    assert len(hits) == HITS_MAX + 1
    assert gravest_first(hits)[0].rule == "grave"
    assert outcome_of(gravest_first(hits)) == "refused"


def test_the_first_that_are_kept_are_those_that_the_log_would_keep() -> None:
    words = sorted(chr(0x4E00 + at) + chr(0x5E00 + at) for at in range(80))
    rules = [rule(word, "hold", phrase=word) for word in words]
    text = MATCHER.normalise("text", "，".join(words))
    one_by_one = [hit for one in rules for hit in compiled(one).hits([text], 0)]
    assert gravest_first(compiled(*rules).hits([text], 0)) == gravest_first(one_by_one)
