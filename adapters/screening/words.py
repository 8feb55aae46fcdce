"""
When a phrase that was found counts: the rule about words.

Scripts without spaces need none: a Chinese phrase is found wherever its characters follow each
other, whatever separators were put between them. Letters of scripts with capitals (Latin, Greek,
Cyrillic, …) and digits make words, and there the compact view, which has no separators, would find
"ass" in "was so". So in the original text

- a phrase that begins or ends with such a letter must begin or end where a word does: no other
  letter touches it. For a digit, no other digit;
- between two letters or digits of it there may be punctuation, symbols, emoji and whatever takes
  no room: "zor-blat", "z*o*r*b*l*a*t";
- but white space only where the phrase has a separator itself ("free zorblat"), or where the word
  was spelt out: no piece between white space longer than two characters, and more than half of the
  pieces single ones. "z o r b l a t" is found; "the rapist" is no "therapist".

The separators of a phrase may be missing in the text: "freezorblat" is found, too. Where that makes
another word of it, the allow list has its use.
"""

from collections.abc import Collection

from adapters.screening.characters import spelled
from adapters.screening.text import Text

_PIECE_MAX = 2


def stands_alone(text: Text, start: int, end: int, gaps: Collection[int] = ()) -> bool:
    """
    Whether a phrase found in a text's compact view is words of their own.

    :param gaps: before which of its characters the phrase has a separator.
    """
    compact = text.compact.text
    return (
        _begins(text, compact, start)
        and (end == len(compact) or _begins(text, compact, end))
        and _holds_together(text, compact[start:end], start, gaps)
    )


def _begins(text: Text, compact: str, at: int) -> bool:
    """Whether the characters on both sides of a place are not of one word."""
    if at == 0:
        return True
    kind = spelled(compact[at])
    return kind == "" or kind != spelled(compact[at - 1]) or text.apart(at)


def _holds_together(text: Text, found: str, start: int, gaps: Collection[int]) -> bool:
    pieces, length = [], 1
    for at in range(1, len(found)):
        if (
            at not in gaps
            and spelled(found[at])
            and spelled(found[at - 1])
            and text.blank(start + at)
        ):
            pieces.append(length)
            length = 0
        length += 1
    if not pieces:
        return True
    pieces.append(length)
    return max(pieces) <= _PIECE_MAX and 2 * pieces.count(1) > len(pieces)


def passes_for_latin(text: Text, start: int, end: int) -> bool:
    """
    Whether a phrase found in the Latin view, but not in the compact one, was meant to be read so:
    its letters are of several scripts, or the text is not written in the other one, of which it has
    no letter that could not be Latin.
    """
    if any("a" <= one <= "z" for one in text.compact.text[start:end]):
        return True
    return not text.foreign
