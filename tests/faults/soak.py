"""
``make soak``: the faults of the short tests, for as long as you like, in a seed's order.

World after world: each is served, used and harmed for a minute or two, judged, and thrown away; so
that what is wrong is found soon after it happened. Ends by itself; exit 1 if anything was not as
promised, with the history and the data of that world kept.
"""

import argparse
import secrets
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from statistics import median
from typing import Final

import psutil
from rich.console import Console
from rich.table import Table

from tests.faults import means, worlds
from tests.faults.trial import arena, trial

MINUTES: Final = 20.0
KILLS_A_MINUTE: Final = 10
_EPISODE_SECONDS: Final = 90.0
_EPISODE_SECONDS_MIN: Final = 10.0
_LINE_SECONDS: Final = 10.0


class Tally:
    """What happened so far, over all worlds."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.worlds = 0
        self.kills = 0
        self.events = 0
        self.faults: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        self.recoveries: dict[str, list[float]] = defaultdict(list)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.began

    def line(self, name: str, seen: Mapping[str, int], faults: Mapping[str, int]) -> str:
        """How it goes."""
        met = Counter(self.seen) + Counter(seen)
        struck = Counter(self.faults) + Counter(faults)
        return (
            f"{self.seconds / 60:5.1f} min  world {self.worlds + 1} ({name})"
            f"  rounds {struck.total()}  acknowledged {met['acknowledged']}"
            f"  unknown {met['unknown']}  503 {met['unavailable']}  lost {met['lost']}"
            f"  reads {met['reads']}"
        )


def soak(minutes: float, seed: int, only: Sequence[str], console: Console) -> bool:
    """Run; whether all was as promised."""
    tally = Tally()
    places: dict[str, worlds.Place] = {"embedded": worlds.embedded, "distant": worlds.distant}
    for reason in (means.why_no_network(), means.why_no_shim(), means.why_no_clock()):
        if reason is not None:
            console.print(f"left out: {reason}")
    if (reason := means.why_no_disk()) is None:
        places["small"] = worlds.small
    else:
        console.print(f"left out: {reason}")
    names = [name for name in places if name in (only or places)]
    try:
        while (left := _seconds_left(minutes, tally)) > _EPISODE_SECONDS_MIN:
            name = names[tally.worlds % len(names)]
            _episode(places[name], name, f"{seed}{tally.worlds:03}", left, tally, console)
            tally.worlds += 1
    except Exception as error:  # noqa: BLE001  told, with where the evidence is
        console.print(f"\n{error}", *getattr(error, "__notes__", ()), sep="\n", markup=False)
        _summary(tally, seed, console)
        console.print(
            f"FAILED in world {tally.worlds + 1}: make soak SEED={seed} repeats its faults"
        )
        return False
    _summary(tally, seed, console)
    return True


def _seconds_left(minutes: float, tally: Tally) -> float:
    """On a slow machine it goes on for up to half as long again, to make its kills."""
    left = minutes * 60 - tally.seconds
    enough = tally.kills >= KILLS_A_MINUTE * minutes
    return left if enough or left > _EPISODE_SECONDS_MIN else left + minutes * 30


def _episode(
    place: worlds.Place, name: str, seed: str, left: float, tally: Tally, console: Console
) -> None:
    with arena() as directory, ExitStack() as held:
        world, faults = held.enter_context(place(directory))
        with trial(world, int(seed)) as running:
            nemesis = running.nemesis
            until = time.monotonic() + min(_EPISODE_SECONDS, left)
            said = 0.0
            try:
                while time.monotonic() < until:
                    nemesis.strike(nemesis.choose(faults.items()))
                    if nemesis.wrong or running.seen.complaints:
                        break
                    if time.monotonic() - said > _LINE_SECONDS:
                        said = time.monotonic()
                        console.print(tally.line(name, running.seen.counts, nemesis.counts))
            finally:
                tally.faults += nemesis.counts
                tally.kills += nemesis.kills
                for fault, seconds in nemesis.recoveries.items():
                    tally.recoveries[fault] += seconds
        tally.seen += running.seen.counts
        tally.events += len(running.log)


def _summary(tally: Tally, seed: int, console: Console) -> None:
    table = Table(title=f"soak, seed {seed}, {tally.seconds / 60:.1f} minutes")
    table.add_column("what")
    table.add_column("how often", justify="right")
    table.add_column("served again after, median and worst", justify="right")
    rows: dict[str, int] = {
        "worlds judged": tally.worlds,
        "rounds": tally.faults.total(),
        "  with a kill -9": tally.kills,
    }
    for what, number in rows.items():
        table.add_row(what, f"{number:,}")
    for fault, number in sorted(tally.faults.items()):
        took = tally.recoveries[fault]
        table.add_row(f"  {fault}", f"{number:,}", f"{median(took):.1f} s, {max(took):.1f} s")
    table.add_row("events in the logs", f"{tally.events:,}")
    for what in sorted(tally.seen):
        table.add_row(what, f"{tally.seen[what]:,}")
    console.print(table)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", nargs="*", default=(), help="embedded, distant, small")
    arguments = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"seed {seed}; repeat with: make soak MINUTES={arguments.minutes:g} SEED={seed}")
    fine = soak(arguments.minutes, seed, arguments.only, console)
    if left := psutil.Process().children(recursive=True):
        console.print(f"left behind: {left}")
        fine = False
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
