"""
Two servers on one PostgreSQL, with a wire between that is cut, on a disk that goes bad.
"""

import pytest

from tests.faults import means, worlds
from tests.faults.nemesis import KILL_BACKEND, KILL_POSTMASTER, KILL_SERVER, STOP_SERVER, WAKE_UPS
from tests.faults.trial import arena, trial

SEED = 8
NO_SHIM, NO_FUSE = means.why_no_shim(), means.why_no_fuse()


def test_two_servers_share_what_befalls_them() -> None:
    with arena() as directory, worlds.distant(directory) as (world, _):
        with trial(world, SEED) as running:
            for fault in (WAKE_UPS, KILL_SERVER, STOP_SERVER, KILL_BACKEND, KILL_POSTMASTER):
                running.nemesis.strike(fault)
        assert running.seen.counts["lost"] > 0


@pytest.mark.skipif(means.why_no_network() is not None, reason=str(means.why_no_network()))
def test_a_wire_that_is_cut_without_a_word() -> None:
    with arena() as directory, worlds.distant(directory) as (world, faults):
        with trial(world, SEED) as running:
            running.nemesis.strike(worlds.named(faults, "network cut for long"))
        seen = running.seen.counts
        assert seen["unavailable"] + seen["unknown"] > 0, "who waits too long is told so"


@pytest.mark.parametrize(
    "fuse",
    [
        pytest.param(False, marks=pytest.mark.skipif(bool(NO_SHIM), reason=str(NO_SHIM))),
        pytest.param(True, marks=pytest.mark.skipif(bool(NO_FUSE), reason=str(NO_FUSE))),
    ],
    ids=["calls that fail", "a disk that forgets"],
)
def test_an_fsync_that_fails_is_not_believed(fuse: bool) -> None:
    with arena() as directory, worlds.distant(directory, fuse=fuse) as (world, faults):
        with trial(world, SEED) as running:
            running.nemesis.strike(worlds.named(faults, "fsync fails"))
        seen = running.seen.counts
        assert seen["unavailable"] + seen["unknown"] > 0
