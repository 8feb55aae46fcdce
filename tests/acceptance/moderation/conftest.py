"""
Whoever takes part in a case, on servers of 16 cells and of 1.
"""

import pytest

from tests.acceptance.conftest import Homezones
from tests.acceptance.moderation.asking import CORE, policy, staff
from tests.support.homezone import Client, RunningHomezone


@pytest.fixture(params=[16, 1])
def homezone(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1."""
    return homezones(request.param)


@pytest.fixture
def author(homezone: RunningHomezone) -> Client:
    return homezone.member(f"{CORE}-nickname")


@pytest.fixture
def reporter(homezone: RunningHomezone) -> Client:
    return homezone.member()


@pytest.fixture
def moderator(homezone: RunningHomezone) -> Client:
    return staff(homezone)


@pytest.fixture
def another(homezone: RunningHomezone) -> Client:
    return staff(homezone)


@pytest.fixture(autouse=True)
def compliance(homezone: RunningHomezone) -> Client:
    """Who sees to it that members are told everything, unless a test says otherwise."""
    officer = staff(homezone, "compliance")
    policy(officer, "full")
    return officer
