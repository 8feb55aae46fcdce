"""
``make bench``: the log against bare COPY, and HTTP against the server's own ``/healthz``.
"""

import argparse
import json
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks import http, log
from benchmarks.figures import Figure

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run all, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each time")
    given = parser.parse_args()
    began = time.monotonic()
    # A directory that the embedded server's account can enter.
    with TemporaryDirectory(prefix="homezone-bench-") as directory:
        Path(directory).chmod(0o711)
        figures = log.measure(Path(directory) / "log", given.rounds)
        figures += http.measure(Path(directory) / "http", given.rounds, given.seconds)
    _print(figures)
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    report = {
        "at": now.isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "seconds": round(time.monotonic() - began, 1),
        "figures": [figure.as_json() for figure in figures],
    }
    path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"written to {path}")


def _print(figures: list[Figure]) -> None:
    table = Table("figure", "per second (median)", "over", "ratio")
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f} ×"
        table.add_row(figure.name, f"{figure.median:,.0f}", figure.over or "", ratio)
    Console().print(table)


if __name__ == "__main__":
    main()
