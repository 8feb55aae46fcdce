"""
Processes die at the worst moment; the embedded PostgreSQL's and the server's own.
"""

import pytest

from tests.faults.nemesis import KILL_BACKEND, KILL_CLUSTER, KILL_POSTMASTER, KILL_SERVER, Fault
from tests.faults.trial import arena, trial
from tests.faults.world import World

SEED = 7
KILLS = (KILL_SERVER, KILL_BACKEND, KILL_POSTMASTER, KILL_CLUSTER)


@pytest.mark.parametrize("fault", KILLS, ids=lambda fault: fault.name)
def test_nothing_is_lost_and_all_recovers(fault: Fault) -> None:
    with arena() as directory, trial(World(directory), SEED) as running:
        for _ in range(2):
            running.nemesis.strike(fault)
    assert running.seen.counts["acknowledged"] > 0
    met = running.seen.counts
    assert met["lost"] + met["unavailable"] + met["unknown"] > 0, "nobody noticed"
