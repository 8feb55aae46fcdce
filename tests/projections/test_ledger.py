"""
Books in double entry: what each event posts, and what they say of the wallets after any history.
"""

from collections import Counter

import msgspec
import pytest

from domain.lots import coins_in
from domain.membership_events import MembershipPaused, MembershipResumed
from domain.payment import PaymentTurned
from domain.wallet import WALLET, Wallet
from domain.wallet_events import WalletEvent
from projections.ledger import ACCOUNTS
from projections.postings import (
    COINS,
    DAYS,
    DAYS_PAUSED,
    ESCROW,
    HOLDS,
    RECEIVABLE,
    REVERSED,
    SOLD,
    Entry,
    Posting,
    entry,
)
from tests.samples.stored import STORED, sample
from tests.simulation.coins import Purchases
from tests.simulation.tables import MODELS, Tables, changes_of

POSTED = [
    name
    for name in STORED
    if isinstance(sample(name), WalletEvent | PaymentTurned | MembershipPaused | MembershipResumed)
]


def posted(name: str) -> Entry:
    """What a stored event posts."""
    made = entry(sample(name))
    assert made is not None
    return made


@pytest.mark.parametrize("name", POSTED)
def test_every_event_posts_as_much_on_both_sides(name: str) -> None:
    sums: Counter[str] = Counter()
    for one in posted(name).postings:
        assert (one.debit == 0) != (one.credit == 0), "one side of one account"
        sums[one.commodity] += one.debit - one.credit
    assert sums
    assert not any(sums.values())


def test_a_top_up_brings_money_that_is_not_earned_yet() -> None:
    assert posted("wallet.topped_up.v1").postings == (
        Posting("asset:rail-clearing:demo", "CNY", debit=10_000),
        Posting("liability:coins-sold", "CNY", credit=10_000),
        Posting("equity:coins-issued", "QC", debit=100),
        Posting("liability:coins:paid", "QC", credit=100),
    )


def test_a_purchase_earns_what_its_coins_cost() -> None:
    assert posted("wallet.spent.v1").postings == (
        Posting("liability:coins:bonus", "QC", debit=10),
        Posting("revenue:mall", "QC", credit=10),
        Posting("liability:coins:paid", "QC", debit=20),
        Posting("revenue:mall", "QC", credit=20),
        Posting("liability:coins-sold", "CNY", debit=2_000),
        Posting("revenue:mall", "CNY", credit=2_000),
    )


def test_what_is_held_is_not_earned() -> None:
    units = {one.commodity for one in posted("wallet.held.v1").postings}
    assert units == {"QC"}


def test_a_period_is_owed_and_says_which_days_it_is_for() -> None:
    by_account = {
        one.account: one
        for one in posted("wallet.spent.v1-membership").postings
        if one.commodity == "CNY"
    }
    assert by_account[DAYS].credit == by_account[SOLD].debit == 1_000
    term = by_account[DAYS].term
    assert term is not None
    assert (f"{term.first}", f"{term.after}") == ("2026-11-28", "2026-12-28")
    back = posted("wallet.refunded.v1-membership").postings
    assert {one.account for one in back} >= {DAYS, SOLD, COINS["paid"]}


def test_days_that_rest_are_owed_apart() -> None:
    for name in ("membership.paused.v1", "membership.resumed.v1"):
        assert {one.account for one in posted(name).postings} >= {DAYS, DAYS_PAUSED}


def test_an_empty_lot_that_expires_posts_nothing() -> None:
    expired = msgspec.structs.replace(sample("wallet.bonus_expired.v1"), coins=0)
    assert entry(expired) is None


@pytest.mark.parametrize("seed", range(5))
def test_the_books_are_the_wallets(seed: int) -> None:
    """Whatever happened, each liability is what the wallets themselves say is owed."""
    purchases = Purchases(seed, 4, {})
    tables = Tables()
    for start in range(0, len(purchases.events), 7):
        tables.write(changes_of(MODELS, purchases.events[start : start + 7]))
        check(tables, wallets(purchases, start + 7))


def wallets(purchases: Purchases, count: int) -> list[Wallet]:
    """The wallets after so many events, folded from their streams."""
    by_member: dict[object, Wallet] = {}
    for one in purchases.events[:count]:
        if isinstance(one.event, WalletEvent):
            before = by_member.get(one.owner, Wallet())
            by_member[one.owner] = WALLET.evolve(before, one.event, one.version)
    return list(by_member.values())


def check(tables: Tables, folded: list[Wallet]) -> None:
    """The accounts are sums of what the wallets hold."""
    owed: Counter[tuple[str, str]] = Counter()
    for (_cell, account, commodity), row in tables.every(ACCOUNTS).items():
        owed[account, commodity] += row["credit"] - row["debit"]
    for unit in ("QC", "CNY"):
        assert sum(amount for (_, of), amount in owed.items() if of == unit) == 0
    for kind, account in COINS.items():
        in_lots = sum(lot.left.coins for one in folded for lot in one.lots if lot.kind == kind)
        assert owed[account, "QC"] == in_lots
    for gift, account in ((False, HOLDS), (True, ESCROW)):
        held = [one.in_hold(hold) for one in folded for hold in one.holds if hold.gift == gift]
        assert owed[account, "QC"] == sum(coins_in(parts) for parts in held)
    gone = [reversal for one in folded for reversal in one.reversals]
    missing = sum(one.owed.fen for one in gone if one.owed is not None)
    assert -owed[RECEIVABLE, "CNY"] == missing
    assert owed[REVERSED, "CNY"] == missing + sum(one.had.fen for one in gone)
    cost = sum(lot.left.fen for one in folded for lot in one.lots)
    cost += sum(part.fen for one in folded for hold in one.holds for part in one.in_hold(hold))
    assert owed[SOLD, "CNY"] == cost
