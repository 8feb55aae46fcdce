"""
What members say: real poetry in Chinese and English, and names to say it under.

Why it exists: full-text search, word matching, compression and column sizes behave differently on
filler words. The poems are in the public domain (texts/SOURCES.md says where each comes from), so
they may travel with the project. Every function draws from the Random it is given and from
nothing else.
"""

from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from random import Random
from typing import Literal

import msgspec

Language = Literal["zh", "en"]

CHINESE_SHARE = 0.7
BORN_FROM = date(1965, 1, 1)
BORN_TO = date(2006, 12, 31)


class Poem(msgspec.Struct, frozen=True):
    title: str
    author: str
    stanzas: tuple[tuple[str, ...], ...]


class Diary(msgspec.Struct, frozen=True):
    title: str
    text: str


class Person(msgspec.Struct, frozen=True):
    nickname: str
    real_name: str
    birth_date: date


class CertifiedSpace(msgspec.Struct, frozen=True):
    type: str
    name: str


def language_of(qq: int) -> Language:
    """The language a member writes in: always one, so that a space reads as one person's."""
    return "zh" if Random(qq).random() < CHINESE_SHARE else "en"


@cache
def poems(language: Language) -> tuple[Poem, ...]:
    """All poems of a language, in the order of the file."""
    return tuple(_poem(block) for block in ("\n" + _read(f"{language}.txt")).split("\n= ")[1:])


def shuoshuo(random: Random, language: Language) -> str:
    """A short post: one to four lines that follow one another."""
    lines = random.choice(random.choice(poems(language)).stanzas)
    count = min(len(lines), random.randint(1, 4))
    start = random.randint(0, len(lines) - count)
    return "\n".join(lines[start : start + count])


def diary(random: Random, language: Language) -> Diary:
    """A longer post: one poet, two or three poems, each under its name."""
    poem = random.choice(poems(language))
    others = [other for other in poems(language) if other.author == poem.author and other != poem]
    chosen = [poem, *random.sample(others, min(len(others), random.randint(1, 2)))]
    if language == "zh":
        title, heading = f"读{poem.author}：{poem.title}", "《{}》"
    else:
        title, heading = f"Reading {poem.author}: {poem.title}", "{}"
    parts = (
        f"{heading.format(each.title)}\n\n"
        + "\n\n".join("\n".join(stanza) for stanza in each.stanzas)
        for each in chosen
    )
    return Diary(title, "\n\n".join(parts))


def comment(random: Random, language: Language) -> str:
    """A single line, as one answers a poem with a line of another."""
    return random.choice(random.choice(random.choice(poems(language)).stanzas))


def options(random: Random, language: Language) -> list[str]:
    """Two to four lines to choose from, no two of them the same."""
    poem = random.choice(poems(language))
    lines = sorted({line for stanza in poem.stanzas for line in stanza})
    return random.sample(lines, min(len(lines), random.randint(2, 4)))


def nickname(random: Random, language: Language) -> str:
    if language == "zh":
        return random.choice(_words("nickname_heads")) + random.choice(_words("nickname_tails"))
    return f"{random.choice(_words('nickname_english'))}{random.randint(1, 99)}"


def real_name(random: Random, language: Language) -> str:
    if language == "zh":
        return random.choice(_words("surnames")) + random.choice(_words("given"))
    return f"{random.choice(_words('english_first'))} {random.choice(_words('english_last'))}"


def birth_date(random: Random) -> date:
    """Of age, because minors have limits of their own that are no part of this workload."""
    return BORN_FROM + timedelta(days=random.randint(0, (BORN_TO - BORN_FROM).days))


def person(random: Random, language: Language) -> Person:
    return Person(nickname(random, language), real_name(random, language), birth_date(random))


def mood(random: Random) -> str:
    return random.choice(_words("moods"))


def city(random: Random) -> str:
    return random.choice(_words("cities"))


@cache
def certified_spaces() -> tuple[CertifiedSpace, ...]:
    lines = _sections()["spaces"].strip().splitlines()
    return tuple(CertifiedSpace(*line.split(":", 1)) for line in lines)


def _poem(block: str) -> Poem:
    heading, body = block.split("\n", 1)
    title, author = heading.split(" | ")
    stanzas = tuple(tuple(stanza.splitlines()) for stanza in body.strip().split("\n\n"))
    assert title
    assert author
    assert all(all(stanza) for stanza in stanzas)
    return Poem(title, author, stanzas)


@cache
def _words(section: str) -> tuple[str, ...]:
    return tuple(_sections()[section].split())


@cache
def _sections() -> dict[str, str]:
    blocks = _read("names.txt").split("[")[1:]
    sections: dict[str, str] = {}
    for block in blocks:
        name, body = block.split("]\n", 1)
        sections[name] = body
    return sections


def _read(name: str) -> str:
    return (files("api.simulation") / "texts" / name).read_text(encoding="utf-8")
