"""
``homezone backup`` and ``homezone restore``.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from api.cli.failures import Failed
from api.cli.sizes import in_words
from api.http.positions import format_positions, parse_moment
from api.wiring.backup import Plan, Restored, Work, restore, take_backup
from domain.erasure import Terms


def run_backup(
    directory: Path, data_dir: Path, database_url: str | None, keys_to: Path | None, bucket: bool
) -> None:
    """Back up what is new, and say what the backup holds."""
    with _progress() as on_work:
        taken = take_backup(directory, data_dir, database_url, keys_to, on_work, bucket=bucket)
    if taken.part is None:
        print(f"nothing new since {_shown(taken.backup.taken_at)}")
    else:
        print(f"part {taken.part.number}: {taken.part.events:,} events")
    if taken.photos is None:
        print("photos stay in their bucket, which is not part of this backup")
    elif taken.photos:
        print(f"photos: {taken.photos:,} files")
    print(f"{directory}: {taken.events:,} events, {in_words(taken.size)}")


def run_restore(
    directory: Path,
    data_dir: Path,
    database_url: str | None,
    *,
    until: str | None,
    keys: Path | None,
    accept_lost_keys: bool,
    check: bool,
    bucket: bool,
    notary_key: Path | None,
    terms: Terms,
) -> None:
    """Check a backup and restore it, and say what is there."""
    try:
        moment = None if until is None else parse_moment(until)
    except ValueError as error:
        raise Failed(f"--until takes positions or a time: {error}", 2) from None
    plan = Plan(
        directory=directory,
        data_dir=data_dir,
        database_url=database_url,
        until=moment,
        keys=keys,
        accept_lost_keys=accept_lost_keys,
        check_only=check,
        bucket=bucket,
        notary_key=notary_key,
        terms=terms,
    )
    with _progress() as on_work:
        restored = restore(plan, on_work, lambda line: print(line, file=sys.stderr, flush=True))
    what = "would restore" if check else "restored"
    at = {cell: position for cell, position in restored.positions.items() if position}
    print(f"{what} {restored.events:,} events, up to {format_positions(at)}")
    if restored.photos is None:
        print("photos are in their bucket, which is not part of a backup")
    elif restored.photos.missing:
        there, missing = restored.photos
        print(f"photos: {there:,} files; {missing:,} are missing: they were not backed up")
    elif restored.photos.there:
        print(f"photos: {restored.photos.there:,} files, each what its name says")
    if not check:
        print(notary_line(restored))
    print(f"backed up at {_shown(restored.taken_at)}, equal to its checkpoint")
    print(f"erased keys: {restored.erased:,}, of which destroyed again: {restored.erased_again:,}")


def notary_line(restored: Restored) -> str:
    """What becomes of the tree over the log."""
    if not restored.leaves:
        why = (
            "; its key is not here, and the saved tree stays in the backup"
            if restored.saved
            else ""
        )
        return f"the notary begins a tree{why}"
    there = f"the notary's tree has {restored.leaves:,} leaves"
    if restored.signed > restored.leaves:
        return (
            f"{there}, and {restored.signed:,} were signed: it signs no more until you have seen to"
            " it (homezone audit set-back)"
        )
    return f"{there}; whoever saw more of it will see that it was set back"


@contextmanager
def _progress() -> Iterator[Callable[[Work], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    # Transient: what remains on the screen is the outcome, in one line if it is a failure.
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def on_work(work: Work) -> None:
            if work.step not in tasks:
                tasks[work.step] = progress.add_task(work.step)
            progress.update(tasks[work.step], completed=work.done, total=work.total)

        yield on_work


def _shown(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
