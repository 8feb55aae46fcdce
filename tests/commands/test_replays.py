"""
Years later, on another machine: a log of cases folds to the same bytes.

Histories of members, staff and timers are made up, and folded by programs with another clock, time
zone, locale and hash seed than the ones that they were lived under.
"""

import contextlib
import importlib.util
import os
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from commands import cases, disclosures
from commands.appeals import Appeal, appeal
from commands.decisions import Confirm, PenaltyChoice, confirm, decide
from commands.disclosures import SetDisclosurePolicy
from commands.posts import EditPost
from commands.reports import Report
from commands.subjects import MemberSubject, NicknameSubject, PostSubject
from domain.case import case_of
from domain.case_events import (
    CaseAppealed,
    CaseDecided,
    CaseMooted,
    CaseOpened,
    CaseOverdue,
    CaseProposed,
    CaseSubjectChanged,
    Subject,
)
from domain.event import Recorded, Refused
from domain.standing_events import SanctionLifted, StrikeExpired, StrikeReversed
from tests.commands.bench import MOD, NORA, OLGA, Bench, deciding
from tests.commands.folding import folded, lines_of, read, told
from tests.commands.house import STAFF, House, live, on, to

HISTORIES = 12
STEPS = 150
ROOT = Path(__file__).parents[2]


async def _step(bench: Bench, chance: random.Random) -> None:
    """Something happens; as often as not it is refused."""
    house = bench.house
    staff, member = chance.choice((MOD, NORA, OLGA)), chance.choice((bench.bela, bench.carl))
    subject: Any = chance.choice(
        (PostSubject(bench.post), NicknameSubject(10001), MemberSubject(10001))
    )
    match subject:
        case PostSubject():
            case = case_of(Subject("post", bench.post, bench.anna))
        case NicknameSubject():
            case = case_of(Subject("nickname", bench.anna, bench.anna))
        case _:
            case = case_of(Subject("member", bench.anna, bench.anna))
    decisions = [
        one.event.decision.id for one in house.committed if isinstance(one.event, CaseDecided)
    ]
    verdict = chance.choice(("unpublish", "restore", "no_action", "approve", "reject"))
    penalty: Any = chance.choice(
        ("strike", "strike", PenaltyChoice("strike", weight=chance.randint(1, 5), days=20),
         "restriction", "suspension", "ban")
    )  # fmt: skip
    moves: list[Callable[[], Awaitable[Any]]] = [
        lambda: house.run(bench.reports.report, Report(subject, "spam", "!"), member),
        lambda: bench.open(subject, staff),
        lambda: house.run(on(cases.claim, case), None, staff),
        lambda: house.run(to(cases.note, case), cases.NoteCase("hm"), staff),
        lambda: house.run(to(decide, case), deciding(verdict, penalty=penalty), staff),
        lambda: house.run(to(decide, case), deciding(verdict), staff),
        lambda: house.run(to(decide, case), deciding("restore"), staff),
        lambda: house.run(to(confirm, case), Confirm(chance.random() < 0.8), staff),
        lambda: house.run(
            to(appeal, case), Appeal(chance.choice(decisions or [bench.post]), "no"), bench.anna
        ),
        lambda: house.run(
            to(house.posts.edit, bench.post),
            EditPost(text=chance.choice(("fine", "zorblat", "better"))),
            bench.anna,
        ),
        lambda: house.run(
            disclosures.set_disclosure_policy,
            SetDisclosurePolicy(chance.choice(("opaque", "notice", "full"))),
            STAFF,
        ),
        lambda: _publish_again(bench, chance),
    ]
    with contextlib.suppress(Refused):
        await chance.choice(moves)()
    await _time_goes_by(bench, timedelta(hours=chance.choice((0, 1, 12, 200))))


async def _publish_again(bench: Bench, chance: random.Random) -> None:
    house = bench.house
    await house.run(on(house.posts.delete, bench.post), None, bench.anna)
    bench.post = await house.publish(bench.anna, text=chance.choice(("fine", "zorblat")))


