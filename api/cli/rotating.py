"""
``homezone keys rotate``.
"""

import sys
from pathlib import Path

from api.cli.failures import Failed
from api.wiring.keys import VaultFault, rotate


def run(data_dir: Path) -> None:
    """Replace the master key, and say how many keys it wraps."""

    def tell(count: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{count:,} keys", end="", file=sys.stderr, flush=True)

    try:
        count = rotate(data_dir / "keys", tell)
    except VaultFault as fault:
        raise Failed(str(fault)) from fault
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(
        f"keys wrapped anew: {count:,}; keep a copy of the new {data_dir / 'keys' / 'master.key'}"
    )
