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
TOUR_SECONDS_MAX = 180.0

#: Names, a date, texts and a purpose that the tour gives to the server.
WRITTEN = (
    "苏轼",
    "苏子瞻",
    "黄庭坚",
    "1987-01-08",
    "但愿人长久",
    "东坡此篇一出",
    "complaint 2026-117",
)

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


class Toured(msgspec.Struct, frozen=True):
    """What the tour printed, step by step, and the directory of all that was stored or logged."""

    printed: tuple[str, ...]
    said: str
    directory: Path


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    return tour((ROOT / "README.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def toured(steps: list[Step]) -> Iterator[Toured]:
    """The tour, taken as its reader takes it: beside `make serve`, here on a free port."""
    directory = enterable_directory()
    not_ours = ("DATABASE_URL", "LIMITS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    environment = {
        **{name: value for name, value in os.environ.items() if name not in not_ours},
        "PORT": "0",
        "DATA": str(directory / "data"),
        "COLUMNS": "300",
    }
    log = directory / "serve.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["make", "serve"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await_welcome(server, log)
        yield _take(steps, environment, directory)
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


def _take(steps: list[Step], environment: dict[str, str], directory: Path) -> Toured:
    script = f"\necho '{_END}'\n".join(step.commands for step in steps)
    done = subprocess.run(
        ["bash", "-u", "-o", "pipefail"],
        input=script.encode(),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=TOUR_SECONDS_MAX,
    )
    said = done.stderr.decode()
    assert done.returncode == 0, said
    return Toured(tuple(done.stdout.decode().split(f"{_END}\n")), said, directory)


def test_the_tour_prints_what_the_readme_shows(steps: list[Step], toured: Toured) -> None:
    assert sum(step.shown is not None for step in steps) >= 5
    assert len(toured.printed) == len(steps), toured.said
    for step, printed in zip(steps, toured.printed, strict=True):
        assert shown_as(step.shown or "", printed), (
            f"{step.commands}\nprinted\n{printed}\n{toured.said}"
        )


def test_what_the_tour_wrote_is_readable_nowhere(toured: Toured) -> None:
    elsewhere = [Path(one.read_text().strip()) for one in toured.directory.rglob("location")]
    files = [path for root in (toured.directory, *elsewhere) for path in _files(root)]
    # Events are there, so the search looks in the right places; their words are not.
    assert _holding(files, "post.published.v1")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for words in WRITTEN:
        assert words in readme
        assert not _holding(files, words), words


def _files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def _holding(files: list[Path], words: str) -> list[Path]:
    return [path for path in files if words.encode() in _bytes(path)]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""  # PostgreSQL removes files of its own as it goes


def test_a_block_of_output_is_compared_to_the_letter_but_for_dots() -> None:
    assert shown_as('{"id":"…","qq":1}\n', '{"id":"7","qq":1}\n')
    assert not shown_as('{"id":"…","qq":1}\n', '{"id":"7","qq":2}\n')
    assert not shown_as('{"id":"…"}\n', '{"id":"7"}\n{"id":"8"}, and more\n')


def test_the_tour_is_found() -> None:
    first, second = "```sh\na\n```\n```json\n1\n```\n", "```sh\nb\n```\n"
    readme = f"{second}\n## A five-minute tour\n{first}{second}\n## Next\n{second}"
    assert tour(readme) == [Step("a\n", "1\n"), Step("b\n", None)]