async def _time_goes_by(bench: Bench, passing: timedelta) -> None:
    until = bench.house.clock.now() + passing
    while (due := bench.armed()) and due[0].due <= until:
        await bench.fire(due[0])
        assert bench.armed()[:1] != due[:1], "what was fired is answered"
    bench.house.clock.set(until)


def lived(seed: int) -> list[Recorded]:
    """A history, from its seed."""

    async def history() -> list[Recorded]:
        chance = random.Random(seed)
        bench = await Bench(House(seed=seed)).sit()
        await bench.forbid("zorblat", chance.choice(("hold", "private_view", "flag")))
        for _ in range(STEPS):
            await _step(bench, chance)
        return bench.house.events()

    return live(history)


@pytest.fixture(scope="module")
def logs() -> list[list[Recorded]]:
    """Several histories."""
    return [lived(seed) for seed in range(HISTORIES)]


def test_the_histories_are_worth_folding(logs: list[list[Recorded]]) -> None:
    """Of what can happen to a case and to a standing, whatever is hard to come by happened."""
    happened = {type(one.event) for log in logs for one in log}
    assert happened >= {
        CaseOpened, CaseDecided, CaseProposed, CaseAppealed, CaseOverdue, CaseMooted,
        CaseSubjectChanged, StrikeExpired, StrikeReversed, SanctionLifted,
    }  # fmt: skip


CIRCUMSTANCES = {
    "years later, where the clock is a quarter of an hour off": {
        "FAKETIME": "@2041-02-28 23:59:58",
        "TZ": "NPT-05:45",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "1",
    },
    "years earlier, where they write dotless i": {
        "FAKETIME": "@2019-12-31 12:00:00",
        "TZ": "NST03:30NDT",
        "LC_ALL": "tr_TR.UTF-8",
        "PYTHONHASHSEED": "4294967295",
    },
    "by chance": {"TZ": "Pacific/Kiritimati", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "random"},
}


@pytest.mark.parametrize("circumstances", CIRCUMSTANCES.values(), ids=CIRCUMSTANCES)
def test_a_log_folds_to_the_same_bytes(
    circumstances: dict[str, str], logs: list[list[Recorded]]
) -> None:
    library = faketime()
    if "FAKETIME" in circumstances and library is None:
        pytest.skip("there is no libfaketime for this machine")
    lines = "\n".join(map(lines_of, logs))
    environment = {**os.environ, **circumstances, "PYTHONIOENCODING": "utf-8"}
    if library is not None and "FAKETIME" in circumstances:
        environment["LD_PRELOAD"] = str(library)
    answer = subprocess.run(
        [sys.executable, "-m", "tests.commands.folding"],
        input=lines, capture_output=True, text=True, encoding="utf-8", env=environment, cwd=ROOT,
        check=True, timeout=120,
    ).stdout  # fmt: skip
    under, _, there = answer.partition("\n")
    here = list(told(read(lines_of(log).splitlines()) for log in logs))
    assert there.splitlines() == here
    assert here, "there is something to compare"
    if "FAKETIME" in circumstances:
        year = int(under.split(" ")[0]) / 31_556_952 + 1970
        assert abs(year - int(circumstances["FAKETIME"][1:5])) < 2, "the clock was another one"


def test_every_due_date_is_counted_to_the_same_again(logs: list[list[Recorded]]) -> None:
    counted = 0
    for log in logs:
        again = dict(folded(log))
        for one in log:
            if isinstance(one.event, CaseOpened):
                assert again[f"{one.at} due"] == msgspec.json.encode(one.event.promise)
                counted += 1
    assert counted > HISTORIES


def faketime() -> Path | None:
    """The library by which a program is told another time, where there is one."""
    found = importlib.util.find_spec("libfaketime")
    if found is None or found.origin is None:
        return None
    library = Path(found.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"
    return library if library.exists() else None


def test_a_history_is_the_same_from_the_same_seed() -> None:
    assert lines_of(lived(3)) == lines_of(lived(3))
