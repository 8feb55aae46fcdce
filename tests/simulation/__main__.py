"""
Many seeds, side by side: ``make simulate-seeds``, with SEED for one, SEEDS for how many, MINUTES or
HOURS for how long.

It ends at the first failure, tells how it came about and how to repeat it, and says at the end how
many histories an hour that was.
"""

import os
import secrets
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count, islice

from tests.simulation.history import Outcome
from tests.simulation.run import Failed, live, plan_of

#: How often it is said how far it is, in seconds.
_SAY_SECONDS = 30.0


def main() -> int:
    """Live the seeds that the environment asks for; the exit status."""
    given = os.environ.get
    if seed := given("SEED"):
        return _one(int(seed))
    seconds = 60 * float(given("MINUTES") or 0) + 3600 * float(given("HOURS") or 0)
    number = int(given("SEEDS") or (0 if seconds else 500))
    first = int(given("FROM") or secrets.randbits(31))
    seeds: Iterator[int] = count(first)
    if number:
        seeds = islice(seeds, number)
    print(f"seeds from {first}; repeat this run with FROM={first}", flush=True)
    return _many(seeds, seconds or float("inf"))


def _one(seed: int) -> int:
    print(plan_of(seed))
    try:
        print(live(seed))
    except Failed as failed:
        print(failed)
        return 1
    return 0


def _many(seeds: Iterator[int], seconds: float) -> int:
    began = said = time.monotonic()
    total, lived = Outcome(), 0
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers) as pool:
        running: set[Future[Outcome | str]] = {
            pool.submit(_try, seed) for seed in islice(seeds, 2 * workers)
        }
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for outcome in [one.result() for one in done]:
                if isinstance(outcome, str):
                    print(outcome)
                    pool.shutdown(cancel_futures=True)
                    return 1
                lived += 1
                total.add(outcome)
            now = time.monotonic()
            if now - began < seconds:
                running |= {pool.submit(_try, seed) for seed in islice(seeds, len(done))}
            if now - said > _SAY_SECONDS:
                said = now
                print(_told(lived, total, now - began), flush=True)
    print(_told(lived, total, time.monotonic() - began))
    return 0


def _try(seed: int) -> Outcome | str:
    try:
        return live(seed)
    except Failed as failed:
        return str(failed)


def _told(lived: int, total: Outcome, seconds: float) -> str:
    return (
        f"{lived} histories in {seconds:.0f} s ({3600 * lived / seconds:,.0f} an hour):"
        f" {total.events:,} events, {total.moves:,} moves, {total.looks:,} looks"
        f" ({total.exact:,} exact), {total.items:,} stream items, {total.conflicts:,} conflicts,"
        f" {total.decided:,} decisions, {total.kills:,} kills, {total.retries:,} retries;"
        " nothing leaked, every count exact"
    )


if __name__ == "__main__":
    sys.exit(main())
