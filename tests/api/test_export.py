"""
The ledger as other programs read it: beancount and hledger agree with us on every balance and lot.
"""

import csv
import io
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from beancount import loader
from beancount.core.data import Transaction
from beancount.core.inventory import Inventory

from api.billing.beancount import account
from api.billing.export import export
from domain.event import Event, Recorded
from domain.ids import MemberId, StreamId
from domain.lots import Lot
from domain.money import china_day
from domain.period import PeriodClosed
from domain.wallet import WALLET, Wallet
from domain.wallet_events import BonusGranted, WalletEvent, WalletToppedUp
from projections.postings import COINS, entry
from tests.api.ledgers import CELLS, Ledgers
from tests.api.test_billing import balances, lived

SEEDS = pytest.mark.parametrize("seed", range(6))
HLEDGER = shutil.which("hledger")
_BY_HLEDGER = pytest.mark.skipif(
    HLEDGER is None, reason="there is no hledger on this machine; `apt-get install hledger`"
)


class Reader:
    """The log of such a history, as an export reads it."""

    def __init__(self, events: Sequence[Recorded]) -> None:
        self.events = events

    def heads(self) -> Mapping[int, int]:
        heads = dict.fromkeys(range(CELLS), 0)
        heads.update((one.cell, one.position) for one in self.events)
        return heads

    def heads_at(self, moment: datetime) -> Mapping[int, int]:
        return Reader([one for one in self.events if one.recorded_at <= moment]).heads()

    def read(
        self,
        cell: int,
        after: int,
        limit: int,
        until: int | None = None,
        types: Sequence[type[Event]] | None = None,
    ) -> Sequence[Recorded]:
        assert until is not None
        assert types is not None
        mine = [one for one in self.events if one.cell == cell and after < one.position <= until]
        return [one for one in mine if type(one.event) in types][:limit]

    def read_streams(
        self, stretches: Sequence[tuple[StreamId, int, int | None]]
    ) -> Sequence[Sequence[Recorded]]:
        return [[one for one in self.events if one.stream == stream] for stream, _, _ in stretches]


@pytest.fixture(scope="module")
def histories() -> dict[int, Ledgers]:
    """Closed month by month, by seed."""
    return {seed: lived(seed) for seed in range(6)}


def wallets(events: Sequence[Recorded]) -> dict[MemberId, Wallet]:
    """What each member has, folded from the wallet's own stream."""
    found: dict[MemberId, Wallet] = {}
    for one in events:
        if isinstance(one.event, WalletEvent):
            before = found.get(one.owner, Wallet())
            found[one.owner] = WALLET.evolve(before, one.event, one.version)
    return found


def lots(events: Sequence[Recorded]) -> Iterator[tuple[MemberId, Lot]]:
    """Every lot with coins in it."""
    for member, wallet in wallets(events).items():
        for lot in wallet.lots:
            if lot.left.coins:
                yield member, lot


def days(events: Sequence[Recorded]) -> dict[UUID, date]:
    """When each lot was acquired."""
    found: dict[UUID, date] = {}
    for one in events:
        day = china_day(one.recorded_at)
        if isinstance(one.event, WalletToppedUp | BonusGranted):
            found[one.event.lot] = day
        for back in getattr(one.event, "returned", ()):
            if back.expires_at is not None:
                found[back.into] = day
    return found


# beancount


def booked(text: str) -> dict[str, Inventory]:
    """What beancount makes of a file: the inventory of each account."""
    entries, errors, _ = loader.load_string(text)
    assert errors == []
    found: dict[str, Inventory] = {}
    for one in entries:
        for posting in one.postings if isinstance(one, Transaction) else ():
            found.setdefault(posting.account, Inventory()).add_position(posting)
    return found


def agrees(text: str, events: Sequence[Recorded]) -> None:
    """Beancount has our balances, and our lots."""
    inventories = booked(text)
    expected: dict[str, Counter[str]] = {}
    for (name, commodity), (debit, credit) in balances(events).items():
        if name not in COINS.values():
            expected.setdefault(account(name), Counter())[commodity] += debit - credit
    for name, units in expected.items():
        theirs: Counter[str] = Counter()
        # What was at zero before a part begins is not in it.
        for one in inventories.get(name, Inventory()):
            theirs[one.units.currency] += one.units.number
        assert theirs["QC"] == units["QC"]
        assert theirs["CNY"] * 100 == units["CNY"]
    acquired = days(events)
    ours = {
        (account(COINS[lot.kind], member), str(lot.id)): (
            -lot.left.coins,
            Decimal(lot.left.fen) / lot.left.coins / 100,
            acquired[lot.id],
        )
        for member, lot in lots(events)
    }
    theirs_by_lot = {
        (name, one.cost.label): (one.units.number, one.cost.number, one.cost.date)
        for name, inventory in inventories.items()
        for one in inventory
        if one.cost is not None
    }
    assert theirs_by_lot == ours
    assert ours


