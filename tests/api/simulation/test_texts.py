"""Texts are real poems, drawn by seed."""

from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.simulation import texts
from api.simulation.texts import Language

randoms = st.integers(0, 2**32).map(Random)
languages = st.sampled_from(("zh", "en"))
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def lines(language: Language) -> set[str]:
    return {line for poem in texts.poems(language) for stanza in poem.stanzas for line in stanza}


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_many_poems_and_each_once(language: Language) -> None:
    names = [(poem.author, poem.title) for poem in texts.poems(language)]
    assert len(names) >= 40
    assert len(set(names)) == len(names)


def test_chinese_is_chinese_and_english_english() -> None:
    assert all(not any(c.isascii() for c in line) for line in lines("zh"))
    assert all(line.replace("—", "-").isascii() for line in lines("en"))


def test_regulated_verse_has_lines_of_equal_length() -> None:
    """A dropped or doubled character shows: both halves of a couplet are of one length."""
    for poem in texts.poems("zh"):
        if poem.author in ("王维", "孟浩然", "杜牧", "李商隐", "王之涣", "王昌龄", "柳宗元"):
            halves = {
                len(half)
                for stanza in poem.stanzas
                for line in stanza
                for half in line.rstrip("。？").split("，")
                if half
            }
            assert halves in ({5}, {7}), poem.title


@given(randoms, languages)
def test_a_shuoshuo_is_one_to_four_lines_that_follow_one_another(
    random: Random, language: Language
) -> None:
    text = texts.shuoshuo(random, language)
    assert 1 <= len(text.split("\n")) <= 4
    assert any(
        text in "\n".join(stanza) for poem in texts.poems(language) for stanza in poem.stanzas
    )


@given(randoms, languages)
def test_a_diary_is_titled_and_long_and_fits(random: Random, language: Language) -> None:
    diary = texts.diary(random, language)
    assert 0 < len(diary.title) <= 100
    assert len(diary.text.split("\n\n")) >= 2


@given(randoms, languages)
def test_a_comment_is_one_line_of_a_poem(random: Random, language: Language) -> None:
    assert texts.comment(random, language) in lines(language)


@given(st.integers(0, 2**32), languages)
def test_a_person_is_of_age_and_follows_from_the_seed(seed: int, language: Language) -> None:
    person = texts.person(Random(seed), language)
    assert person == texts.person(Random(seed), language)
    assert date(1965, 1, 1) <= person.birth_date <= date(2006, 12, 31)
    assert person.nickname.isascii() == person.real_name.isascii() == (language == "en")


def test_certified_spaces_are_of_the_types_there_are() -> None:
    types = {space.type for space in texts.certified_spaces()}
    assert types <= {"brand", "agency", "shop", "media", "celebrity"}
    assert all(space.name for space in texts.certified_spaces())
