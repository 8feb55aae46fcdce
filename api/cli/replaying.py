"""
``homezone replay``: read models, from the log.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from api.cli.failures import Failed
from api.http.positions import format_positions, parse_positions
from api.routes.audit import time_of
from api.wiring.collecting import collect_rarely, take_short_turns
from api.wiring.keys import destroyed_keys
from api.wiring.models import MODELS
from api.wiring.store import open_replay, open_store
from replay.as_of import BadSchema, as_of, check_name
from replay.check import check
from replay.progress import Progress as Fed
from replay.rebuild import rebuild
from replay.together import processes


def run_rebuild(data_dir: Path, database_url: str | None, names: Sequence[str]) -> None:
    """Rebuild, swap in, and say where each model stood."""
    chosen = _names(names)
    collect_rarely()
    take_short_turns()
    with (
        open_store(data_dir, database_url, as_owner=True) as store,
        _progress("rebuilding") as told,
    ):
        done = rebuild(
            store.log.reader,
            store.database.owner,
            MODELS,
            store.clock,
            uuid4(),
            names=chosen,
            on_progress=told,
            open_=partial(open_replay, store.url),
            helpers=processes() - 1,
        )
    for one in done:
        print(f"{one.model}: rebuilt from {sum(one.positions.values())} events and swapped in")


def run_check(data_dir: Path, database_url: str | None, names: Sequence[str]) -> None:
    """Compare, and fail with the differing rows if there are any."""
    chosen = _names(names)
    collect_rarely()
    take_short_turns()
    with (
        open_store(data_dir, database_url, as_owner=True) as store,
        _progress("checking") as told,
    ):
        results = check(
            store.log.reader,
            store.database.owner,
            MODELS,
            store.clock,
            uuid4(),
            names=chosen,
            on_progress=told,
            open_=partial(open_replay, store.url),
            helpers=processes() - 1,
            destroyed=destroyed_keys(data_dir / "keys"),
        )
    for one in results:
        verdict = f"{one.differing} differ" if one.differing else "equal to a rebuild"
        erased = f"; erased since: {one.erased} values" if one.erased else ""
        print(f"{one.model}: {one.rows} rows, {verdict}{erased}")
        for difference in one.differences:
            print(f"  {difference}")
    if any(one.differing for one in results):
        raise Failed("some read models differ from a rebuild")


def run_as_of(data_dir: Path, database_url: str | None, when: str, schema: str) -> None:
    """Make them, and say where they are."""
    moment = _moment(when)
    try:
        check_name(schema)
    except BadSchema as error:
        raise Failed(str(error), 2) from None
    collect_rarely()
    take_short_turns()
    with (
        open_store(data_dir, database_url, as_owner=True) as store,
        _progress("looking back") as told,
    ):
        try:
            made = as_of(
                store.log.reader,
                store.database.owner,
                MODELS,
                moment,
                schema,
                store.clock,
                uuid4(),
                on_progress=told,
                open_=partial(open_replay, store.url),
                helpers=processes() - 1,
            )
        except (BadSchema, ValueError) as error:
            raise Failed(str(error), 2) from None
    print(f"{schema}: {made.tables} tables as of {format_positions(made.positions)}")


def _moment(when: str) -> datetime | Mapping[int, int]:
    try:
        return time_of(when) if "T" in when else parse_positions(when)
    except ValueError as error:
        raise Failed(f"{when}: {error}", 2) from None


def _names(names: Sequence[str]) -> list[str]:
    """The models meant, in the order in which they are listed; all, when none is named."""
    known = [model.name for model in MODELS]
    for name in names:
        if name not in known:
            raise Failed(f"there is no read model {name}; there are: {', '.join(known)}", 2)
    return [name for name in known if name in names or not names]


@contextmanager
def _progress(what: str) -> Iterator[Callable[[Fed], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} events, {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=0, rate=0.0)

        def told(fed: Fed) -> None:
            progress.update(
                task, completed=fed.events_done, total=fed.events_total, rate=fed.events_per_second
            )

        yield told
