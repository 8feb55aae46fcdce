"""
Long quotations: found with a few changes, not for what they share with others.
"""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.screening.passages import SHORTEST, Passage, _distances, _positions
from tests.adapters.screening.given import compiled, rule, spans

PASSAGE = (
    "在很远很远的地方有一座会唱歌的山，每天清晨都有人走很长的路来听它唱歌。"
    "到了傍晚，风把歌声吹进青瓷的风筝里，孩子们便把线收起来，带着歌回家去了。"
)
ENGLISH = (
    "Far beyond the seventh hill there lived a zorblat who painted kites of blue porcelain, and"
    " every evening the children came to hear the songs that the wind had left in them."
)


def _changed(text: str, changes: int, seed: int) -> str:
    random, chars = Random(seed), list(text)
    for _ in range(changes):
        at = random.randrange(len(chars))
        match random.randrange(3):
            case 0:
                chars[at] = "山"
            case 1:
                del chars[at]
            case _:
                chars.insert(at, "水")
    return "".join(chars)


@pytest.mark.parametrize("passage", [PASSAGE, ENGLISH, PASSAGE * 9], ids=["zh", "en", "long"])
def test_as_it_is_within_other_words(passage: str) -> None:
    (found,) = spans(compiled(rule(passage=passage)), f"他说：“{passage}” 是吗？")
    assert found == passage.rstrip("。.")


def test_dressed_up() -> None:
    text = "\u200b".join(PASSAGE).replace("风", "風").replace("，", " 😀 ")
    (found,) = spans(compiled(rule(passage=PASSAGE)), text)
    assert found == text.rstrip("。").rstrip("\u200b")
    (found,) = spans(compiled(rule(passage=ENGLISH)), ENGLISH.upper().replace("A", "А"))
    assert len(found) > 150


@pytest.mark.parametrize("seed", range(40))
def test_with_as_many_changes_as_it_may_have(seed: int) -> None:
    compact = PASSAGE.replace("，", "").replace("。", "")
    passage = Passage(compact)
    text = _changed(compact, passage.changes_max, seed)
    (found,) = spans(compiled(rule(passage=PASSAGE)), f"一二三{text}四五六")
    assert abs(len(found) - len(text)) <= passage.changes_max


def test_not_with_more() -> None:
    compact = PASSAGE.replace("，", "").replace("。", "")
    allowed = Passage(compact).changes_max
    step = len(compact) // (allowed + 1)
    chars = list(compact)
    for at in range(allowed + 1):
        chars[at * step] = "Z"
    text = "".join(chars)
    assert spans(compiled(rule(passage=PASSAGE)), text) == []
    back = text.replace("Z", compact[0], 1)
    assert spans(compiled(rule(passage=PASSAGE)), back) == [back]


def test_not_for_a_part() -> None:
    matcher = compiled(rule(passage=PASSAGE))
    for share in (0.2, 0.5, 0.8, 0.9):
        assert spans(matcher, PASSAGE[: int(len(PASSAGE) * share)]) == []
    assert spans(matcher, PASSAGE[30:] + PASSAGE[:30]) == []


def test_every_time_it_is_quoted() -> None:
    text = f"{PASSAGE}——{PASSAGE}……{PASSAGE}"
    assert spans(compiled(rule(passage=PASSAGE)), text) == [PASSAGE.rstrip("。")] * 3


def test_the_shortest() -> None:
    shortest = PASSAGE.replace("，", "")[:SHORTEST]
    matcher = compiled(rule(passage=shortest))
    assert spans(matcher, f"啊{shortest}啊") == [shortest]
    once = shortest[:10] + "水" + shortest[11:]
    assert spans(matcher, once) == [once]
    twice = once[:20] + "水" + once[21:]
    assert spans(matcher, twice) == []


def test_two_versions_of_one_passage() -> None:
    other = PASSAGE.replace("孩子们", "大人们")
    matcher = compiled(rule("a", passage=PASSAGE), rule("b", passage=other))
    assert len(spans(matcher, PASSAGE)) == 2


def _plainly(pattern: str, text: str, *, anchored: bool) -> list[int]:
    """Edit distance as in a textbook."""
    column, last = list(range(len(pattern) + 1)), []
    for at, char in enumerate(text):
        new = [at + 1 if anchored else 0]
        for row, one in enumerate(pattern):
            new.append(min(new[row] + 1, column[row + 1] + 1, column[row] + (one != char)))
        column = new
        last.append(column[-1])
    return last


@given(st.text("abc", min_size=1, max_size=70), st.text("abcd", max_size=90), st.booleans())
def test_the_distance_is_the_textbook_s(pattern: str, text: str, anchored: bool) -> None:
    found = _distances(_positions(pattern), len(pattern), text, anchored=anchored)
    assert [distance for _, distance in found] == _plainly(pattern, text, anchored=anchored)


@given(st.integers(SHORTEST, 300), st.integers(0, 2**32))
def test_no_occurrence_within_the_allowance_is_missed(length: int, seed: int) -> None:
    random = Random(seed)
    letters = [chr(0x4E00 + at) for at in range(300)]
    compact = "".join(random.choices(letters, k=length))
    passage = Passage(compact)
    text = _changed(compact, random.randint(0, passage.changes_max), random.randrange(10_000))
    (found,) = spans(compiled(rule(passage=compact)), f"前{text}后")
    distance = _plainly(compact, found, anchored=True)[-1]
    assert distance <= passage.changes_max
