"""
Screening: what the rules in force say of a text, before anything is stored.

Rule sets are read from the log and made ready once, by their hash, in a thread; what is asked of
them meanwhile waits. Which sets a cell has in force is the state of a stream of that cell, so that
a command knows under which epoch it screened, and the log turns it back when that has risen since.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec

from commands.banned_pictures import BannedPictures
from commands.ports import EventLog, Matcher, WordMatcher, WorkingDays
from domain.event import Event
from domain.promise import Promise, PromiseKind
from domain.rulebook import RulesPublished, Screen, ScreeningActivated, rules_stream
from domain.rules import RuleSet, unpacked
from domain.screening import Hit, Screening, SetVersion, gravest_first

#: Sets that are kept ready, and versions of each: the one in force, and the one that some cell may
#: still have. A large one takes tens of megabytes.
_READY_MAX: Final = 200
_VERSIONS_MAX: Final = 2
#: Longer texts than this, in characters, are matched in a thread.
_INLINE_MAX: Final = 2_000
#: And those for which expressions may take more instructions than this for a byte of each: some ten
#: milliseconds, in which other threads go on.
_INLINE_INSTRUCTIONS_MAX: Final = 500_000

#: A set's name, which its hits carry, and the hash of its content.
_Key: TypeAlias = tuple[str, str]
#: Runs a function, with its arguments, where it keeps nobody waiting.
Aside: TypeAlias = Callable[..., Awaitable[Any]]


#: Which events raise their cell's rules epoch, and to what.
EPOCHS: Final[Mapping[type[Event], Callable[[Any], int]]] = {
    ScreeningActivated: lambda event: event.epoch,
}


class Screens:
    """
    The rule sets of a process, ready to be matched.

    :param calendar: counts by when somebody has to look at what they find.
    :param aside: does work while the loop goes on.
    """

    def __init__(
        self,
        log: EventLog,
        words: WordMatcher,
        calendar: WorkingDays,
        aside: Aside = asyncio.to_thread,
    ) -> None:
        self._log = log
        self._aside = aside
        self._words = words
        self._calendar = calendar
        self._ready: OrderedDict[_Key, Matcher] = OrderedDict()
        self._preparing: dict[_Key, asyncio.Future[Matcher]] = {}
        self._banned = BannedPictures(log, aside)

    @property
    def normaliser(self) -> str:
        """The version of what is done to a text before it is matched."""
        return self._words.normaliser

    def promise(self, kind: PromiseKind, start: datetime) -> Promise:
        """By when something promised at ``start`` is due."""
        return self._calendar.promise(kind, start)

    async def screen(
        self, screen: Screen, texts: Mapping[str, str], picture: Sequence[bytes] = ()
    ) -> Screening | None:
        """
        What the rules of a cell find in the texts of one thing, by field, and in its picture, by
        the PDQ hashes of all its orientations; None when that is nothing.
        """
        if not screen.sets or not (texts or picture):
            return None
        matchers = []
        for one in screen.sets:
            ready = self._ready.get((one.name, one.hash))
            matchers.append(await self.matcher(one) if ready is None else ready)
        if _is_long(sum(map(len, texts.values())), matchers):
            hits = await self._aside(self._hits, matchers, texts, screen.level)
        else:
            hits = self._hits(matchers, texts, screen.level)
        if picture:
            hits += await self._banned.hits(screen, picture)
        if not hits:
            return None
        return Screening(
            epoch=screen.epoch,
            level=screen.level,
            sets=screen.sets,
            normaliser=self._words.normaliser,
            hits=gravest_first(hits),
        )

    def _hits(self, matchers: Sequence[Matcher], texts: Mapping[str, str], level: int) -> list[Hit]:
        normalised = [self._words.normalise(field, text) for field, text in texts.items()]
        return [hit for matcher in matchers for hit in matcher.hits(normalised, level)]

    async def matcher(self, wanted: SetVersion) -> Matcher:
        """A version of a set, ready; whoever asks while it is made ready waits for it."""
        found = self._ready.get((wanted.name, wanted.hash))
        if found is not None:
            return found
        preparing = self._preparing.get((wanted.name, wanted.hash))
        if preparing is None:
            preparing = asyncio.ensure_future(self._prepare(wanted))
            self._preparing[wanted.name, wanted.hash] = preparing
            preparing.add_done_callback(lambda _: self._prepared(wanted))
        return await asyncio.shield(preparing)

    def _prepared(self, wanted: SetVersion) -> None:
        done = self._preparing.pop((wanted.name, wanted.hash))
        if not done.cancelled():
            # Whoever asked may have gone; a failure that nobody fetches is no error.
            done.exception()

    async def _prepare(self, wanted: SetVersion) -> Matcher:
        (published,) = await self._log.read_stream(rules_stream(wanted.name, wanted.version))
        assert isinstance(published.event, RulesPublished)
        matcher: Matcher = await self._aside(self._compile, wanted.name, published.event.rules)
        self.keep(wanted, matcher)
        return matcher

    def _compile(self, name: str, rules: msgspec.Raw) -> Matcher:
        return self._words.compile(name, unpacked(rules))

    async def try_out(self, name: str, rules: RuleSet) -> Matcher:
        """
        A set made ready before it is in force.

        :raises BadRule: a rule of it cannot be used.
        """
        matcher: Matcher = await self._aside(self._words.compile, name, rules)
        return matcher

    def keep(self, ready: SetVersion, matcher: Matcher) -> None:
        """Hold a set that is ready."""
        self._ready[ready.name, ready.hash] = matcher
        self._ready.move_to_end((ready.name, ready.hash))
        versions = [key for key in self._ready if key[0] == ready.name]
        for old in versions[:-_VERSIONS_MAX]:
            del self._ready[old]
        while len(self._ready) > _READY_MAX:
            self._ready.popitem(last=False)


def _is_long(characters: int, matchers: Sequence[Matcher]) -> bool:
    """Whether so many characters may take longer than anybody is to wait for."""
    instructions = sum(one.instructions for one in matchers)
    return characters > _INLINE_MAX or characters * instructions > _INLINE_INSTRUCTIONS_MAX
