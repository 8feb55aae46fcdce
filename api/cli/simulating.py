"""
``homezone simulate``.
"""

import sys
from datetime import timedelta
from pathlib import Path

import uvloop
from rich.console import Console

from api.cli.failures import Failed
from api.simulation.client import Unreachable
from api.simulation.run import simulate
from api.tokens import Role
from api.wiring.tokens import token_issuer, utc_now


def run(
    data_dir: Path,
    url: str,
    *,
    users: int,
    actions: int,
    seed: int,
    concurrency: int,
    writes_only: bool,
) -> None:
    """Run the workload and print its summary."""
    issuer = token_issuer(data_dir)

    def token(qq: int, role: str) -> str:
        return issuer.issue(qq, Role(role), timedelta(days=1), utc_now())

    try:
        summary = uvloop.run(
            simulate(
                url,
                token,
                users=users,
                actions=actions,
                seed=seed,
                concurrency=concurrency,
                writes_only=writes_only,
            )
        )
    except (Unreachable, ValueError) as error:
        raise Failed(str(error)) from error
    Console().print(summary.table())
    sys.stdout.flush()
    if summary.exit_status:
        raise Failed("some answers were not what the contract promises")
