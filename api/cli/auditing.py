"""
``homezone audit``: is the history what was signed?
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from api.cli.failures import Failed
from api.wiring.auditing import kept_here
from api.wiring.store import open_store
from domain.evidence.notes import BadNote, Verifier
from replay.altered import Altered
from replay.verify import Saved, saved_of, verify


def run_verify(
    data_dir: Path,
    database_url: str | None,
    *,
    checkpoint: Path | None,
    keys: Sequence[str],
    witnesses: Sequence[str],
) -> None:
    """Verify everything, and fail with the first position at fault."""
    log = [verifier(one) for one in keys]
    known = [verifier(one) for one in witnesses]
    try:
        saved = [kept_here(data_dir)] if checkpoint is None else [_saved(checkpoint, log, known)]
        with open_store(data_dir, database_url) as store, progress("verifying") as told:
            done = verify(
                store.database.server,
                keys=log,
                saved=[one for one in saved if one is not None],
                witnesses=known,
                on_step=lambda step: told(step.done, step.total, step.per_second),
            )
    except Altered as altered:
        raise Failed(f"the history was altered: {altered}") from None
    print(f"{done.leaves:,} events are what was signed, at {done.checkpoints:,} checkpoints")
    if known:
        print(f"of these, {done.witnessed:,} are vouched for by a witness")
    if done.waiting:
        print(f"{done.waiting:,} newer events wait for the notary")


def _saved(path: Path, log: Sequence[Verifier], witnesses: Sequence[Verifier]) -> Saved:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}", 2) from None
    return saved_of(raw, log, witnesses)


def verifier(vkey: str) -> Verifier:
    """A verifier key that was given; wrong usage if it is none."""
    try:
        return Verifier.parse(vkey)
    except BadNote as error:
        raise Failed(str(error), 2) from None


@contextmanager
def progress(doing: str) -> Iterator[Callable[[int, int, float], None]]:
    """A bar on stderr, told of events done, of all, and of how many a second."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} events, {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(doing, total=0, rate=0.0)

        def told(done: int, total: int, per_second: float) -> None:
            bar.update(task, completed=done, total=total, rate=per_second)

        yield told
