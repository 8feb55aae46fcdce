"""
Pictures that rules look for: those within a distance of a hash that a rule names, turned or
mirrored in any way.

A PDQ hash has 256 bits; two pictures that differ in at most 31 of them look the same to people.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from commands.ports import EventLog
from domain.rulebook import RulesPublished, Screen, rules_stream
from domain.rules import Rule, unpacked
from domain.screening import Hit, SetVersion

#: Two hashes that differ in no more bits are of the same picture.
DISTANCE_MAX: Final = 31
#: The field that a hit in a picture names.
FIELD: Final = "picture"
#: Sets whose pictures are kept ready.
_READY_MAX: Final = 200
#: More comparisons than these, of some 100 ns each, are made where they keep nobody waiting.
_INLINE_MAX: Final = 20_000


class Banned:
    """A rule, and the hash of the picture that it looks for."""

    __slots__ = ("hash", "rule")

    def __init__(self, rule: Rule, wanted: int) -> None:
        self.rule = rule
        self.hash = wanted


class BannedPictures:
    """
    The pictures of the rule sets in force, read once for each version.

    :param aside: runs a function, with its arguments, while the loop goes on.
    """

    def __init__(self, log: EventLog, aside: Callable[..., Awaitable[Any]]) -> None:
        self._log = log
        self._aside = aside
        self._ready: OrderedDict[tuple[str, str], tuple[Banned, ...]] = OrderedDict()

    async def hits(self, screen: Screen, picture: Sequence[bytes]) -> list[Hit]:
        """What the rules of a cell find in a picture, by the hashes of its orientations."""
        hashes = [int.from_bytes(one, "big") for one in picture]
        found: list[Hit] = []
        for one in screen.sets:
            banned = await self._of(one)
            if len(banned) * len(hashes) > _INLINE_MAX:
                found += await self._aside(_matching, one.name, banned, hashes, screen.level)
            else:
                found += _matching(one.name, banned, hashes, screen.level)
        return found

    async def _of(self, wanted: SetVersion) -> tuple[Banned, ...]:
        key = (wanted.name, wanted.hash)
        ready = self._ready.get(key)
        if ready is None:
            (published,) = await self._log.read_stream(rules_stream(wanted.name, wanted.version))
            assert isinstance(published.event, RulesPublished)
            ready = await self._aside(_banned_by, published.event)
            self._ready[key] = ready
            while len(self._ready) > _READY_MAX:
                self._ready.popitem(last=False)
        return ready


def _banned_by(published: RulesPublished) -> tuple[Banned, ...]:
    return tuple(
        Banned(rule, int(rule.match.image, 16))
        for rule in unpacked(published.rules).rules
        if rule.match.image is not None
    )


def _matching(name: str, banned: Sequence[Banned], hashes: Sequence[int], level: int) -> list[Hit]:
    return [
        Hit(name, one.rule.id, one.rule.category, one.rule.action, FIELD, 0, 0)
        for one in banned
        if one.rule.from_level <= level
        and any((one.hash ^ other).bit_count() <= DISTANCE_MAX for other in hashes)
    ]
