"""
``homezone rules backtest``: a rule set tried on history, beside a server or without one.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from api.cli.disclosing import disclosed, reader
from api.cli.failures import Failed
from api.examples import Texts
from api.http.positions import parse_moment
from api.wiring.store import open_store
from domain.rules import RuleSet
from domain.screening import Hit
from replay.backtest import words
from replay.backtest.asking import backtest
from replay.backtest.report import Contradicted, Differing, Report

_RULES_SHOWN = 20


def run_backtest(
    file: Path,
    data_dir: Path,
    database_url: str | None,
    *,
    name: str | None,
    since: str | None,
    until: str | None,
    level: int | None,
    sample: int,
    as_json: bool,
    purpose: str | None,
    user: int | None,
) -> None:
    """Try a rule set on history, and say what it would have done."""
    who = reader(user, purpose)
    rules = _rules(file)
    start, end = _moment(since, "--from"), _moment(until, "--to")
    with open_store(data_dir, database_url) as store:
        job = words.Job(
            database_url=store.url,
            keys=str(data_dir / "keys"),
            name=name or file.stem,
            rules=rules,
            level=level,
            since=start,
            until=end,
            sample=sample,
            processes=len(os.sched_getaffinity(0)),
        )
        report = _run(job, file)
        texts = None if who is None else disclosed(store, data_dir / "keys", report, who)
    if as_json:
        said = report if texts is None else {"report": report, "texts": texts}
        print(msgspec.json.format(msgspec.json.encode(said), indent=2).decode())
    else:
        _show(report, texts or {}, Console(highlight=False, soft_wrap=True))


def _rules(file: Path) -> RuleSet:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Failed(f"{file}: {error.strerror}", 2) from None
    try:
        return msgspec.json.decode(data, type=RuleSet)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        raise Failed(f"{file}: {_pointer(place)}: {what}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failed(f"{file} is not JSON: {error}") from None


def _pointer(place: str) -> str:
    """A JSON pointer from what msgspec says: ``.rules[1].id`` is ``/rules/1/id``."""
    plain = place.rstrip("`").replace("[", ".").replace("]", "")
    return plain.replace(".", "/") or "the whole of it"


def _moment(given: str | None, option: str) -> words.Moment | None:
    try:
        return None if given is None else parse_moment(given)
    except ValueError as error:
        raise Failed(f"{option} takes positions or a time: {error}", 2) from None


def _run(job: words.Job, file: Path) -> Report:
    with _progress() as told:
        for word in backtest(job):
            match word:
                case words.Bad(rule=rule, reason=reason, field=field):
                    raise Failed(f"{file}: {field}: rule {rule!r}: {reason}")
                case words.Failed(error=error):
                    raise Failed(error)
                case words.Done(report=report):
                    return report
                case words.Progress():
                    told(word)
                case words.Began():
                    told(words.Progress(0, word.events, 0.0, 0.0))
    raise Failed("the process that tries the rules has ended")


@contextmanager
def _progress() -> "Iterator[_Told]":
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} events, {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    # Transient: what remains on the screen is the outcome, in one line if it is a failure.
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        yield _Told(shown)


class _Told:
    """Moves the bar on."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._task = shown.add_task("trying", total=0, rate=0.0)

    def __call__(self, word: words.Progress) -> None:
        self._shown.update(
            self._task,
            completed=word.events_done,
            total=word.events_total,
            rate=word.events_per_second,
        )


def _show(report: Report, texts: Texts, console: Console) -> None:
    kinds = ", ".join(f"{number:,} {kind}s" for kind, number in report.by_kind.items())
    console.print(f"set         {report.set}, at level {report.level}")
    console.print(f"history     {report.events:,} events, up to {report.until}")
    console.print(f"texts       {report.texts:,}" + (f": {kinds}" if kinds else ""))
    console.print(f"unreadable  {report.unreadable:,}, their keys are destroyed")
    console.print(f"found in    {report.found:,}")
    if report.unfinished:
        console.print(f"unfinished  {report.unfinished:,} of those: held, they take too much")
    console.print(f"unchanged   {report.unchanged:,}")
    _differing(console, "newly caught", report.newly_caught, texts)
    _differing(console, "no longer caught", report.no_longer_caught, texts)
    _differing(console, "caught otherwise", report.otherwise_caught, texts)
    _contradicted(console, report.contradicted, texts)
    console.print(f"members     {report.members:,} would have fared otherwise")
    if report.by_rule:
        table = Table("rule", "texts")
        for one in report.by_rule[:_RULES_SHOWN]:
            table.add_row(one.rule, f"{one.texts:,}")
        console.print(table)
    if report.by_category:
        table = Table("category", "texts")
        for category, number in report.by_category.items():
            table.add_row(category, f"{number:,}")
        console.print(table)


def _differing(console: Console, what: str, found: Differing, texts: Texts) -> None:
    console.print(f"{what}: {found.texts:,}")
    for change in found.changes:
        console.print(f"  {change.then} → {change.would}: {change.texts:,}")
    for one in found.examples:
        spans = ", ".join(f"{_named(hit)} {hit.field}[{hit.start}:{hit.end}]" for hit in one.hits)
        console.print(f"  {one.position} {one.kind} {one.id}: {one.then} → {one.would}; {spans}")
        _said(console, texts.get(one.position))


def _named(hit: Hit) -> str:
    return hit.category if hit.unfinished else hit.rule


def _contradicted(console: Console, found: Contradicted, texts: Texts) -> None:
    console.print(f"contradicts {found.decisions:,} of {found.of:,} decisions by people")
    for one in found.examples:
        rules = ", ".join(map(_named, one.hits)) or "nothing found"
        console.print(
            f"  {one.position} {one.verdict} of {one.subject} {one.id}: {one.would}; {rules}"
        )
        _said(console, texts.get(one.text))


def _said(console: Console, text: Mapping[str, str | None] | None) -> None:
    """What a member wrote, a line a field; escaped, since it is not to command a terminal."""
    for field, written in (text or {}).items():
        shown = "can no longer be read" if written is None else repr(written)
        console.print(f"    {field}: {shown}", markup=False)
