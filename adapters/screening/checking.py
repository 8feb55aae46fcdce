"""
Whether a rule set can be put to use. One rule that cannot refuses the whole set, by name and place.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from adapters.screening.characters import spelled
from adapters.screening.expressions import PER_SET_MAX, SIZE_PER_SET_MAX, Expression
from adapters.screening.passages import SHARED_MAX, Passage
from adapters.screening.text import Text
from commands.ports import BadRule
from domain.rules import LEVEL_MAX, Rule, RuleSet

#: Letters and digits of a phrase; what is longer is a passage.
PHRASE_MAX: Final = 100
PARTS_MAX: Final = 16
NAME_MAX: Final = 100

_IMAGE = re.compile(r"[0-9a-fA-F]{64}")


class Phrase(msgspec.Struct, frozen=True, gc=False):
    """
    A phrase in the compact view.

    :param gaps: before which of its characters it has a separator.
    :param latin: with look-alikes made Latin, where it mixes scripts itself.
    """

    text: str
    gaps: tuple[int, ...] = ()
    latin: str = ""


class Ready(msgspec.Struct, frozen=True, gc=False):
    """What a rule looks for, in the form in which it is looked for; one of these, or an image."""

    phrases: tuple[Phrase, ...] = ()
    passage: Passage | None = None
    expression: Expression | None = None


def checked(rules: RuleSet) -> Iterator[Ready]:
    """
    Every rule, made ready, in order.

    :raises BadRule: when it comes to a rule that cannot be used.
    """
    seen: set[str] = set()
    expressions = size = 0
    for at, entry in enumerate(rules.allow):
        if not entry.strip():
            raise BadRule("allow", "an allowed word is empty", f"/allow/{at}")
    for at, rule in enumerate(rules.rules):
        place = f"/rules/{at}"
        _named(rule, seen, place)
        seen.add(rule.id)
        ready = _ready(rule, f"{place}/match")
        if ready.expression is not None:
            expressions += 1
            size += ready.expression.size
            if expressions > PER_SET_MAX or size > SIZE_PER_SET_MAX:
                raise BadRule(
                    rule.id,
                    f"a set has at most {PER_SET_MAX} expressions"
                    f" of {SIZE_PER_SET_MAX} instructions together",
                    f"{place}/match/regex",
                )
        yield ready


def distinctive(
    rules: Sequence[Rule], passages: Mapping[int, Passage]
) -> Iterator[tuple[int, Passage]]:
    """
    The passages of a set, each with the pieces that tell it from most others.

    :param passages: by their rule's place in the set.
    :raises BadRule: there are too few of those.
    """
    shared = Counter(
        text for one in passages.values() for text in {piece.text for piece in one.pieces}
    )
    common = {text for text, number in shared.items() if number > SHARED_MAX}
    for at, passage in passages.items():
        try:
            passage.leave_out(common)
        except ValueError as error:
            raise BadRule(rules[at].id, str(error), f"/rules/{at}/match/passage") from None
        yield at, passage


def _named(rule: Rule, seen: set[str], place: str) -> None:
    if not rule.id.strip() or len(rule.id) > NAME_MAX:
        raise BadRule(rule.id, f"an id has 1 to {NAME_MAX} characters", f"{place}/id")
    if rule.id in seen:
        raise BadRule(rule.id, "another rule of the set has this id", f"{place}/id")
    if not rule.category.strip() or len(rule.category) > NAME_MAX:
        raise BadRule(rule.id, f"a category has 1 to {NAME_MAX} characters", f"{place}/category")
    if not 0 <= rule.from_level <= LEVEL_MAX:
        raise BadRule(rule.id, f"levels go from 0 to {LEVEL_MAX}", f"{place}/from_level")


def _ready(rule: Rule, place: str) -> Ready:
    match = rule.match
    given = [name for name in match.__struct_fields__ if getattr(match, name) is not None]
    if len(given) != 1:
        raise BadRule(rule.id, "a rule has exactly one kind of match", place)
    (kind,) = given
    place = f"{place}/{kind}"
    try:
        if match.phrase is not None:
            return Ready(phrases=(_phrase(match.phrase),))
        if match.all_of is not None:
            return Ready(phrases=_parts(rule.id, match.all_of, place))
        if match.passage is not None:
            return Ready(passage=Passage(Text("", match.passage).compact.text))
        if match.regex is not None:
            return Ready(expression=Expression(match.regex))
    except ValueError as error:
        raise BadRule(rule.id, str(error), place) from None
    if match.image is None or _IMAGE.fullmatch(match.image) is None:
        raise BadRule(rule.id, "an image is given by 64 hexadecimal digits", place)
    return Ready()


def _parts(rule: str, parts: tuple[str, ...], place: str) -> tuple[Phrase, ...]:
    if not 1 <= len(parts) <= PARTS_MAX:
        raise ValueError(f"1 to {PARTS_MAX} phrases are to be there together")
    ready = []
    for at, part in enumerate(parts):
        try:
            ready.append(_phrase(part))
        except ValueError as error:
            raise BadRule(rule, str(error), f"{place}/{at}") from None
    return tuple(ready)


def _phrase(written: str) -> Phrase:
    text = Text("", written)
    compact = text.compact.text
    if not compact:
        raise ValueError("nothing is left of the phrase once it is normalised")
    if len(compact) > PHRASE_MAX:
        raise ValueError(f"a phrase has at most {PHRASE_MAX} letters and digits")
    if len(compact) == 1 and spelled(compact):
        raise ValueError("one letter or digit is all that is left of the phrase")
    gaps: tuple[int, ...] = ()
    if len(compact) != len(written):
        gaps = tuple(at for at in range(1, len(compact)) if text.apart(at))
    latin = text.latin.text
    mixed = latin != compact and any("a" <= one <= "z" for one in compact)
    return Phrase(compact, gaps, latin if mixed else "")
