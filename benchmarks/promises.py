"""
What the log promises beside its peers, worked out from the contest's series.
"""

from benchmarks.contest import (
    ALCHEMY,
    CALLERS,
    COPY,
    COPY_ENCODING,
    EMMETT,
    LIBRARY,
    MESSAGE_DB,
    OURS,
    UMADB,
    WHOLE,
    cell_name,
    read_name,
)
from benchmarks.figures import Report, Series


def compare(report: Report) -> None:
    """Every ratio of the contest whose two sides were measured."""
    bare, whole = (report.find(cell_name(name, 256, 1)) for name in (OURS, WHOLE))

    umadb = _best(report, UMADB)
    report.compare("bare log, over UmaDB's best", bare, umadb, 3)
    report.compare("whole append, over UmaDB's best", whole, umadb, 1.5)
    for name, target in ((MESSAGE_DB, 15.0), (ALCHEMY, 60.0), (EMMETT, 15.0), (LIBRARY, None)):
        report.compare(f"bare log, over {name}'s best", bare, _best(report, name), target)
    copied = report.find(cell_name(COPY, 256, 1))
    encoded = report.find(cell_name(COPY_ENCODING, 256, 1))
    report.compare("bare log, over COPY of rows encoded before the clock", bare, copied, 0.6)
    report.compare("bare log, over COPY that encodes the same events inside", bare, encoded)
    many = _best(report, OURS, 100)
    for name in (UMADB, LIBRARY, ALCHEMY, MESSAGE_DB, EMMETT, COPY, COPY_ENCODING):
        report.compare(
            f"bare log in batches of 100, its best over {name}'s", many, _best(report, name, 100)
        )
    reading = report.find(read_name(OURS))
    report.compare(
        "reading and decoding the log, over UmaDB's reading",
        reading,
        report.find(read_name(UMADB)),
        0.4,
    )


def _best(report: Report, name: str, batch: int = 1) -> Series | None:
    """An entry at the number of callers that suits it best."""
    return report.best([cell_name(name, callers, batch) for callers in CALLERS])
