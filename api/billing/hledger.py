"""
The ledger as a journal for hledger: the chart of accounts as it is, with an account below each
member's coins for each lot, so that a balance is a lot's. The two commodities balance each by
itself, as they do with us.
"""

from api.billing.beancount import yuan
from api.billing.journal import Leg, Transaction

_HEADER = """commodity 1.00 CNY
commodity 1. QC
account asset  ; type: A
account liability  ; type: L
account equity  ; type: E
account revenue  ; type: R
account contra  ; type: R
account suspense  ; type: E
"""


class Hledger:
    """Writes transactions."""

    def header(self, about: str) -> str:
        """The beginning of the journal."""
        return f"; {about}\n{_HEADER}"

    def text(self, transaction: Transaction) -> str:
        """One transaction; its second date is when it took effect."""
        lines = [
            f"\n{transaction.day}={transaction.effective} * ({transaction.position})"
            f" {transaction.what}  ; about:{transaction.about}, period:{transaction.period}"
        ]
        for leg in transaction.legs:
            lines += _postings(leg)
        return "\n".join(lines) + "\n"


def _postings(leg: Leg) -> list[str]:
    if leg.member is not None:
        return [f"    {leg.account}:{leg.member}:{lot.lot}  {lot.coins} QC" for lot in leg.lots]
    amount = f"{yuan(leg.amount)} CNY" if leg.commodity == "CNY" else f"{leg.amount} QC"
    return [f"    {leg.account}  {amount}"]
