"""
What is measured of money happens: purchases are in the log and in the books, transfers balance.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from benchmarks.cluster import parts
from benchmarks.ours.purchases import Purchases
from benchmarks.peers.transfers import Transfers


@pytest.fixture
def purchases(database_url: str, tmp_path: Path) -> Iterator[Purchases]:
    contestant = Purchases()
    contestant.open({"url": database_url, "keys": str(tmp_path / "keys")})
    yield contestant
    contestant.close()


def scalar(url: str, query: str) -> int:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.scalar(text(query))
    engine.dispose()
    return int(found or 0)


@pytest.mark.parametrize(("buyers", "items"), [(50, 50), (50, 1), (1, 50)])
def test_every_purchase_that_is_counted_is_in_the_log(
    purchases: Purchases, database_url: str, buyers: int, items: int
) -> None:
    done = purchases.buy(8, 0.1, buyers, items)
    spent = "SELECT count(*) FROM log.events WHERE type = 'wallet.spent.v1'"
    assert scalar(database_url, spent) == done["events"] >= 8
    read = purchases.read()
    assert read["events"] == scalar(database_url, "SELECT count(*) FROM log.events")
    assert purchases.rebuild()["events"] == read["events"]
    earned = "SELECT sum(credit) FROM models.ledger_accounts WHERE account = 'revenue:mall'"
    assert scalar(database_url, f"{earned} AND commodity = 'QC'") == done["events"]


def test_transfers_balance(database_url: str) -> None:
    contestant = Transfers()
    contestant.open({**parts(database_url), "accounts": 5})
    done = contestant.transfer(8, 0.1, 4)
    assert scalar(database_url, "SELECT count(*) FROM transfers") == done["events"]
    assert scalar(database_url, "SELECT count(*) FROM entries") == 2 * done["events"]
    assert scalar(database_url, "SELECT sum(balance) FROM accounts") == 0
    contestant.close()
