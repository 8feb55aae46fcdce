"""
The books from outside: balances of any moment, revenue, and months that are closed.
"""

import asyncio
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from beancount import loader

from adapters.clock import ManualClock
from adapters.database import Database
from adapters.log.postgres import PostgresLog
from adapters.vault import FileKeyVault
from api.wiring.models import MODELS, prepare_store
from domain.catalogue import EVENTS
from domain.money import china_month
from projections.engine.apply import InlineModels
from tests.acceptance.processes import one_line, run
from tests.acceptance.test_money import buy, item, refund, rich
from tests.support.database import fresh_database
from tests.support.filling import Filling
from tests.support.homezone import Client, RunningHomezone, running_homezone

JANUARY = datetime(2026, 1, 20, tzinfo=UTC)


def balances(client: Client, **query: str) -> dict[tuple[str, str], int]:
    """What is left on each account, debits positive."""
    rows = client.get("/v1/billing/trial-balance", **query).ok(200).json["items"]
    return {(one["account"], one["commodity"]): one["debit"] - one["credit"] for one in rows}


def place(homezone: RunningHomezone) -> str:
    """Where the log is now."""
    return homezone.everything()


def test_the_books_of_a_moment_do_not_change(homezone: RunningHomezone) -> None:
    member, what = rich(homezone, 100), item(homezone, 30)
    order = buy(member, what).ok(201)
    then, before = place(homezone), datetime.now(UTC).isoformat().replace("+00:00", "Z")
    known = balances(homezone.operator, at=then)
    assert known == balances(homezone.operator, at=before)
    refund(homezone, order.json["id"]).ok()
    after = balances(homezone.operator, at=place(homezone))
    assert balances(homezone.operator, at=then) == known
    changed = {key: after[key] - known.get(key, 0) for key in after if after[key] != known.get(key)}
    assert changed[("contra:refunds", "CNY")] == 3_000
    assert changed[("liability:coins-sold", "CNY")] == -3_000


def test_one_event_is_one_entry_in_the_books(homezone: RunningHomezone) -> None:
    member = rich(homezone, 10)
    spent = buy(member, item(homezone, 4)).ok(201).position
    ledger = member.get("/v1/me/ledger", at_least=spent).ok(200).json["items"]
    at = next(one["position"] for one in ledger if one["what"] == "spend")
    cell, number = map(int, at.split("-"))
    known = balances(homezone.operator, at=f"{cell}-{number - 1}")
    with_it = balances(homezone.operator, at=at)
    moved = {key: left - known.get(key, 0) for key, left in with_it.items()}
    assert {key: fen for key, fen in moved.items() if fen} == {
        ("liability:coins:paid", "QC"): 4,
        ("revenue:mall", "QC"): -4,
        ("liability:coins-sold", "CNY"): 400,
        ("revenue:mall", "CNY"): -400,
    }


def test_who_may_read_the_books(homezone: RunningHomezone) -> None:
    member, auditor = homezone.member(), homezone.client(10_012, "auditor")
    for path in ("trial-balance", "revenue", "periods"):
        member.get(f"/v1/billing/{path}").refused(403)
        auditor.get(f"/v1/billing/{path}").ok(200)
    auditor.post("/v1/billing/periods/2026-01/close").refused(403)


@pytest.mark.parametrize("at", ["yesterday", "5", "0-1,0-2", "2026-11-22T08:00:00"])
def test_a_moment_that_is_none(homezone: RunningHomezone, at: str) -> None:
    reply = homezone.operator.get("/v1/billing/trial-balance", at=at).refused(400)
    assert reply.fields == ["at"]


def test_what_cannot_be_closed(homezone: RunningHomezone) -> None:
    rich(homezone, 1)
    close = homezone.operator.post
    running = china_month(datetime.now(UTC))
    close(f"/v1/billing/periods/{running}/close").refused(409, "period-running")
    close("/v1/billing/periods/2099-12/close").refused(409, "period-running")
    reply = close("/v1/billing/periods/2020-01/close").refused(409, "period-not-next")
    assert running in reply.json["detail"]
    for wrong in ("2026-13", "2026-1", "1999-12", "all"):
        close(f"/v1/billing/periods/{wrong}/close").refused(404)
    assert homezone.operator.get("/v1/billing/periods").ok(200).json["items"] == []


def test_revenue_of_this_month(homezone: RunningHomezone) -> None:
    def mall() -> dict[str, Any]:
        rows = homezone.operator.get("/v1/billing/revenue").ok(200).json["items"]
        found = [one for one in rows if one["segment"] == "mall"]
        return dict(found[-1]) if found else {}

    member, what = rich(homezone, 100), item(homezone, 30)
    buy(member, what).ok(201)
    known = mall()
    assert (known["month"], known["closed"]) == (china_month(datetime.now(UTC)), False)
    refund(homezone, buy(member, what).ok(201).json["id"], 10).ok()
    now = mall()
    moved = {name: now[name] - known[name] for name in ("billed", "refunded", "recognised")}
    assert moved == {"billed": 3_000, "refunded": 1_000, "recognised": 2_000}
    assert now["deferred"] == 0
    path = "/v1/billing/revenue"
    assert homezone.operator.get(path, to="2020-01").ok(200).json["items"] == []
    homezone.operator.get(path, to="soon").refused(400)


