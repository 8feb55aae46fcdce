"""
Sealed texts shown at the terminal: as over HTTP for a stated purpose, and not before the log has it
who read them.
"""

import asyncio
from pathlib import Path

import msgspec

from api.cli.failures import Failed
from api.examples import Texts, examples_of, opened
from api.http.parameters import stated_purpose
from api.services import staff_id
from api.wiring.aside import executor_beside
from api.wiring.store import Store
from commands.disclosures import RecordDisclosure, record_disclosure
from commands.work import Context
from domain.ids import StreamId, cell_of
from replay.backtest.report import Report

#: Of those who may open them over HTTP, the one who tries rules.
_ROLE = "compliance"
_SURFACE = "rules_backtest"


class Reader(msgspec.Struct, frozen=True):
    """Who reads, by QQ number, and what for."""

    qq: int
    purpose: str


def reader(qq: int | None, purpose: str | None) -> Reader | None:
    """Whoever is to read sealed texts; None when nobody is."""
    if (qq is None) != (purpose is None):
        raise Failed("--purpose and --user go together: who reads, and what for", 2)
    if qq is None or purpose is None:
        return None
    if not 10_000 <= qq <= 99_999_999_999:
        raise Failed("--user takes a QQ number of 5 to 11 digits", 2)
    try:
        return Reader(qq, stated_purpose(purpose.strip()))
    except ValueError:
        raise Failed("--purpose takes 1 to 500 printable characters", 2) from None


def disclosed(store: Store, keys: Path, report: Report, who: Reader) -> Texts:
    """What a report's examples say, after it was recorded that they are read."""
    return asyncio.run(_disclosed(store, keys, report, who))


async def _disclosed(store: Store, keys: Path, report: Report, who: Reader) -> Texts:
    with executor_beside(store, keys) as executor:
        recorded = await examples_of(store.log, report)
        if recorded:
            staff = staff_id(executor.vault, executor.log.cells, who.qq)
            command = executor.new_id(cell_of(staff))
            context = Context(
                actor=staff,
                cell=cell_of(staff),
                command=command,
                correlation=command,
                effective_at=executor.clock.now(),
            )
            streams = tuple(sorted({StreamId(one.stream) for one in recorded}))
            reading = RecordDisclosure(_ROLE, who.purpose, _SURFACE, streams)
            await executor.execute(record_disclosure, reading, context)
        return opened(recorded, executor.vault.open)
