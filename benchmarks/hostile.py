"""
What is hardest to screen: rule sets and texts of 20,000 characters that were made for each other.

Each asks for far more than its length of one thing that the matcher does. They are what its budget
of steps is there for, so its tests count the steps of each, and this measures their processor time:
``python -m benchmarks.hostile``.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice, product
from random import Random
from typing import Final

from adapters.screening import RuleMatcher
from benchmarks.screening import phrases_of
from domain.rules import Match, Rule, RuleSet

LENGTH: Final = 20_000
RULES: Final = 50_000

_HAN: Final = [chr(code) for code in range(0x4E00, 0x4E00 + 3_000)]
#: Characters of one syllable, by the dictionary that sounds are taken from.
_YI: Final = "一伊衣医依仪夷宜姨移遗疑乙已以亿义艺忆议亦异役译易疫益谊意毅翼"

Case = tuple[RuleSet, str]


def _set(matches: Iterable[Match], allow: Sequence[str] = ()) -> RuleSet:
    rules = (Rule(str(at), match, "hold", "any") for at, match in enumerate(matches))
    return RuleSet(tuple(rules), tuple(allow))


def _phrases(words: Iterable[str], allow: Sequence[str] = ()) -> RuleSet:
    return _set((Match(phrase=word) for word in words), allow)


def _filled(pattern: str) -> str:
    return (pattern * (LENGTH // len(pattern) + 1))[:LENGTH]


def _words(number: int, length: int = 3) -> list[str]:
    random, found = Random(3), dict[str, None]()
    while len(found) < number:
        found["".join(random.choices(_HAN, k=length))] = None
    return list(found)


def _alike() -> Case:
    """As many passages as share pieces, each beginning as eight others and at one of 8 offsets."""
    random = Random(4)
    shared = "".join(random.choices(_HAN, k=400))
    passages = []
    for at in range(64):
        ending = "".join(random.choices(_HAN, k=100))
        passages.append(shared[at % 8 :] + ending)
    return _set(Match(passage=one) for one in passages), _filled(shared)


def _nested() -> Case:
    return _phrases("瓷" * length for length in range(1, 101)), "瓷" * LENGTH


def _nested_and_allowed() -> Case:
    return _phrases(["瓷", "瓷瓷"], ["瓷" * length for length in range(1, 201)]), "瓷" * LENGTH


def _spelt_out() -> Case:
    """Words that are found at every letter and, but for their last, never stand alone."""
    words = ["a" * length for length in range(2, 101)]
    return _phrases(words), _filled("aaa ")


def _one_in_all() -> Case:
    words = _words(RULES)
    return _set(Match(all_of=("青", word)) for word in words), "青" * LENGTH


def _all_in_all() -> Case:
    words = _words(448)
    pairs = islice(product(words[:224], words[224:]), RULES)
    return _set(Match(all_of=pair) for pair in pairs), _filled("".join(words))


def _one_phrase_of_all() -> Case:
    return _phrases(["青瓷"] * RULES, ["青瓷"]), _filled("青瓷")


def _homophones() -> Case:
    words = ("".join(one) for one in islice(product(_YI, repeat=4), RULES))
    return _phrases(words), _filled("毅翼意益")


def _nearly_homophones() -> Case:
    """What begins with the same three syllables, and goes on differently."""
    return _phrases(f"一一一{one}山" for one in _words(RULES)), "翼" * LENGTH


def _far_apart() -> Case:
    """Fifty letters, twenty thousand characters that take no room, fifty letters."""
    words = ("a" * length for length in range(2, 101))
    return _phrases(words), "a" * 50 + "\u200b" * (LENGTH - 100) + "a" * 50


def _emoji_apart() -> Case:
    return _phrases("a" * length for length in range(2, 101)), _filled("a😀")


def _marked() -> Case:
    words = ("瓷" * length for length in range(1, 101))
    return _phrases(words, ["瓷" * 50 + "\u0301" * 149]), "瓷" * 100 + "\u0301" * (LENGTH - 100)


def _unfolding() -> Case:
    """A character that stands for eighteen."""
    return _phrases(["صلى", "الله", "عليه", "وسلم"], ["\ufdfa"]), "\ufdfa" * LENGTH


def _lookalikes() -> Case:
    return _phrases((*phrases_of(Random(5), RULES), "coco", "paco")), _filled("соcо расо ж ")


def _expressed() -> Case:
    """Matches everywhere, each of which may have been the beginning of a long one; all allowed."""
    return _set((Match(regex=f"a.*z{at}|a") for at in range(100)), ["a"]), "a" * LENGTH


def _undetermined() -> Case:
    """As many of the largest expressions as a set may have, all states of which may be at once."""
    hard = (f"(?:[ab]{{0,49}}){{9}}c{at}" for at in range(11))
    return _set(Match(regex=one) for one in hard), "".join(Random(7).choices("ab", k=LENGTH))


def _ordinary() -> Case:
    """For comparison: nothing hostile about it."""
    random = Random(6)
    return _phrases(phrases_of(random, RULES)), "".join(random.choices(_HAN, k=LENGTH))


CASES: Final[Mapping[str, Callable[[], Case]]] = {
    "an ordinary text against 50,000 phrases": _ordinary,
    "64 passages that begin alike, their beginning": _alike,
    "100 nested phrases, one character": _nested,
    "200 nested allowed words, one character": _nested_and_allowed,
    "99 nested words, letters that are no word": _spelt_out,
    "50,000 all_of with one part in common, that part": _one_in_all,
    "50,000 all_of of 448 words, all the words": _all_in_all,
    "50,000 rules of one phrase that is allowed": _one_phrase_of_all,
    "50,000 phrases of one sound, in other characters": _homophones,
    "50,000 phrases whose sounds begin alike": _nearly_homophones,
    "99 nested words across a gap of 19,900": _far_apart,
    "99 nested words, emoji between letters": _emoji_apart,
    "100 nested phrases before 19,900 marks": _marked,
    "a character that unfolds to eighteen": _unfolding,
    "50,000 phrases, look-alikes only": _lookalikes,
    "100 expressions that match everywhere, allowed": _expressed,
    "expressions at their bound, each state at once": _undetermined,
}


def main() -> None:
    """Each one's processor time, in milliseconds, the better of two."""
    matcher = RuleMatcher()
    for name, case in CASES.items():
        rules, text = case()
        compiled = matcher.compile("set", rules)
        taken = []
        for _ in range(2):
            began = time.thread_time()
            hits = compiled.hits([matcher.normalise("text", text)], 0)
            taken.append(1e3 * (time.thread_time() - began))
        print(f"{name:52}{min(taken):10,.1f} ms  {len(hits)} hits", flush=True)


if __name__ == "__main__":
    main()
