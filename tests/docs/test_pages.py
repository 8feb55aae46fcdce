"""
The pages tell the truth, as far as a machine can see: links lead somewhere, what is named is there.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from api.cli.app import app
from api.problems import PROBLEMS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")


def _ids(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def _code(text: str) -> Iterator[str]:
    """What a page shows as code: the lines of its blocks and the words between backticks."""
    for block in _FENCE.findall(text):
        yield from block.splitlines()[1:-1]
    yield from _CODE.findall(_FENCE.sub("", text))


def _anchors(text: str) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", PAGES, ids=_ids(PAGES))
def test_relative_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in _anchors(target.read_text(encoding="utf-8")), link


def test_make_targets_named_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    named = {
        target
        for page in PAGES
        for code in _code(page.read_text(encoding="utf-8"))
        for target in re.findall(r"\bmake ([a-z][a-z-]*)", code)
    }
    assert {"serve", "test"} <= named <= targets


def _commands(whole: App, name: str = "homezone") -> Iterator[str]:
    for word in whole:
        if not word.startswith("-"):
            yield f"{name} {word}"
            yield from _commands(whole[word], f"{name} {word}")


def test_commands_named_are_there() -> None:
    known = set(_commands(app))
    named = {
        command
        for page in PAGES
        for code in _code(page.read_text(encoding="utf-8"))
        for command in re.findall(r"(?:^|\s|bin/)(homezone (?:replay )?[a-z-]+)(?![\w.:])", code)
    }
    assert "homezone replay check" in named
    assert named <= known


def test_options_named_are_there() -> None:
    options = {
        option
        for command in (
            *(app[name] for name in ("serve", "token", "simulate", "status", "backup", "restore")),
            app["audit"]["verify"],
            app["keys"]["rotate"],
            app["audit"]["rotate-key"],
        )
        for argument in command.assemble_argument_collection()
        for option in argument.names
    }
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    named = {one for code in _code(page) for one in re.findall(r"(?<!\S)--[a-z][a-z-]+", code)}
    assert "--data-dir" in named
    assert named <= options


def test_problems_named_are_there() -> None:
    from api.http.problems import Problems

    known = set(Problems(PROBLEMS).by_name)
    named = {
        name
        for page in PAGES
        for code in _code(page.read_text(encoding="utf-8"))
        for name in re.findall(r"/problems/([a-z-]+)", code)
    }
    assert "key-reused" in named
    assert named <= known


def test_the_changelog_has_a_section_for_what_is_built() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    version = project["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert "Unreleased" in sections or version in sections
    assert len(set(sections)) == len(sections)


def test_decisions_are_numbered_in_order() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(DECISIONS) + 1))
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((\d{4}-.+?\.md)\)", index) == [path.name for path in DECISIONS]


@pytest.mark.parametrize("page", DECISIONS, ids=_ids(DECISIONS))
def test_a_decision_has_its_three_parts_on_one_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    number, _, title = text.splitlines()[0].removeprefix("# ").partition(". ")
    assert int(number) == int(page.name[:4])
    assert title
    parts = re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE)
    assert parts == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= 45
