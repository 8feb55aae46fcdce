"""
``homezone migrate``: what a deployment runs before its servers, where those may not.
"""

import sys
from pathlib import Path

from api.wiring.store import bring_up_to_date


def run(data_dir: Path, database_url: str | None, cells: int) -> None:
    """Migrate, and say what there is now."""
    found = bring_up_to_date(
        data_dir, database_url, cells, lambda line: print(line, file=sys.stderr)
    )
    print(f"up to date: {found} cells")
