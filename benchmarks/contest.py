"""
The log beside its peers: the same appends, by the same number of callers, round by round in turns.

Each peer first shows which of its settings serves it best with so many callers (pools, processes,
channels); its rounds are made with that one. Ours has one setting.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from benchmarks.driver import ContestantError, Measured, Team
from benchmarks.figures import Report

Settings = Mapping[str, Any]

CALLERS: Final = (1, 32, 256)
BATCHES: Final = (1, 100)


class Plan(msgspec.Struct, frozen=True):
    """
    How long and how often.

    :param tuning_seconds: of each setting that a peer tries; 0 takes the first without trying.
    :param read: how many events are read from the beginning of each log.
    """

    rounds: int
    seconds: float
    tuning_seconds: float
    read: int
    callers: Sequence[int] = CALLERS
    batches: Sequence[int] = BATCHES


class Entry(msgspec.Struct, frozen=True):
    """
    One line of the contest: a contestant, and the settings it may try, the likeliest first.

    :param read: those for reading; none where there is nothing to read.
    """

    name: str
    team: Team
    candidates: Callable[[int], Sequence[Settings]]
    read: Sequence[Settings] = ()


def cell_name(name: str, callers: int, batch: int) -> str:
    """What the rounds of an entry are called."""
    what = "single events" if batch == 1 else f"batches of {batch}"
    return f"{name}: {what}, {callers} callers" if callers > 1 else f"{name}: {what}, 1 caller"


def read_name(name: str) -> str:
    """What the readings of an entry are called."""
    return f"{name}: reading the log"


OURS: Final = "homezone, bare"
WHOLE: Final = "homezone, whole append"
COPY: Final = "COPY, rows encoded before"
COPY_ENCODING: Final = "COPY, rows encoded inside"
UMADB: Final = "UmaDB"
LIBRARY: Final = "eventsourcing.postgres"
ALCHEMY: Final = "eventsourcing-sqlalchemy"
MESSAGE_DB: Final = "message-db"
EMMETT: Final = "Emmett"

_COPIES: Final = {COPY, COPY_ENCODING}
_OURS: Final = {OURS, WHOLE, *_COPIES}


def run(entries: Sequence[Entry], plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    """Appends at every number of callers, then the readings."""
    field = _Field(entries, report)
    for batch in plan.batches:
        for callers in plan.callers:
            say(f"{callers} callers, {batch} events an append")
            _appends(field, callers, batch, plan, report)
    say("reading")
    _readings(field, plan, report)


class _Field:
    """Who is still in the contest: a peer that fails leaves it, and the others go on."""

    def __init__(self, entries: Sequence[Entry], report: Report) -> None:
        self.entries = list(entries)
        self._report = report

    def in_turn(self, number: int) -> Sequence[Entry]:
        """Every round begins with another entry, so that none always follows the same."""
        first = number % len(self.entries)
        return (*self.entries[first:], *self.entries[:first])

    @contextmanager
    def one(self, entry: Entry) -> Iterator[None]:
        """Ask one of them something."""
        try:
            yield
        except ContestantError as error:
            if entry.name in _OURS:
                raise
            self.entries.remove(entry)
            self._report.left_out.append(f"{entry.name} left the contest: {error}")
            print(self._report.left_out[-1], file=sys.stderr)


def _appends(field: _Field, callers: int, batch: int, plan: Plan, report: Report) -> None:
    chosen: dict[str, Settings] = {}
    for one in list(field.entries):
        with field.one(one):
            chosen[one.name] = _tuned(one, callers, batch, plan.tuning_seconds)
    rounds: dict[str, list[Measured]] = {name: [] for name in chosen}
    rows = callers * batch
    for number in range(plan.rounds):
        for one in field.in_turn(number):
            with field.one(one):
                if one.name in _COPIES:
                    chosen[one.name] = {**chosen[one.name], "rows": rows}
                measured = one.team.append(callers, batch, plan.seconds, chosen[one.name])
                rounds[one.name].append(measured)
                if one.name == OURS:
                    rows = measured.told["rows"]
                    chosen[OURS] = {**chosen[OURS], "events a commit": rows}
    for one in field.entries:
        name = cell_name(one.name, callers, batch)
        _keep(report, name, rounds[one.name], chosen[one.name], cpu=one.name != COPY)


def _keep(
    report: Report, name: str, rounds: Sequence[Measured], settings: Settings, *, cpu: bool
) -> None:
    """A series; without processor time where some of it was used before the clock."""
    used = [one.cpu_us for one in rounds] if cpu else []
    report.add(name, [one.rate for one in rounds], used, settings=settings)


def _tuned(entry: Entry, callers: int, batch: int, seconds: float) -> Settings:
    candidates = entry.candidates(callers)
    if len(candidates) == 1 or not seconds:
        return candidates[0]
    rates = [
        (entry.team.append(callers, batch, seconds, one).rate, number)
        for number, one in enumerate(candidates)
    ]
    return candidates[max(rates)[1]]


def _readings(field: _Field, plan: Plan, report: Report) -> None:
    field.entries = [one for one in field.entries if one.read]
    there: dict[str, int] = {}
    chosen: dict[str, Settings] = {}
    for one in list(field.entries):
        with field.one(one):
            there[one.name] = fill(one, plan.read)
            chosen[one.name] = one.read[0]
            if plan.tuning_seconds:
                chosen[one.name] = tuned_reading(one, there[one.name])
    rounds: dict[str, list[Measured]] = {name: [] for name in there}
    for number in range(plan.rounds):
        for one in field.in_turn(number):
            with field.one(one):
                rounds[one.name].append(one.team.read(there[one.name], chosen[one.name]))
    for one in field.entries:
        settings = {**chosen[one.name], "events": there[one.name]}
        _keep(report, read_name(one.name), rounds[one.name], settings, cpu=True)


def tuned_reading(entry: Entry, events: int) -> Settings:
    """Which of its settings serves it best for reading so many."""
    tried = [entry.team.read(events, each).rate for each in entry.read]
    return entry.read[tried.index(max(tried))]


def fill(entry: Entry, wanted: int) -> int:
    """Have so many events in the log; how many there are, where it takes too long."""
    read = entry.read[0]
    settings = {**entry.candidates(32)[0], **{k: v for k, v in read.items() if k != "page"}}
    for _ in range(16):
        there = entry.team.read(wanted, read).events
        if there >= wanted:
            break
        entry.team.append(16, 100, 0.5, settings)
    return entry.team.read(wanted, read).events
