"""
The books: a member's postings, and the sums of all accounts.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from domain.ids import MemberId, cell_of
from projections.reading.statements import Connection, Statement

_POSTINGS = Statement(
    "postings_of_member",
    """
    SELECT position, line, what, about, account, commodity, debit, credit, at, since, until
      FROM models.postings
     WHERE cell = :cell::smallint AND member = :member::uuid
       AND (position, line) < (:before::bigint, :before_line::smallint)
     ORDER BY position DESC, line DESC LIMIT :count::int
    """,
)

_ACCOUNTS = Statement(
    "ledger_accounts",
    """
    SELECT cell, account, commodity, debit, credit FROM models.ledger_accounts
     WHERE cell = ANY(:cells::smallint[])
    """,
)


class PostingView(msgspec.Struct, frozen=True):
    """
    A posting, at a line of the event at a position of the member's cell; ``since`` and ``until``
    are the days of a membership that it is for.
    """

    position: int
    line: int
    what: str
    about: UUID
    account: str
    commodity: str
    debit: int
    credit: int
    at: datetime
    since: date | None
    until: date | None


class AccountView(msgspec.Struct, frozen=True):
    """All that was ever posted to an account, in all cells."""

    account: str
    commodity: str
    debit: int
    credit: int


async def postings(
    connection: Connection, member: MemberId, before: tuple[int, int], count: int
) -> list[PostingView]:
    """What a member's events posted, newest first."""
    rows = await _POSTINGS(
        connection,
        cell=cell_of(member),
        member=member,
        before=before[0],
        before_line=before[1],
        count=count,
    )
    return [PostingView(*row) for row in rows]


async def trial_balance(connection: Connection, cells: Sequence[int]) -> list[AccountView]:
    """Every account, by name; each cell keeps sums of its own, added up here."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for _, account, commodity, debit, credit in await _ACCOUNTS(connection, cells=list(cells)):
        before = sums.get((account, commodity), (0, 0))
        sums[account, commodity] = (before[0] + debit, before[1] + credit)
    return [AccountView(*at, *both) for at, both in sorted(sums.items())]
