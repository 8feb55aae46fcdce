"""
The ledger as a file for beancount.

Coins are held at cost, lot by lot. Where days alone say which lots of paid coins are first in,
beancount is left to find them by itself, and a file that it accepts is one in which it found those
that we did; elsewhere the lot is named. Coins of the house's accounts have the price at which they
came, so every transaction balances in yuan as well.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from api.billing.journal import KINDS, Leg, LotLeg, Transaction
from domain.ids import MemberId

_HEADS: Final = {
    "asset": "Assets",
    "liability": "Liabilities",
    "equity": "Equity",
    "revenue": "Income",
    "contra": "Income:Contra",
    "suspense": "Equity:Suspense",
}
_HEADER: Final = """option "title" "Homezone"
option "operating_currency" "CNY"
"""


class Beancount:
    """Writes transactions; accounts are opened where they first occur."""

    def __init__(self) -> None:
        self._open: set[str] = set()

    def header(self, about: str) -> str:
        """The beginning of the file."""
        return f"; {about}\n{_HEADER}"

    def text(self, transaction: Transaction) -> str:
        """One transaction, with the accounts that it is the first to use."""
        lines = [*self._opened(transaction), _title(transaction)]
        for leg in transaction.legs:
            lines += _postings(leg)
        return "\n".join(lines) + "\n"

    def _opened(self, transaction: Transaction) -> Iterator[str]:
        for leg in transaction.legs:
            name = account(leg.account, leg.member)
            if name not in self._open:
                self._open.add(name)
                kind = KINDS.get(leg.account)
                booking = {None: "", "paid": ' QC "FIFO"', "bonus": ' QC "STRICT"'}[kind]
                yield f"{transaction.day} open {name}{booking}"


def account(name: str, member: MemberId | None = None) -> str:
    """``Liabilities:Coins:Paid:01A2…``; words begin with a capital or a figure."""
    head, *rest = name.split(":")
    parts = [_HEADS[head], *map(_component, rest)]
    if member is not None:
        parts.append(str(member).upper())
    return ":".join(parts)


def _component(word: str) -> str:
    capital = "-".join(part.capitalize() for part in word.split("-"))
    return capital if capital[0].isalnum() else f"X{capital}"


def _title(transaction: Transaction) -> str:
    links = " ".join(f"^{place}" for place in transaction.position.split(","))
    return (
        f'\n{transaction.day} * "{transaction.what}" {links} ^{transaction.about}\n'
        f"  effective: {transaction.effective}\n"
        f'  period: "{transaction.period}"'
    )


def _postings(leg: Leg) -> Iterator[str]:
    name = account(leg.account, leg.member)
    if leg.commodity == "CNY":
        yield f"  {name}  {yuan(leg.amount)} CNY"
    elif leg.member is None:
        yield f"  {name}  {leg.amount} QC @@ {yuan(abs(leg.fen))} CNY"
    elif leg.by_lot:
        for lot in leg.lots:
            yield f"  {name}  {lot.coins} QC {{{_lot(lot)}}}"
    else:
        yield f"  {name}  {leg.amount} QC {{}}"


def _lot(lot: LotLeg) -> str:
    # Coins that leave are of a lot that is there; those that come say all of it.
    if lot.coins > 0:
        return f'"{lot.lot}"'
    return f'{unit_cost(lot)} CNY, {lot.day}, "{lot.lot}"'


def unit_cost(lot: LotLeg) -> Decimal:
    """What a coin of it cost, in yuan; exact, since a coin that is bought costs one."""
    return Decimal(abs(lot.fen)) / abs(lot.coins) / 100


def yuan(fen: int) -> Decimal:
    """In yuan, to the fen."""
    return Decimal(fen).scaleb(-2)
