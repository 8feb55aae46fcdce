"""
The allow list: exact, and good for what lies wholly inside.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.screening.given import compiled, phrases, rule, spans

ALLOWED = [
    ("in it", "the Zorblat Institute is open", []),
    ("twice", "Zorblat Institute, Zorblat Institute", []),
    ("beside it", "zorblat at the Zorblat Institute", ["zorblat"]),
    ("in small letters", "the zorblat institute", ["zorblat"]),
    ("in full width", "the Ｚorblat Institute", ["Ｚorblat"]),
    ("with something in it that takes no room", "the Zor\u200bblat Institute", ["Zor\u200bblat"]),
    ("only begun", "the Zorblat Institut", ["Zorblat"]),
]


@pytest.mark.parametrize(
    ("text", "found"), [row[1:] for row in ALLOWED], ids=[row[0] for row in ALLOWED]
)
def test_an_allowed_word(text: str, found: list[str]) -> None:
    assert spans(phrases("zorblat", allow=("Zorblat Institute",)), text) == found


def test_a_hit_that_reaches_out_of_the_allowed_word_stays() -> None:
    matcher = phrases("青瓷", "瓷风筝", allow=("青瓷风",))
    assert spans(matcher, "青瓷风筝") == ["瓷风筝"]


def test_entries_that_overlap() -> None:
    matcher = phrases("瓷风", allow=("青瓷", "青瓷风筝坊", "风筝"))
    assert spans(matcher, "青瓷风筝坊") == []
    assert spans(matcher, "青瓷风筝") == ["瓷风"]


def test_it_is_for_every_kind_of_rule_of_its_set() -> None:
    quotation = "在很远的地方有一座会唱歌的山每天清晨都有人来听它唱歌"
    rules = (
        rule("regex", regex="zor.lat"),
        rule("all", all_of=("zorblat", "青瓷")),
        rule("passage", passage=quotation),
        rule("sound", phrase="青瓷风筝坊"),
    )
    text = f"zorblat 青瓷 {quotation} 清词锋争访"
    matcher, other = compiled(*rules, allow=("zorblat", quotation, "清词锋争访")), compiled(*rules)
    assert spans(matcher, text) == []
    assert len(spans(other, text)) == 5


def test_all_of_takes_the_next_place_where_one_is_excused() -> None:
    matcher = compiled(rule(all_of=("zorblat", "青瓷")), allow=("青瓷馆",))
    assert spans(matcher, "zorblat 青瓷馆") == []
    assert spans(matcher, "zorblat 青瓷馆 青瓷") == ["zorblat", "青瓷"]


def test_an_allowed_word_that_is_no_text_harms_nobody() -> None:
    matcher = phrases("zorblat", allow=("zorblat\ud800",))
    assert spans(matcher, "zorblat \ud800") == ["zorblat"]


@given(
    st.lists(st.text("青瓷风筝", min_size=1, max_size=4), max_size=4),
    st.text("青瓷风筝坊 ", max_size=30),
)
def test_exactly_what_lies_inside_is_excused(allow: list[str], text: str) -> None:
    """Against a definition in one line; five are few enough not to meet the limit."""
    text = text[:6]
    entries = [one for one in allow if one.strip()]
    found = phrases("瓷风", "风").hits
    excused = phrases("瓷风", "风", allow=tuple(entries)).hits
    from tests.adapters.screening.given import MATCHER

    texts = [MATCHER.normalise("text", text)]
    covered = [
        (at, at + len(entry))
        for entry in entries
        for at in range(len(text))
        if text.startswith(entry, at)
    ]
    assert sorted(map(repr, excused(texts, 0))) == sorted(
        repr(hit)
        for hit in found(texts, 0)
        if not any(start <= hit.start and hit.end <= end for start, end in covered)
    )
