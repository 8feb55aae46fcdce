"""
Our contestant: a process that is asked by the harness like any other.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvloop

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.postgres import PostgresLog
from adapters.vault import FileKeyVault
from api.wiring.collecting import collect_rarely, take_short_turns
from api.wiring.feeding import spawn
from api.wiring.models import MODELS, prepare_store
from api.wiring.store import open_replay
from benchmarks import notary
from benchmarks.ours import commands, events, loops
from benchmarks.peers.protocol import Round, serve
from domain.catalogue import EVENTS
from domain.event import Recorded
from domain.evidence.questions import Filter
from projections.engine.apply import InlineModels
from projections.engine.feeder import Feeder, NotaryKeys, Setup
from projections.engine.runner import ProjectionEngine
from replay.ahead import Stretch, read_ahead
from replay.bundles.checking import check_bundle
from replay.bundles.making import Asked, make
from replay.bundles.vaults import destroyed_in
from replay.progress import Progress
from replay.published import Published
from replay.rebuild import rebuild
from replay.together import processes
from replay.verify import verify

_MEMBERS = 1_024
#: Parts of a log between which a rebuild's rates are taken.
_EARLY, _LATE = (0.05, 0.25), (0.75, 0.95)
_KEYS_LIVE = timedelta(days=8)


class Ours:
    """One database of ours."""

    def open(self, config: dict[str, Any]) -> dict[str, Any]:
        """Migrate; members join."""
        prepare_store(config["url"], events.CELLS, SystemClock())
        self._database = Database(config["url"], "homezone-bench")
        self._log: PostgresLog | None = None
        self._inline = False
        self._commits = self._written = self._bundled = 0
        self._woken: Callable[[Mapping[int, int]], None] | None = None
        self._url, self._keys = config["url"], Path(config["keys"])
        self._vault = FileKeyVault(Path(config["keys"]), SystemClock())
        self._members = events.members(_MEMBERS)
        uvloop.run(self._join())
        return {}

    def prepare(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The log, with or without its inline read models."""
        self._open_log(inline=settings.get("inline", False))
        return {}

    def append(
        self, callers: int, batch: int, seconds: float, settings: dict[str, Any]
    ) -> dict[str, Any]:
        """A round of one of the workloads."""
        log = self._open_log(inline=settings.get("inline", False))
        self._commits = self._written = 0

        async def run() -> Round:
            workload = self._workload(log, settings["workload"], batch)
            if isinstance(workload, loops.Sealing):
                await workload.prepare()
            return await loops.closed_loop(workload.step, callers, seconds)

        done = uvloop.run(run())
        # The last commit may have been answered and not yet counted.
        rows = self._written / self._commits if self._commits else done.events
        return {**done._asdict(), "rows": round(rows)}

    def read(self, limit: int, settings: dict[str, Any]) -> Round:
        """Every cell from its beginning, to Recorded events, as a rebuild of read models reads."""
        reader = self._open_log(inline=self._inline).reader
        began, wanted, left = time.perf_counter(), [], limit
        for cell, head in reader.heads().items():
            wanted.append(Stretch(cell, 0, min(head, left)))
            left -= wanted[-1].until
        read = sum(map(len, read_ahead(reader, wanted, settings["page"])))
        return Round(read, time.perf_counter() - began)

    def fill(self, number: int) -> dict[str, Any]:
        """Events as a network has them, with their inline read models."""
        log = self._open_log(inline=True)
        began = time.perf_counter()
        uvloop.run(commands.fill(log, self._members, number))
        return {"seconds": time.perf_counter() - began, "events": sum(log.reader.heads().values())}

    def command(self, callers: int, number: int, kind: str) -> dict[str, Any]:
        """So many whole commands, decided and durable, without HTTP."""
        log = self._open_log(inline=True)
        work = commands.run(log, self._vault, self._members, callers, number, kind)
        return uvloop.run(work)

    def catch_up(self) -> Round:
        """Feed every asynchronous read model all that is in the log."""
        log = self._open_log(inline=True)
        engine = ProjectionEngine(log.reader, self._database.server, MODELS, SystemClock(), uuid4())
        number = sum(log.reader.heads().values())
        began = time.perf_counter()
        engine.catch_up()
        seconds = time.perf_counter() - began
        assert not any(engine.lag().values()), "a read model did not come to the end of the log"
        return Round(number, seconds)

    def notarised(self, callers: int, seconds: float, notary: bool) -> dict[str, Any]:
        """
        Whole appends beside the process that feeds read models, with the notary in it or without;
        and by how many events the notary is behind half-way and at the end.
        """
        log = self._open_log(inline=True)
        keys = NotaryKeys(str(self._keys), str(self._keys / "notary.key"), None)
        setup = Setup(self._url, uuid4(), keys if notary else None)
        feeder = Feeder([one.name for one in MODELS if not one.inline], setup, spawn)
        self._woken = feeder.wake
        feeder.start()
        feeder.wait_until_up(20.0)
        published = Published(self._database.server)

        async def run() -> tuple[Round, int, int]:
            workload = self._workload(log, "whole", 1)
            rounds, lags = [], []
            for _ in range(2):
                rounds.append(await loops.closed_loop(workload.step, callers, seconds / 2))
                progress = await asyncio.to_thread(published.progress) if notary else None
                lags.append(0 if progress is None else progress.lag)
            whole = sum(one.events for one in rounds), sum(one.seconds for one in rounds)
            return Round(*whole), lags[0], lags[1]

        try:
            done, half, end = uvloop.run(run())
            if notary:
                _wait_for(lambda: (at := published.progress()) is not None and not at.lag)
        finally:
            self._woken = None
            feeder.stop()
        return {"rate": done.events / done.seconds, "half": half, "end": end}

    def rebuild(self) -> dict[str, Any]:
        """
        All read models from the log, and swapped in; how many events a second were fed early on
        and late. Neither is of the first moments, in which helpers start, nor of the last, in which
        they run out of cells.
        """
        reader, owner, fed = self._open_log(inline=True).reader, self._database.owner, [(0.0, 0.0)]

        def on_progress(done: Progress) -> None:
            fed.append((done.events_done / done.events_total, time.perf_counter()))

        take_short_turns()  # as the command does
        number = sum(reader.heads().values())
        rebuild(
            reader,
            owner,
            MODELS,
            SystemClock(),
            uuid4(),
            on_progress=on_progress,
            open_=partial(open_replay, self._url),
            helpers=processes() - 1,
        )

        def rate(begin: float, end: float) -> float:
            within = [(part, at) for part, at in fed if begin <= part <= end]
            (first, began), (last, ended) = within[0], within[-1]
            return number * (last - first) / (ended - began)

        return {"events": number, "early": rate(*_EARLY), "late": rate(*_LATE)}

    def verify(self) -> Round:
        """The whole history held against the tree."""
        began = time.perf_counter()
        verified = verify(self._database.server)
        return Round(verified.leaves, time.perf_counter() - began)

    def bundle(self, what: str) -> dict[str, Any]:
        """
        A bundle of all that is in the tree, made or checked: the seconds that 100,000 events take.

        :param what: one of those of :mod:`benchmarks.notary`; what was made last is checked.
        """
        out = self._keys / "bundle.zip"
        began = time.perf_counter()
        match what:
            case notary.MADE:
                heads_at = self._open_log(inline=True).reader.heads_at
                asked = Asked(None, None, Filter("all", None, None))
                tell = destroyed_in(self._vault)
                made = make(self._database.server, heads_at, asked, out, destroyed=tell)
                self._bundled = made.reckoned.events
            case notary.CHECKED:
                check_bundle(out)
            case _:
                subprocess.run(
                    [sys.executable, "-I", "-S", "replay/bundles/verify.py", str(out)],
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
        seconds = time.perf_counter() - began
        return {"seconds": seconds * 100_000 / self._bundled, "events": self._bundled}

    def close(self) -> None:
        """Close the log and the connections."""
        if self._log is not None:
            self._log.close()
        self._database.dispose()
        self._vault.close()

    async def _join(self) -> None:
        log = self._open_log(inline=True)
        tickets = [log.submit(opening) for opening in events.openings(self._members)]
        await asyncio.gather(*(ticket.outcome for ticket in tickets))

    def _open_log(self, *, inline: bool) -> PostgresLog:
        if self._log is not None and self._inline == inline:
            return self._log
        if self._log is not None:
            self._log.close()
        models = InlineModels(MODELS).statements if inline else None
        self._inline = inline
        # With all that a server's log does it also tells other processes of each commit.
        self._log = PostgresLog(
            self._database,
            EVENTS,
            SystemClock(),
            inline=models,
            on_commit=self._count,
            notify=inline,
        )
        return self._log

    def _count(self, recorded: Sequence[Recorded]) -> None:
        """In the writer's thread: one commit."""
        self._commits += 1
        if self._woken is not None:
            self._woken({one.cell: one.position for one in recorded})
        self._written += len(recorded)

    def _workload(self, log: PostgresLog, name: str, batch: int) -> loops.Workload:
        members = self._members
        match name:
            case "bare":
                return loops.Bare(log, members, batch)
            case "whole":
                return loops.Whole(log, members, batch, datetime.now(UTC) + _KEYS_LIVE)
            case "hot":
                return loops.Hot(log, members, batch)
            case "sealing" | "sealed before":
                return loops.Sealing(log, members, self._vault, before=name == "sealed before")
            case _:
                raise ValueError(f"no workload {name!r}")


def _wait_for(holds: Callable[[], bool], seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "the notary did not come to the end of the log"
        time.sleep(0.05)


if __name__ == "__main__":
    collect_rarely()  # as the server does
    serve(Ours())
