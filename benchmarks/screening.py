"""
Screening beside the bare automaton, and how soon a large rule set is live.

Both are processor time of one thread, so that other work on the machine does not show. What is
screened is what the product screens: the text as a member wrote it, normalised, looked through for
phrases and for their sound, by a set of fifty thousand phrases. The bare automaton is the library's
own, one for all phrases, over texts that were normalised before; it knows no rules, spans or words.
Phrases and posts are drawn from the same 3,000 characters by a seed; there are hits, as in life.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Final

import msgspec
from ahocorasick_rs import AhoCorasick

from adapters.screening import RuleMatcher
from adapters.screening.text import Text
from benchmarks.figures import Ratio, Report
from commands.ports import Matcher
from domain.rules import Match, Rule, RuleSet

WHOLE: Final = "posts of 140 characters screened against {:,} phrases, whole normalisation"
BARE: Final = "the bare automaton, on normalised text"
SILENT: Final = "the same without the stage for sounds"
LIVE: Final = "a set of {:,} phrases: time to live"
PAUSE: Final = "the longest pause of another thread meanwhile"

_LENGTH: Final = 140
_CHARACTERS: Final = [chr(code) for code in range(0x4E00, 0x4E00 + 3_000)]
_LENGTHS: Final = (2, 3, 4, 4, 5, 6, 8)
_MATCHER: Final = RuleMatcher()


class Plan(msgspec.Struct, frozen=True):
    """
    :param posts: screened in a round; ``compiled`` is how often a set is made ready.
    """

    rounds: int
    posts: int
    compiled: int
    phrases: int = 50_000


def measure(plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    """Both parts."""
    say(f"screening against {plan.phrases:,} phrases")
    random = Random(1)
    phrases = phrases_of(random, plan.phrases)
    posts = [post(random, _LENGTH) for _ in range(plan.posts)]
    rules = _rules(Match(phrase=one) for one in phrases)
    _live(plan, rules, report)
    _rates(plan, phrases, posts, rules, report)


def _rates(
    plan: Plan, phrases: Sequence[str], posts: Sequence[str], rules: RuleSet, report: Report
) -> None:
    texts = [Text("text", one) for one in posts]
    bare = AhoCorasick(phrases).find_matches_as_indexes
    matcher = _MATCHER.compile("set", rules)
    # Phrases that are to be there together are not looked for by their sound; here each is alone.
    silent = _MATCHER.compile("set", _rules(Match(all_of=(one,)) for one in phrases))
    work: dict[str, Callable[[], object]] = {
        WHOLE.format(plan.phrases): lambda: [_screen(matcher, one) for one in posts],
        SILENT: lambda: [_screen(silent, one) for one in posts],
        BARE: lambda: [bare(text.compact.text, overlapping=True) for text in texts],
    }
    rounds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(plan.rounds):
        for name, task in work.items():
            began = time.thread_time()
            task()
            rounds[name].append(len(posts) / (time.thread_time() - began))
    for name, rates in rounds.items():
        report.add(name, rates, [1e6 / rate for rate in rates], unit="/s")
    whole, plain = report.find(WHOLE.format(plan.phrases)), report.find(BARE)
    report.compare("screening, over the bare automaton", whole, plain, 0.08)
    assert whole is not None
    report.ratios.append(Ratio("screening, over 20,000 posts/s", whole.median / 20_000, 1))
    report.compare("screening without sounds, over the bare automaton", report.find(SILENT), plain)


def _screen(matcher: Matcher, post: str) -> object:
    return matcher.hits([_MATCHER.normalise("text", post)], 0)


def _live(plan: Plan, rules: RuleSet, report: Report) -> None:
    """Compiled beside a thread that wants to go on every millisecond."""
    seconds, pauses = [], []
    for _ in range(plan.compiled):
        other = _Other()
        other.start()
        began = time.perf_counter()
        _MATCHER.compile("set", rules)
        seconds.append(time.perf_counter() - began)
        pauses.append(other.stop() * 1e3)
    live = report.add(LIVE.format(plan.phrases), seconds, unit="s")
    pause = report.add(PAUSE, pauses, unit="ms")
    report.ratios += (
        Ratio(f"{live.name}, over 2 s", live.median / 2, 1, "at most"),
        Ratio(f"{pause.name}, over 50 ms", pause.median / 50, 1, "at most"),
    )


class _Other(threading.Thread):
    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._done = threading.Event()
        self._longest = 0.0

    def run(self) -> None:
        last = time.perf_counter()
        while not self._done.wait(0.001):
            now = time.perf_counter()
            self._longest = max(self._longest, now - last)
            last = now

    def stop(self) -> float:
        """For how long it was not let in at most, in seconds."""
        self._done.set()
        self.join()
        return self._longest


def rules(number: int) -> RuleSet:
    """A set of so many phrases, by the seed that all are drawn by."""
    return _rules(Match(phrase=one) for one in phrases_of(Random(1), number))


def _rules(matches: Iterable[Match]) -> RuleSet:
    return RuleSet(tuple(Rule(str(at), match, "hold", "any") for at, match in enumerate(matches)))


def phrases_of(random: Random, number: int, shortest: int = 2) -> Sequence[str]:
    """Made-up phrases, none shorter than that."""
    found: dict[str, None] = {}
    while len(found) < number:
        length = max(shortest, random.choice(_LENGTHS))
        found["".join(random.choices(_CHARACTERS, k=length))] = None
    return tuple(found)


def post(random: Random, length: int) -> str:
    """Sentences with punctuation, now and then an emoji or something in Latin letters."""
    written: list[str] = []
    while len(written) < length:
        written += random.choices(_CHARACTERS, k=random.randint(5, 14))
        written += random.choice(("，", "。", "！", "？", " ", "、", "😀", " OK 2026 "))
    return "".join(written[:length])
