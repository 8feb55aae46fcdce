"""
Rule sets in a line. All words are made up: nothing here is anybody's list.
"""

from adapters.screening import RuleMatcher
from commands.ports import Matcher
from domain.rules import Action, Match, Rule, RuleSet

MATCHER = RuleMatcher()


def rule(id: str = "r", action: Action = "block", from_level: int = 0, **match: object) -> Rule:
    """A rule of whatever kind."""
    return Rule(id, Match(**match), action, "nonsense", from_level)  # type: ignore[arg-type]


def compiled(*rules: Rule, allow: tuple[str, ...] = ()) -> Matcher:
    """A set of rules."""
    return MATCHER.compile("set", RuleSet(rules, allow))


def phrases(*words: str, allow: tuple[str, ...] = ()) -> Matcher:
    """A set with a rule for each phrase, which is its id as well."""
    return compiled(*(rule(word, phrase=word) for word in words), allow=allow)


def spans(matcher: Matcher, text: str, level: int = 0) -> list[str]:
    """What is found, as it was written, in the order of the text."""
    hits = matcher.hits([MATCHER.normalise("text", text)], level)
    return [text[hit.start : hit.end] for hit in sorted(hits, key=lambda hit: (hit.start, hit.end))]


def by_sound(matcher: Matcher, text: str) -> list[tuple[str, bool]]:
    """The same, and whether by sound alone."""
    hits = matcher.hits([MATCHER.normalise("text", text)], 0)
    return [(text[hit.start : hit.end], hit.by_sound) for hit in hits]
