"""
``homezone audit export`` and ``homezone audit check``: evidence for a stranger, and the stranger.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from api.cli.auditing import progress, verifier
from api.cli.failures import Failed
from api.cli.sizes import in_words
from api.http.positions import parse_moment
from api.wiring.keys import existing_vault
from api.wiring.store import open_store
from domain.evidence.bundles import BadBundle
from domain.evidence.questions import Filter, Kind
from replay.altered import Altered
from replay.bundles.checking import OnEvent, check_bundle
from replay.bundles.choosing import Moment, NoSuchRange, NotSigned
from replay.bundles.making import Asked, Made, make
from replay.bundles.tables import NoParquet, table
from replay.bundles.vaults import destroyed_in
from replay.bundles.verdict import verdict

#: The notary signs once a second; what was written just now is waited for.
_WAIT_SECONDS = 5.0


def run_export(
    out: Path,
    data_dir: Path,
    database_url: str | None,
    *,
    since: str | None,
    until: str | None,
    wanted: tuple[Kind, UUID | None, UUID | None],
    witnesses: Sequence[str],
) -> None:
    """Write the bundle; it is there once it is whole."""
    asked = Asked(_moment(since, "--from"), _moment(until, "--to"), Filter(*wanted))
    known = [verifier(one) for one in witnesses]
    try:
        with (
            open_store(data_dir, database_url) as store,
            existing_vault(data_dir / "keys") as vault,
            progress("exporting") as told,
        ):

            def attempt() -> Made:
                return make(
                    store.database.server,
                    store.log.reader.heads_at,
                    asked,
                    out,
                    destroyed=destroyed_in(vault),
                    witnesses=known,
                    on_step=lambda step: told(step.done, step.total, step.per_second),
                )

            made = _signed(attempt)
    except NotSigned:
        raise Failed("the notary has not signed all of that range yet") from None
    except NoSuchRange as error:
        raise Failed(str(error), 2) from None
    except (Altered, BadBundle) as altered:
        raise Failed(f"the history was altered: {altered}") from None
    except OSError as error:
        raise Failed(f"{out}: {error.strerror}") from None
    print(
        f"{out}: {in_words(out.stat().st_size)}, {made.reckoned.events:,} events and"
        f" {made.reckoned.records:,} records, in the tree of {made.checkpoint:,} leaves"
    )


def run_check(file: Path, *, key: str | None, witnesses: Sequence[str]) -> None:
    """Check a bundle, and say what it is evidence of."""
    _check(file, key, witnesses, None)


def run_table(file: Path, out: Path, *, key: str | None, witnesses: Sequence[str]) -> None:
    """Check a bundle, say what it is evidence of, and write its events as a table."""
    try:
        with table(out) as rows:
            _check(file, key, witnesses, rows.add)
    except NoParquet:
        raise Failed("Parquet takes pyarrow: .venv/bin/pip install pyarrow", 2) from None
    except OSError as error:
        raise Failed(f"{out}: {error.strerror}") from None
    print(f"{out}: {in_words(out.stat().st_size)}")


def _check(file: Path, key: str | None, witnesses: Sequence[str], on_event: OnEvent | None) -> None:
    log = None if key is None else verifier(key)
    known = [verifier(one) for one in witnesses]
    try:
        checked = check_bundle(file, log, known, on_event)
    except BadBundle as error:
        raise Failed(f"does not hold: {error}") from None
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}", 2) from None
    print("\n".join(verdict(checked)))


def _signed(attempt: Callable[[], Made]) -> Made:
    give_up_at = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            return attempt()
        except NotSigned:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.25)


def _moment(given: str | None, option: str) -> Moment:
    try:
        return None if given is None else parse_moment(given)
    except ValueError as error:
        raise Failed(f"{option} takes positions or a time: {error}", 2) from None
