"""
Commands about rules: publish a set, raise the level, and bring every cell up to the rulebook.
"""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from commands.ports import BadRule, Matcher
from commands.screening import Screens
from commands.types import Moment, Reason
from commands.work import Outcome, Work
from domain import rulebook as decisions
from domain.account import DIRECTORY_CELL
from domain.event import Refused
from domain.ids import MemberId
from domain.rulebook import (
    RULEBOOK,
    RULEBOOK_STREAM,
    RULES,
    SCREEN,
    RulesPublished,
    Screen,
    SetAdopted,
    rules_stream,
    screen_stream,
)
from domain.sealed import KeyClass

#: Nobody heightens sensitivity for longer without saying so again.
LEVEL_DAYS_MAX = 90


class PublishRules(msgspec.Struct, frozen=True):
    """A set that was tried out: its rules, which are packed, are known to be usable."""

    name: str
    rules: msgspec.Raw
    hash: str
    matcher: Matcher


class SetLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Heightened sensitivity, until a moment that is to be named; level 0 ends it now."""

    level: Annotated[int, msgspec.Meta(ge=0, le=3)]
    reason: Reason
    until: Moment | None = None


class EndLevel(msgspec.Struct, frozen=True):
    """A timer's command: end the level that is raised until then."""

    due: datetime


class Activate(msgspec.Struct, frozen=True):
    """A policy's command: bring a cell up to the rulebook."""

    cell: int


class RuleHandlers:
    """The handlers, over the rule sets that are ready."""

    def __init__(self, screens: Screens) -> None:
        self._screens = screens

    async def publish(self, command: PublishRules, work: Work) -> Outcome:
        """Publish a version of a set; its activation follows."""
        work.cell = DIRECTORY_CELL
        staff = MemberId(work.context.actor)
        rulebook = await work.load(RULEBOOK, RULEBOOK_STREAM)
        adopted = decisions.adopt(rulebook, command.name, command.hash)
        if adopted is None:
            current = rulebook.sets[command.name]
            stream = rules_stream(current.name, current.version)
            return Outcome(stream, (stream, 1), state=str(current.version))
        stream = rules_stream(adopted.name, adopted.version)
        await work.load(RULES, stream)
        published = RulesPublished(adopted.name, adopted.version, adopted.hash, command.rules)
        work.append(RULES, stream, staff, (published,))
        work.append(RULEBOOK, RULEBOOK_STREAM, staff, (SetAdopted(adopted),))
        # Before any cell is told of it: whoever screens then does not wait.
        self._screens.keep(adopted, command.matcher)
        return Outcome(stream, (stream, 1), state=str(adopted.version))

    async def set_level(self, command: SetLevel, work: Work) -> Outcome:
        """Raise the level, or end that."""
        work.cell = DIRECTORY_CELL
        staff, now = MemberId(work.context.actor), work.context.effective_at
        rulebook = await work.load(RULEBOOK, RULEBOOK_STREAM)
        until = now if command.until is None else command.until.astimezone(UTC)
        if command.level and command.until is None:
            raise Refused("until-missing", "A raised level ends at a moment.", "/until")
        if (until - now).days > LEVEL_DAYS_MAX:
            raise Refused("too-far-ahead", f"At most {LEVEL_DAYS_MAX} days.", "/until")
        reason = await work.vault.seal(staff, KeyClass.MODERATION, command.reason)
        raising = work.mint(DIRECTORY_CELL)
        events = decisions.set_level(rulebook, raising, command.level, until, reason, now)
        work.append(RULEBOOK, RULEBOOK_STREAM, staff, events)
        return Outcome(RULEBOOK_STREAM, (RULEBOOK_STREAM, rulebook.epoch))

    async def end_level(self, command: EndLevel, work: Work) -> Outcome:
        """End a raised level whose time is over."""
        work.cell = DIRECTORY_CELL
        rulebook = await work.load(RULEBOOK, RULEBOOK_STREAM)
        events = decisions.end_level(rulebook, command.due)
        work.append(RULEBOOK, RULEBOOK_STREAM, MemberId(RULEBOOK_STREAM), events)
        return Outcome(RULEBOOK_STREAM, (RULEBOOK_STREAM, rulebook.epoch))

    async def activate(self, command: Activate, work: Work) -> Outcome:
        """
        Bring a cell up to the rulebook as it is now: of several changes the last one counts, and
        whatever it replaces was never in force there.
        """
        rulebook = await work.load(RULEBOOK, RULEBOOK_STREAM)
        current = Screen(rulebook.epoch, rulebook.level, rulebook.in_force)
        for one in current.sets:
            await self._screens.matcher(one)
        stream = screen_stream(command.cell)
        screen = await work.load(SCREEN, stream)
        owner = MemberId(stream)
        work.append(SCREEN, stream, owner, decisions.activate(screen, current))
        return Outcome(stream, (stream, work.version(stream)))


def unusable(bad: BadRule) -> Refused:
    """What whoever wrote the set hears of a rule that cannot be used."""
    return Refused("bad-rule", f"Rule {bad.rule!r}: {bad.reason}", bad.field)
