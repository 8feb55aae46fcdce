"""
Whatever a rule refuses with has its words and its status: a name without them would be a 500.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.http.problems import Problems
from api.problems import PROBLEMS

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path for room in ("domain", "commands", "api") for path in (ROOT / room).rglob("*.py")
)


def refused_with(module: Path) -> Iterator[str]:
    """The names of problems that a module refuses with, where they are written out."""
    for node in ast.walk(ast.parse(module.read_text())):
        match node:
            case ast.Call(func=ast.Name("Refused"), args=[ast.Constant(str() as name), *_]):
                yield name
            case _:
                pass


def test_refusals_are_found() -> None:
    names = {name for module in MODULES for name in refused_with(module)}
    assert {"insufficient-coins", "nothing-held", "not-found"} <= names


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_refusal_has_words(module: Path) -> None:
    assert set(refused_with(module)) <= set(Problems(PROBLEMS).by_name)
