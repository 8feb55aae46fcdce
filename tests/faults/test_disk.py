"""
A disk without a byte left: for the database, the keys and all else.
"""

import pytest

from tests.faults import means, worlds
from tests.faults.trial import arena, trial

SEED = 9


@pytest.mark.skipif(means.why_no_disk() is not None, reason=str(means.why_no_disk()))
def test_a_full_disk_stops_writes_until_there_is_room() -> None:
    with arena() as directory, worlds.small(directory) as (world, faults):
        with trial(world, SEED) as running:
            running.nemesis.strike(worlds.named(faults, "full disk"))
        seen = running.seen.counts
        assert seen["unavailable"] + seen["unknown"] > 0