# A store with a past


class Old(NamedTuple):
    """A running server, and where its store is."""

    homezone: RunningHomezone
    url: str
    data: Path


@pytest.fixture(scope="module")
def old(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Old]:
    """A server in whose store coins were bought and spent in January."""
    data: Path = tmp_path_factory.mktemp("old")
    with fresh_database(server_url) as url:
        clock = ManualClock(JANUARY)
        prepare_store(url, 4, clock)
        asyncio.run(_fill(url, data / "keys", clock))
        with running_homezone(url, data, cells=4) as homezone:
            yield Old(homezone, url, data)


async def _fill(url: str, keys: Path, clock: ManualClock) -> None:
    database, vault = Database(url), FileKeyVault(keys, clock)
    log = PostgresLog(database, EVENTS, clock, inline=InlineModels(MODELS).statements)
    filling = Filling(log, vault)
    await filling.people(12, friends=2)
    await filling.coins(60)
    await asyncio.to_thread(log.close)
    vault.close()
    database.dispose()


def test_operators_close_a_month_at_once(old: Old) -> None:
    homezone, path = old.homezone, "/v1/billing/periods/{}/close"
    operators = [homezone.client(10_020 + number, "operator") for number in range(4)]
    asked = path.format("2026-02"), "february"
    homezone.operator.post(asked[0], key=asked[1]).refused(409, "period-not-next")
    with ThreadPoolExecutor(len(operators)) as pool:
        replies = list(pool.map(lambda one: one.post(path.format("2026-01")).ok(200), operators))
    assert len({reply.position for reply in replies}) == 1
    kept = homezone.operator.post(asked[0], key=asked[1]).refused(409, "period-not-next")
    assert kept.headers["idempotency-replayed"] == "true", "though its turn has come"
    (period,) = homezone.operator.get("/v1/billing/periods").ok(200).json["items"]
    figures = {
        (one["account"], one["commodity"]): one["debit"] - one["credit"]
        for one in period["accounts"]
    }
    assert figures == balances(homezone.operator, at=period["until"])
    assert period["postings"] > 400
    assert figures["equity:coins-issued", "QC"] == 60 * 50

    member = rich(homezone, 10)
    buy(member, item(homezone, 3)).ok(201)
    for month in ("2026-02", "2026-03"):
        homezone.operator.post(path.format(month)).ok(200)
    again = homezone.operator.post(path.format("2026-01")).ok(200)
    assert again.position == replies[0].position
    periods = homezone.operator.get("/v1/billing/periods").ok(200).json["items"]
    assert [one["month"] for one in periods] == ["2026-01", "2026-02", "2026-03"]
    assert periods[0] == period
    assert [one["postings"] for one in periods[1:]] == [0, 0]
    rows = homezone.operator.get("/v1/billing/revenue", to="2026-02").ok(200).json["items"]
    assert [(one["month"], one["closed"]) for one in rows] == [("2026-01", True), ("2026-02", True)]
    assert rows[0]["recognised"] == -figures["revenue:mall", "CNY"]
    place = ("--data-dir", str(old.data), "--database-url", old.url)
    checked = run("replay", "check", "ledger", *place)
    assert checked.returncode == 0, checked.stdout


def export(old: Old, format: str, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """What is typed."""
    place = ("--data-dir", str(old.data), "--database-url", old.url)
    return run("ledger", "export", "--format", format, "--out", str(out), *place, *more)


def test_the_books_of_a_running_store_are_written_to_a_file(old: Old, tmp_path: Path) -> None:
    out = tmp_path / "books.beancount"
    said = export(old, "beancount", out, "--to", "2026-02-01T00:00:00Z")
    assert said.returncode == 0, said.stderr
    assert str(out) in said.stdout
    entries, errors, _ = loader.load_file(str(out))
    assert errors == []
    bought = [one for one in entries if getattr(one, "narration", "") == "top_up"]
    assert len(bought) == 60
    assert [one.name for one in tmp_path.iterdir()] == ["books.beancount"]
    journal = tmp_path / "books.journal"
    assert export(old, "hledger", journal).returncode == 0
    assert "revenue:mall" in journal.read_text(encoding="utf-8")


def test_an_export_that_cannot_be_made_is_one_line(old: Old, tmp_path: Path) -> None:
    line = one_line(export(old, "beancount", tmp_path / "nowhere" / "books"), 1)
    assert "nowhere" in line
    assert "--from" in one_line(export(old, "hledger", tmp_path / "b", "--from", "soon"), 2)
    assert "format" in one_line(export(old, "abacus", tmp_path / "b"), 2).lower()
    assert list(tmp_path.iterdir()) == []
