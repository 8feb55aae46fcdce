"""
Evidence bundles: what is in one, that both checkers say so, and that it is the same every time.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from replay.bundles.checking import check_bundle
from replay.bundles.verdict import verdict
from tests.projections.engine.toys import World
from tests.replay.bundling import Evidence
from tests.support.database import database_url, server_url

__all__ = ["database_url", "server_url"]

VERIFIER = Path("replay/bundles/verify.py").absolute()


@pytest.fixture
def evidence(database_url: str, tmp_path: Path) -> Iterator[Evidence]:
    world = World(database_url)
    made = Evidence(world, tmp_path)
    try:
        made.publish_rules()
        made.live(40)
        made.publish_rules()
        made.live(40)
        made.notarise()
        made.live(20)
        made.notarise()
        yield made
    finally:
        made.log.close()
        world.close()


def say(bundle: Path, *arguments: str) -> str:
    """What both checkers say of a bundle that holds, of which the second has Python alone."""
    command = [sys.executable, "-I", "-S", str(VERIFIER), str(bundle), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything(evidence: Evidence) -> None:
    bundle = evidence.make()
    said = "\n".join(verdict(check_bundle(bundle))) + "\n"
    assert say(bundle) == said
    print(said)
