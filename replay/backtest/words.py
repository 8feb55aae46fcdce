"""
What is said to and by the process that tries rules on history: one message a line, in JSON.
"""

import sys
from datetime import datetime
from typing import Final, TypeAlias

import msgspec

from domain.rules import RuleSet
from replay.backtest.report import Report

SAMPLE: Final = 20
SAMPLE_MAX: Final = 1_000

#: The process; the job comes on its standard input, its words on its standard output.
#: -P: a folder that happens to be called replay, where the operator stands, is not ours.
COMMAND: Final = (sys.executable, "-P", "-m", "replay.backtest.process")

#: A moment in the log: positions, those of cells not named being 0, or a time with its offset.
Moment: TypeAlias = dict[int, int] | datetime


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """
    A rule set to be tried on history.

    :param keys: the directory of the vault; ``lent`` its master key, where it would have to be
        asked for.
    :param name: of the set whose place it would take.
    :param level: of sensitivity; None is the one in force.
    :param since: the moment after which, and ``until`` the one up to which, it is tried; None is
        the beginning, and now.
    :param sample: how many examples of each kind.
    :param processes: how many work on it at once.
    :param niceness: how far behind other work of the machine it stands.
    """

    database_url: str
    keys: str
    lent: bytes | None = None
    name: str
    rules: RuleSet
    level: int | None = None
    since: Moment | None = None
    until: Moment | None = None
    sample: int = SAMPLE
    processes: int = 1
    niceness: int = 0


class Began(msgspec.Struct, frozen=True, tag="began"):
    """The set can be used; so many events are to be looked at."""

    events: int
    level: int


class Bad(msgspec.Struct, frozen=True, tag="bad"):
    """A rule cannot be used, and so the set is not; the last word. See ``BadRule``."""

    rule: str
    reason: str
    field: str


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """How far it is. ``seconds_left`` assumes that the rest goes as fast."""

    events_done: int
    events_total: int
    events_per_second: float
    seconds_left: float


class Done(msgspec.Struct, frozen=True, tag="done"):
    """
    The last word, when all went well: how long it took from when it began, and the processor time
    of all its processes.
    """

    report: Report
    seconds: float
    cpu_seconds: float


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The last word, when something went wrong; free of what anybody wrote."""

    error: str


Word: TypeAlias = Began | Bad | Progress | Done | Failed

encode = msgspec.json.Encoder().encode
decode_word = msgspec.json.Decoder(Word).decode
decode_job = msgspec.json.Decoder(Job).decode
