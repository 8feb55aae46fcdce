"""
The process that tries rules on history, apart from whoever asked: a server goes on serving, at its
own pace, in its own memory.

The set is made ready once; then the process divides, and each part takes some cells with a
connection and a vault of its own. It divides while it has one thread and no connection.

Run as ``python -m replay.backtest.process``; :mod:`replay.backtest.words` holds the words.
"""

import gc
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.reader import Reader
from adapters.screening import RuleMatcher
from adapters.vault import FileKeyVault
from commands.ports import BadRule, Matcher, WordMatcher
from domain.catalogue import EVENTS
from domain.rulebook import RULEBOOK, RULEBOOK_STREAM
from domain.rules import content_hash, packed
from replay.backtest.report import (
    Report,
    Tally,
    added,
    contradicted,
    differing,
    rules_found,
    unchanged,
)
from replay.backtest.trial import Trial
from replay.backtest.words import (
    SAMPLE_MAX,
    Bad,
    Began,
    Done,
    Failed,
    Job,
    Moment,
    Progress,
    Word,
    decode_job,
    encode,
)

_TELL_SECONDS: Final = 0.25
_COLLECT: Final = (20_000, 20, 20)
_fork = multiprocessing.get_context("fork")


class Range(NamedTuple):
    """A cell's events with ``after < position <= until``; ``head`` is where the cell ends."""

    cell: int
    after: int
    until: int
    head: int


class WorkerFailed(Exception):
    """A part of the work did not come to its end."""


#: What a part says: how many more events are done, a cell's tally, or what went wrong.
_Said: TypeAlias = int | tuple[int, Tally] | str


def main() -> None:
    """Do the job on standard input; the last word tells how it ended."""
    try:
        job = decode_job(sys.stdin.buffer.read())
        os.nice(job.niceness)
        say(_do(job))
    except BadRule as bad:
        say(Bad(bad.rule, bad.reason, bad.field))
    except BrokenPipeError:
        # Whoever asked is gone.
        os._exit(1)
    except Exception as error:  # noqa: BLE001 - no traceback ever meets a user
        say(Failed(" ".join(str(error).split())[:300] or type(error).__name__))


def say(word: Word) -> None:
    """Tell whoever asked."""
    sys.stdout.buffer.write(encode(word) + b"\n")
    sys.stdout.buffer.flush()


def _do(job: Job) -> Done:
    words = RuleMatcher(alone=True)
    matcher = words.compile(job.name, job.rules)
    with _log(job) as log:
        ranges = list(_ranges(log, job))
        level = _level(log) if job.level is None else job.level
    total = sum(one.until - one.after for one in ranges)
    say(Began(total, level))
    began, used = time.monotonic(), _cpu_seconds()
    tallies = dict(_tallies(job, words, matcher, level, ranges, total))
    whole = added((tallies[cell] for cell in sorted(tallies)), min(job.sample, SAMPLE_MAX))
    report = Report(
        set=job.name,
        hash=content_hash(packed(job.rules)),
        level=level,
        normaliser=words.normaliser,
        since=_positions({one.cell: one.after for one in ranges}),
        until=_positions({one.cell: one.until for one in ranges}),
        events=total,
        texts=sum(whole.kinds.values()),
        by_kind=dict(sorted(whole.kinds.items())),
        unreadable=whole.unreadable,
        unfinished=whole.unfinished,
        found=whole.found,
        unchanged=unchanged(whole),
        newly_caught=differing(whole, "newly_caught"),
        no_longer_caught=differing(whole, "no_longer_caught"),
        otherwise_caught=differing(whole, "otherwise_caught"),
        by_rule=rules_found(whole),
        by_category=dict(sorted(whole.categories.items())),
        contradicted=contradicted(whole),
        members=whole.members,
    )
    return Done(report, time.monotonic() - began, _cpu_seconds() - used)


@contextmanager
def _log(job: Job) -> Iterator[Reader]:
    database = Database(job.database_url, "homezone-backtest")
    reader = Reader(database.server, EVENTS)
    try:
        yield reader
    finally:
        reader.close()
        database.dispose()


