"""
``homezone ledger export``: the books as a file for other programs.
"""

from pathlib import Path

from api.billing.export import Format, Moment, export
from api.cli.failures import Failed
from api.cli.sizes import in_words
from api.http.positions import parse_moment
from api.wiring.store import open_store


def run_export(
    out: Path,
    data_dir: Path,
    database_url: str | None,
    *,
    format: Format,
    since: str | None,
    until: str | None,
) -> None:
    """Write the file; it is there once it is whole."""
    start, end = _moment(since, "--from"), _moment(until, "--to")
    partial = out.with_name(f"{out.name}.partial")
    try:
        with (
            open_store(data_dir, database_url) as store,
            partial.open("w", encoding="utf-8") as file,
        ):
            for piece in export(store.log.reader, format, start, end):
                file.write(piece)
        partial.replace(out)
    except OSError as error:
        raise Failed(f"{out}: {error.strerror}") from None
    print(f"{out}: {in_words(out.stat().st_size)} for {format}")


def _moment(given: str | None, option: str) -> Moment | None:
    try:
        return None if given is None else parse_moment(given)
    except ValueError as error:
        raise Failed(f"{option} takes positions or a time: {error}", 2) from None
