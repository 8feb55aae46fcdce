"""
The README's tour, run as it stands: a server by the command it names, then each block by bash.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.support.database import enterable_directory, remove_data

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS_MAX = 120.0
BLOCK_SECONDS_MAX = 60.0

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_END = "-- end of step --"


class Step(msgspec.Struct, frozen=True):
    """A block of commands and what the README shows below it, ``…`` standing for anything."""

    commands: str
    shown: str | None


def tour(readme: str) -> list[Step]:
    """The steps of the README's tour: each ``sh`` block, with the block of output that follows."""
    section = readme.partition("## A five-minute tour")[2].partition("\n## ")[0]
    blocks: list[tuple[str, str]] = _BLOCK.findall(section)
    steps = []
    for index, (language, commands) in enumerate(blocks):
        if language == "sh":
            following = blocks[index + 1] if index + 1 < len(blocks) else ("sh", "")
            steps.append(Step(commands, None if following[0] == "sh" else following[1]))
    return steps


def shown_as(shown: str, printed: str) -> bool:
    """Whether a block of output, in which ``…`` stands for anything, is what was printed."""
    pattern = ".*".join(re.escape(part) for part in shown.rstrip("\n").split("…"))
    return re.fullmatch(pattern, printed.replace("\r", "").rstrip("\n"), re.DOTALL) is not None


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """What the README's reader has: `make serve` running, with data of its own on a free port."""
    directory = enterable_directory()
    removed = ("DATABASE_URL", "LIMITS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    inherited = {name: value for name, value in os.environ.items() if name not in removed}
    data = directory / "data"
    own = {**inherited, "PORT": "0", "DATA": str(data), "COLUMNS": "300", "TMPDIR": str(directory)}
    log = directory / "serve.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["make", "serve"],
            cwd=ROOT,
            env=own,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await_welcome(server, log)
        yield own
    finally:
        os.killpg(server.pid, signal.SIGINT)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
            raise
        finally:
            remove_data(directory)


def _await_welcome(server: "subprocess.Popen[bytes]", log: Path) -> None:
    ends_at = time.monotonic() + START_SECONDS_MAX
    while "Ctrl-C stops it." not in log.read_text(encoding="utf-8"):
        assert server.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < ends_at, log.read_text(encoding="utf-8")
        time.sleep(0.1)


def test_the_tour_prints_what_the_readme_shows(environment: dict[str, str]) -> None:
    steps = tour((ROOT / "README.md").read_text(encoding="utf-8"))
    assert sum(step.shown is not None for step in steps) >= 5
    script = f"\necho '{_END}'\n".join(step.commands for step in steps)
    done = subprocess.run(
        ["bash", "-u", "-o", "pipefail"],
        input=script.encode(),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=BLOCK_SECONDS_MAX,
    )
    said = done.stderr.decode()
    printed = done.stdout.decode().split(f"{_END}\n")
    assert done.returncode == 0, said
    assert len(printed) == len(steps), said
    for step, output in zip(steps, printed, strict=True):
        assert shown_as(step.shown or "", output), f"{step.commands}\nprinted\n{output}\n{said}"


def test_a_block_of_output_is_compared_to_the_letter_but_for_dots() -> None:
    assert shown_as('{"id":"…","qq":1}\n', '{"id":"7","qq":1}\n')
    assert not shown_as('{"id":"…","qq":1}\n', '{"id":"7","qq":2}\n')
    assert not shown_as('{"id":"…"}\n', '{"id":"7"}\n{"id":"8"}, and more\n')


def test_the_tour_is_found() -> None:
    first, second = "```sh\na\n```\n```json\n1\n```\n", "```sh\nb\n```\n"
    readme = f"{second}\n## A five-minute tour\n{first}{second}\n## Next\n{second}"
    assert tour(readme) == [Step("a\n", "1\n"), Step("b\n", None)]