@SEEDS
def test_beancount_agrees_on_every_balance_and_lot(
    histories: dict[int, Ledgers], seed: int
) -> None:
    events = histories[seed].log.events
    text = "".join(export(Reader(events), "beancount", None, None))
    agrees(text, events)
    assert " QC {}" in text, "beancount finds by itself what is first in"


@SEEDS
def test_a_part_begins_with_what_was_carried_over(histories: dict[int, Ledgers], seed: int) -> None:
    events = histories[seed].log.events
    since, until = events[len(events) // 3].recorded_at, events[-len(events) // 4].recorded_at
    text = "".join(export(Reader(events), "beancount", since, until))
    agrees(text, [one for one in events if one.recorded_at <= until])
    whole = sum(since < one.recorded_at <= until and _posts(one) for one in events)
    assert text.count(" * ") == whole + 1


def _posts(recorded: Recorded) -> bool:
    return entry(recorded.event) is not None


def test_first_in_first_out_is_theirs_to_get_wrong(histories: dict[int, Ledgers]) -> None:
    """Were the last coins in the first out, this very file would not be ours any longer."""
    events = histories[0].log.events
    text = "".join(export(Reader(events), "beancount", None, None))
    with pytest.raises(AssertionError):
        agrees(text.replace('"FIFO"', '"LIFO"'), events)


@SEEDS
@pytest.mark.parametrize("format", ["beancount", "hledger"])
def test_a_file_says_nothing_of_anybody(
    histories: dict[int, Ledgers], seed: int, format: Any
) -> None:
    """Random ids, and the words of the chart; nothing that was sealed, no rail's reference."""
    events = histories[seed].log.events
    text = "".join(export(Reader(events), format, None, None))
    quoted = set(re.findall(r'"([^"]*)"', text))
    uuid = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    words = {one for one in quoted if not uuid.fullmatch(one)}
    known = {made.what for one in events if (made := entry(one.event)) is not None}
    allowed = {"title", "Homezone", "operating_currency", "CNY", "FIFO", "STRICT"}
    assert {one for one in words if not re.fullmatch(r"20\d\d-\d\d", one)} <= known | allowed
    dates = re.findall(r"^(20\d\d-\d\d-\d\d)", text, re.MULTILINE)
    assert all(one <= other for one, other in pairwise(dates)), "days never run backwards"


def test_a_late_entry_has_its_own_date_and_the_period_that_was_open(
    histories: dict[int, Ledgers],
) -> None:
    events = histories[1].log.events
    text = "".join(export(Reader(events), "beancount", None, None))
    found = re.findall(
        r'^  effective: (20\d\d-\d\d)-\d\d\n  period: "(20\d\d-\d\d)"', text, re.MULTILINE
    )
    assert any(effective < period for effective, period in found)
    assert any(isinstance(one.event, PeriodClosed) for one in events)


# hledger


@SEEDS
@_BY_HLEDGER
def test_hledger_agrees_on_every_balance_and_lot(
    histories: dict[int, Ledgers], seed: int, tmp_path: Path
) -> None:
    events = histories[seed].log.events
    file = tmp_path / "homezone.journal"
    since = events[len(events) // 3].recorded_at if seed % 2 else None
    file.write_text("".join(export(Reader(events), "hledger", since, None)), encoding="utf-8")
    assert HLEDGER is not None
    command = (HLEDGER, "-f", str(file), "balance", "--flat", "--no-total", "--layout=bare")
    said = subprocess.run(
        [*command, "-O", "csv"], capture_output=True, text=True, check=False, encoding="utf-8"
    )
    assert said.returncode == 0, said.stderr
    theirs = {
        (row["account"], row["commodity"]): Decimal(row["balance"])
        for row in csv.DictReader(io.StringIO(said.stdout))
    }
    ours: dict[tuple[str, str], Decimal] = {}
    for (name, commodity), (debit, credit) in balances(events).items():
        if name not in COINS.values() and debit != credit:
            ours[name, commodity] = Decimal(debit - credit) / (100 if commodity == "CNY" else 1)
    for member, lot in lots(events):
        ours[f"{COINS[lot.kind]}:{member}:{lot.id}", "QC"] = Decimal(-lot.left.coins)
    assert {where: left for where, left in theirs.items() if left} == ours


@pytest.mark.parametrize("format", ["beancount", "hledger"])
def test_nothing_is_exported_of_nothing(format: Any) -> None:
    assert "*" not in "".join(export(Reader([]), format, None, None))