def _ranges(log: Reader, job: Job) -> Iterator[Range]:
    heads = log.heads()
    since = {} if job.since is None else _vector(log, job.since)
    until = heads if job.until is None else _vector(log, job.until)
    for cell, head in sorted(heads.items()):
        end = min(until.get(cell, 0), head)
        yield Range(cell, min(since.get(cell, 0), end), end, head)


def _vector(log: Reader, moment: Moment) -> Mapping[int, int]:
    return log.heads_at(moment) if isinstance(moment, datetime) else moment


def _level(log: Reader) -> int:
    (history,) = log.read_streams([(RULEBOOK_STREAM, 0, None)])
    return RULEBOOK.fold((one.event for one in history), RULEBOOK.initial).level


def _positions(vector: Mapping[int, int]) -> str:
    return ",".join(f"{cell}-{at}" for cell, at in vector.items())


def _tallies(
    job: Job,
    words: WordMatcher,
    matcher: Matcher,
    level: int,
    ranges: Sequence[Range],
    total: int,
) -> Iterator[tuple[int, Tally]]:
    """Every cell's tally, as they come in, with word of how far it is."""
    # What is there by now is never garbage; left alone, it stays shared with the parts. What comes
    # is gone by itself, all but a little, and need not be looked through at every turn.
    gc.freeze()
    gc.set_threshold(*_COLLECT)
    ends = [
        _begin(job, words, matcher, level, share)
        for share in shares(ranges, job.processes)
        if share
    ]
    began, told, done = time.monotonic(), 0.0, 0
    while ends:
        for end in wait(ends):
            assert isinstance(end, Connection)
            try:
                said: _Said = end.recv()
            except EOFError:
                ends.remove(end)
                continue
            if isinstance(said, int):
                done += said
            elif isinstance(said, str):
                raise WorkerFailed(said)
            else:
                yield said
        now = time.monotonic()
        if now - told > _TELL_SECONDS:
            told, rate = now, done / max(1e-9, now - began)
            say(Progress(done, total, rate, (total - done) / max(1.0, rate)))
    if done != total:
        raise WorkerFailed("a part of the work ended before it was done")


def shares(ranges: Sequence[Range], number: int) -> list[list[Range]]:
    """Cells in about equal shares: the largest first, each to whoever has least."""
    dealt: list[list[Range]] = [[] for _ in range(max(1, number))]
    sizes = [0] * len(dealt)
    for one in sorted(ranges, key=lambda one: (one.after - one.until, one.cell)):
        least = sizes.index(min(sizes))
        dealt[least].append(one)
        sizes[least] += one.until - one.after
    return dealt


def _begin(
    job: Job, words: WordMatcher, matcher: Matcher, level: int, share: Sequence[Range]
) -> Connection:
    mine, theirs = _fork.Pipe(duplex=False)
    part = _fork.Process(
        target=_work, args=(job, words, matcher, level, share, theirs, os.getpid()), daemon=True
    )
    part.start()
    # Ours alone must not keep it open: its end is how a part that was killed is noticed.
    theirs.close()
    return mine


def _work(
    job: Job,
    words: WordMatcher,
    matcher: Matcher,
    level: int,
    share: Sequence[Range],
    end: Connection,
    parent: int,
) -> None:
    def tell(events: int) -> None:
        if os.getppid() != parent:
            os._exit(1)
        end.send(events)

    try:
        vault = FileKeyVault(Path(job.keys), SystemClock(), lent=job.lent)
        with _log(job) as log:
            sample = min(job.sample, SAMPLE_MAX)
            trial = Trial(log, vault.open, words, matcher, job.name, level, sample)
            for one in share:
                end.send((one.cell, trial.cell(*one, tell)))
        vault.close()
    except Exception as error:  # noqa: BLE001 - told by whoever asked
        end.send(f"{type(error).__name__}: {error}")


def _cpu_seconds() -> float:
    used = 0.0
    # Parts that have ended are counted once they were waited for.
    multiprocessing.active_children()
    for part in multiprocessing.active_children():
        part.join(5)
    for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(whose)
        used += usage.ru_utime + usage.ru_stime
    return used


if __name__ == "__main__":
    main()
