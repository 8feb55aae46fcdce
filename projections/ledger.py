"""
The ledger: every posting, by the member whose event made it, the lots that it is about, and sums
of each account, all of them and by stretches of the log.

Sums are kept cell by cell and added up by whoever reads them. What an event posts comes with its
position in one transaction, so at any moment every commodity sums to zero.
"""

from collections.abc import Iterable

from sqlalchemy import BigInteger, Column, Date, SmallInteger, Table, Text, Uuid

from domain.event import Recorded
from projections.lot_moves import LOT_MOVES, lot_rows
from projections.postings import POSTING
from projections.rows import Add, Change, Put
from projections.tables import METADATA, MOMENT, cell, key
from projections.turnovers import RATES, TURNOVERS, booked, turned

POSTINGS = Table(
    "postings",
    METADATA,
    cell(),
    key("member"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("line", SmallInteger, primary_key=True, autoincrement=False),
    Column("what", Text, nullable=False),
    Column("about", Uuid, nullable=False),
    Column("account", Text, nullable=False),
    Column("commodity", Text, nullable=False),
    Column("debit", BigInteger, nullable=False),
    Column("credit", BigInteger, nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("since", Date),
    Column("until", Date),
    info={"append_only": True},
)

ACCOUNTS = Table(
    "ledger_accounts",
    METADATA,
    cell(),
    Column("account", Text, primary_key=True),
    Column("commodity", Text, primary_key=True),
    Column("debit", BigInteger, nullable=False, server_default="0"),
    Column("credit", BigInteger, nullable=False, server_default="0"),
)


class Ledger:
    """The read model."""

    name = "ledger"
    tables = (POSTINGS, ACCOUNTS, LOT_MOVES, TURNOVERS, RATES)
    inline = False
    #: A rebuild reads no others.
    types = frozenset(POSTING)

    def rows(self, recorded: Recorded) -> Iterable[Change]:
        """What an event posts."""
        if type(recorded.event) not in self.types or (made := booked(recorded)) is None:
            return ()
        entry, cell = made.entry, recorded.cell
        changes: list[Change] = list(lot_rows(recorded, entry))
        for line, posting in enumerate(entry.postings):
            account, commodity, term = posting.account, posting.commodity, posting.term
            if entry.own:
                values = {
                    "what": entry.what,
                    "about": entry.about,
                    "account": account,
                    "commodity": commodity,
                    "debit": posting.debit,
                    "credit": posting.credit,
                    "at": entry.at,
                    # The days of a membership that it is for: earned one after the other.
                    "since": None if term is None else term.first,
                    "until": None if term is None else term.after,
                }
                at = (cell, recorded.owner, recorded.position, line)
                changes.append(Put(POSTINGS, at, values))
            side = posting.side
            changes.append(Add(ACCOUNTS, (cell, account, commodity), side))
            changes += turned(recorded, made.month, posting, side)
        return changes
