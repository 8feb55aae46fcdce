"""
The rulebook: which rule sets are in force, at which level of sensitivity.

A set's content is an event of its own, on a stream of its own for each version, and never folded:
the rulebook holds its name, version and hash. Every change of the rulebook is an epoch, and reaches
each cell as an event there, which raises the epoch of that cell's rules; so every position of a
cell has one answer to "under which rules?".
"""

from datetime import datetime
from functools import cache
from typing import TypeAlias
from uuid import UUID

import msgspec

from domain.account import DIRECTORY_CELL
from domain.event import Aggregate, Event, Refused
from domain.ids import StreamId, derive
from domain.rules import LEVEL_MAX
from domain.screening import SetVersion
from domain.sealed import Sealed

SETS_MAX = 100


class RulesPublished(Event, frozen=True, tag="rules.published.v1"):
    """A rule set, whole and packed, as it is from this version on. ``hash`` is of its content."""

    name: str
    version: int
    hash: str
    rules: msgspec.Raw


class SetAdopted(Event, frozen=True, tag="rulebook.set_adopted.v1"):
    """This version of a set takes the place of the one before."""

    set: SetVersion


class LevelRaised(Event, frozen=True, tag="rulebook.level_raised.v1"):
    """Rules of that level count, too, until a timer ends it."""

    raising: UUID
    level: int
    until: datetime
    reason: Sealed[str]


class LevelEnded(Event, frozen=True, tag="rulebook.level_ended.v1"):
    """Rules of level 0 alone count again, from ``effective_at`` on."""

    raising: UUID
    effective_at: datetime


class ScreeningActivated(Event, frozen=True, tag="screening.activated.v1"):
    """A cell's rules, from here on: the rulebook as of ``epoch``."""

    epoch: int
    level: int
    sets: tuple[SetVersion, ...]


RulebookEvent: TypeAlias = SetAdopted | LevelRaised | LevelEnded


class Unpublished(msgspec.Struct, frozen=True):
    """No such version."""


class Published(msgspec.Struct, frozen=True):
    """A version of a set; its rules are in the log."""

    set: SetVersion


class Raised(msgspec.Struct, frozen=True):
    """A level above the ordinary, and until when."""

    raising: UUID
    level: int
    until: datetime


class Rulebook(msgspec.Struct, frozen=True):
    """The sets in force, by name, and the level. ``epoch`` is the version of the rulebook."""

    sets: dict[str, SetVersion] = {}
    raised: Raised | None = None
    epoch: int = 0

    @property
    def level(self) -> int:
        """From 0, the ordinary, to 3."""
        return 0 if self.raised is None else self.raised.level

    @property
    def in_force(self) -> tuple[SetVersion, ...]:
        """The sets, by name."""
        return tuple(self.sets[name] for name in sorted(self.sets))


class Screen(msgspec.Struct, frozen=True):
    """What a cell screens with. Epoch 0: there are no rules."""

    epoch: int = 0
    level: int = 0
    sets: tuple[SetVersion, ...] = ()


def evolve_rules(state: Unpublished | Published, event: RulesPublished, version: int) -> Published:
    """Published once, for good."""
    return Published(SetVersion(event.name, event.version, event.hash))


def evolve(rulebook: Rulebook, event: RulebookEvent, version: int) -> Rulebook:
    """The rulebook after one more event."""
    match event:
        case SetAdopted(set=adopted):
            return Rulebook({**rulebook.sets, adopted.name: adopted}, rulebook.raised, version)
        case LevelRaised(raising=raising, level=level, until=until):
            return Rulebook(rulebook.sets, Raised(raising, level, until), version)
        case LevelEnded():
            return Rulebook(rulebook.sets, None, version)


def evolve_screen(screen: Screen, event: ScreeningActivated, version: int) -> Screen:
    """A cell's rules after one more activation."""
    return Screen(event.epoch, event.level, event.sets)


RULES: Aggregate[Unpublished | Published] = Aggregate("rules", Unpublished(), evolve_rules)
RULEBOOK: Aggregate[Rulebook] = Aggregate("rulebook", Rulebook(), evolve)
SCREEN: Aggregate[Screen] = Aggregate("screen", Screen(), evolve_screen)

#: There is one rulebook.
RULEBOOK_STREAM = StreamId(derive(DIRECTORY_CELL, "rulebook"))


def rules_stream(name: str, version: int) -> StreamId:
    """The stream of one version of a rule set."""
    return StreamId(derive(DIRECTORY_CELL, "rules", name.encode(), version.to_bytes(8, "big")))


@cache
def screen_stream(cell: int) -> StreamId:
    """The stream of a cell's rules."""
    return StreamId(derive(cell, "screen"))


# Decisions


def adopt(rulebook: Rulebook, name: str, hash: str) -> SetVersion | None:
    """The next version of a set; None when its content is what is in force already."""
    current = rulebook.sets.get(name)
    if current is None and len(rulebook.sets) >= SETS_MAX:
        raise Refused("too-many-rule-sets", f"At most {SETS_MAX} rule sets.")
    if current is not None and current.hash == hash:
        return None
    return SetVersion(name, 1 if current is None else current.version + 1, hash)


def set_level(
    rulebook: Rulebook,
    raising: UUID,
    level: int,
    until: datetime,
    reason: Sealed[str],
    effective_at: datetime,
) -> tuple[RulebookEvent, ...]:
    """Raise the level until then, or, with level 0, end that now."""
    if not 0 <= level <= LEVEL_MAX:
        raise ValueError("level")
    raised = rulebook.raised
    if level == 0:
        return () if raised is None else (LevelEnded(raised.raising, effective_at),)
    if until <= effective_at:
        raise Refused("in-the-past", "A raised level ends in the future.", "/until")
    return (LevelRaised(raising, level, until, reason),)


def end_level(rulebook: Rulebook, due: datetime) -> tuple[RulebookEvent, ...]:
    """End a raised level, if it is still to end then."""
    raised = rulebook.raised
    if raised is None or raised.until != due:
        return ()
    return (LevelEnded(raised.raising, due),)


def activate(screen: Screen, rulebook: Screen) -> tuple[ScreeningActivated, ...]:
    """Bring a cell up to the rulebook; what comes late, after a later one, changes nothing."""
    if rulebook.epoch <= screen.epoch:
        return ()
    return (ScreeningActivated(rulebook.epoch, rulebook.level, rulebook.sets),)
