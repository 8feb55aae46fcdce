"""
Where a phrase counts and where it is a part of something innocent.
"""

import pytest

from tests.adapters.screening.given import phrases, spans

WORDS = [
    ("orb", "an orb", ["orb"]),
    ("orb", "zorblat", []),
    ("orb", "orbs", []),
    ("orb", "absorb", []),
    ("orb", "doctor barely", []),
    ("orb", "for best", []),
    ("orb", "or b", []),
    ("orb", "o r b", ["o r b"]),
    ("orb", "(orb)", ["orb"]),
    ("orb", "the-orb-shop", ["orb"]),
    ("orb", "www.orb.example", ["orb"]),
    ("orb", "an_orb", ["orb"]),
    ("orb", "orb7", ["orb"]),
    ("orb", "7orb", ["orb"]),
    ("orb", "买orb吧", ["orb"]),
    ("orb", "z\u200borb", []),
    ("orb", "o\u0301rb", ["o\u0301rb"]),
    ("orb", "orb\u0301s", []),
    ("orb", "жorb", []),
    ("orb", "orbж", []),
    ("orb", "or😀b", ["or😀b"]),
    ("orb", "z😀orb", ["orb"]),
    ("orb", "orb orb, ORB", ["orb", "orb", "ORB"]),
    ("theorbist", "the orbist", []),
    ("theorbist", "the-orbist", ["the-orbist"]),
    ("theorbist", "t h e o r b i s t", ["t h e o r b i s t"]),
    ("theorbist", "th eo rb is t", []),
    ("theorbist", "t h e or b i s t", ["t h e or b i s t"]),
    ("free zorblat", "Free   ZORBLAT!", ["Free   ZORBLAT"]),
    ("free zorblat", "free\nzorblat", ["free\nzorblat"]),
    ("free zorblat", "freezorblat", ["freezorblat"]),
    ("free zorblat", "free, zorblat", ["free, zorblat"]),
    ("free zorblat", "fr eezorblat", []),
    ("free zorblat", "freezorblats", []),
    ("free zorblat", "carefree zorblat", []),
    ("free zorblat", "f r e e z o r b l a t", ["f r e e z o r b l a t"]),
    ("4711", "4711", ["4711"]),
    ("4711", "№4711元", ["4711"]),
    ("4711", "a4711b", ["4711"]),
    ("4711", "14711", []),
    ("4711", "47110", []),
    ("4711", "47-11", ["47-11"]),
    ("4711", "47 11", []),
    ("4711", "4 7 1 1", ["4 7 1 1"]),
    ("4711", "④⑦①①", ["④⑦①①"]),
    ("买zorblat", "我买 zorblat", ["买 zorblat"]),
    ("买zorblat", "我买zorblats", []),
    ("青瓷", "我的青瓷器", ["青瓷"]),
    ("青瓷", "青a瓷", []),
    ("瓷", "瓷瓷", ["瓷", "瓷"]),
    ("瓷瓷", "瓷瓷瓷", ["瓷瓷", "瓷瓷"]),
]


@pytest.mark.parametrize(("phrase", "text", "found"), WORDS)
def test_words(phrase: str, text: str, found: list[str]) -> None:
    assert spans(phrases(phrase), text) == found


def test_phrases_within_phrases_are_all_found() -> None:
    matcher = phrases("青瓷", "瓷风", "青瓷风筝", "风筝坊", "筝")
    assert spans(matcher, "青瓷风筝坊") == ["青瓷", "青瓷风筝", "瓷风", "风筝坊", "筝"]


LOOK_ALIKES = [
    ("one letter of several", "zorblat", "zorblаt", True),
    ("all but one", "coco", "сосo", True),
    ("all of them, in Latin company", "coco", "buy сосо now", True),
    ("all of them, in Chinese company", "coco", "买сосо吧", True),
    ("all of them, in a text that is Russian", "coco", "кокосы сосо и ещё", False),
    ("mixed, in a text that is Russian", "coco", "кокосы соco и ещё", True),
    ("a Russian word that is no Latin one", "cop", "сорт", False),
    ("a part of a Russian word", "cop", "сорочка", False),
    ("all of them, in Greek", "tovk", "τουκ", False),
    ("Greek capitals", "tokyo", "ΤΟΚΥΟ", True),
    ("a digit between", "co2", "со2", True),
]


@pytest.mark.parametrize(
    ("phrase", "text", "caught"),
    [row[1:] for row in LOOK_ALIKES],
    ids=[row[0] for row in LOOK_ALIKES],
)
def test_look_alikes(phrase: str, text: str, caught: bool) -> None:
    assert bool(spans(phrases(phrase), text)) is caught


def test_a_phrase_in_cyrillic_is_found_in_cyrillic() -> None:
    matcher = phrases("жужалка", "сосо")
    assert spans(matcher, "Жужалка СОСО") == ["Жужалка", "СОСО"]
    assert spans(matcher, "coco") == []


def test_a_phrase_that_mixes_scripts_is_read_as_latin() -> None:
    matcher = phrases("zоrblat")
    assert spans(matcher, "zorblat zоrblаt") == ["zorblat", "zоrblаt"]
