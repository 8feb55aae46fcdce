"""
schemathesis over any application that serves its own OpenAPI document.

It runs as its own process against a real socket: examples, boundary values, generated requests
valid and not, and walks through the links between operations, with every check it knows.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

_HOOKS = Path(__file__).with_name("schema_hooks.py")
#: A valid request may still meet a rule that no schema can say.
_SETTINGS = """\
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 402, 403, 404, 409, 412, 422, 429, 503, 504]
"""
PHASES = ("examples", "coverage", "fuzzing", "stateful")


class Report(msgspec.Struct, frozen=True):
    """What a run found: ``output`` says how to repeat each failure."""

    passed: bool
    output: str


async def run_schemathesis(
    url: str,
    directory: Path,
    *,
    headers: Mapping[str, str],
    max_examples: int = 20,
    seed: int = 1,
    phases: Sequence[str] = PHASES,
    exclude_operations: Sequence[str] = (),
    exclude_checks: Sequence[str] = (),
    workers: int = 1,
    seconds_max: float = 240,
) -> Report:
    """
    Drive the API at ``url`` with everything schemathesis has.

    :param directory: a scratch directory; nothing is written anywhere else.
    :param exclude_operations: operationIds that no generated request can drive, such as streams.
    """
    arguments = [
        "run",
        f"{url}/openapi.json",
        f"--phases={','.join(phases)}",
        f"--max-examples={max_examples}",
        f"--seed={seed}",
        f"--workers={workers}",
        "--checks=all",
        "--no-shrink",
        "--request-timeout=10",
        "--output-sanitize=true",
        "--no-color",
        "--warnings=off",
        "--continue-on-failure",
        "--suppress-health-check=all",
        "--generation-database=none",
    ]
    arguments += [f"--header={name}:{value}" for name, value in headers.items()]
    arguments += [f"--exclude-operation-id={name}" for name in exclude_operations]
    if exclude_checks:
        arguments.append(f"--exclude-checks={','.join(exclude_checks)}")
    (directory / "schemathesis.toml").write_text(_SETTINGS)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from schemathesis.cli import schemathesis; schemathesis()",
        *arguments,
        cwd=directory,
        env={**os.environ, "COLUMNS": "120", "SCHEMATHESIS_HOOKS": str(_HOOKS)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(seconds_max):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        output, _ = await process.communicate()
        return Report(False, output.decode(errors="replace") + f"\nlonger than {seconds_max} s")
    return Report(process.returncode == 0, output.decode(errors="replace"))
