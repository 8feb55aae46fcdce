"""
The books: a member's postings, and the sums of all accounts.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from domain.ids import LotId, MemberId, cell_of
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


_LOTS = Statement(
    "lots_of_postings",
    """
    SELECT position, lot, coins, fen FROM models.lot_moves
     WHERE cell = :cell::smallint AND member = :member::uuid
       AND position BETWEEN :first::bigint AND :last::bigint
    """,
)

_LOT_MOVES = Statement(
    "moves_of_lot",
    """
    SELECT position, member, what, about, coins, fen, at FROM models.lot_moves
     WHERE cell = :cell::smallint AND lot = :lot::uuid AND position > :after::bigint
     ORDER BY position LIMIT :count::int
    """,
)


class LotPart(msgspec.Struct, frozen=True):
    """Coins of a lot, and what exactly they cost, in fen."""

    lot: UUID
    coins: int
    fen: int


class MoveView(msgspec.Struct, frozen=True):
    """What happened to coins of a lot, at a position of its cell."""

    position: int
    member: UUID
    what: str
    about: UUID
    coins: int
    fen: int
    at: datetime


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


class PostingsView(msgspec.Struct, frozen=True):
    """Postings, and by position, the lots that each event was about."""

    postings: list[PostingView]
    lots: dict[int, list[LotPart]]


class AccountView(msgspec.Struct, frozen=True):
    """All that was ever posted to an account, in all cells."""

    account: str
    commodity: str
    debit: int
    credit: int


async def postings(
    connection: Connection, member: MemberId, before: tuple[int, int], count: int
) -> PostingsView:
    """What a member's events posted, newest first."""
    rows = await _POSTINGS(
        connection,
        cell=cell_of(member),
        member=member,
        before=before[0],
        before_line=before[1],
        count=count,
    )
    found = [PostingView(*row) for row in rows]
    if not found:
        return PostingsView([], {})
    lots = await lots_between(connection, member, found[-1].position, found[0].position)
    return PostingsView(found, lots)


async def lots_between(
    connection: Connection, member: MemberId, first: int, last: int
) -> dict[int, list[LotPart]]:
    """
    The lots that a member's events from one position to another are about, by position, in the
    order of their ids.
    """
    lots: dict[int, list[LotPart]] = {}
    rows = await _LOTS(connection, cell=cell_of(member), member=member, first=first, last=last)
    for position, lot, coins, fen in sorted(rows, key=lambda row: (row[0], row[1])):
        lots.setdefault(position, []).append(LotPart(lot, coins, fen))
    return lots


async def moves(connection: Connection, lot: LotId, after: int, count: int) -> list[MoveView]:
    """What happened to the coins of a lot, in order."""
    rows = await _LOT_MOVES(connection, cell=cell_of(lot), lot=lot, after=after, count=count)
    return [MoveView(*row) for row in rows]


async def trial_balance(connection: Connection, cells: Sequence[int]) -> list[AccountView]:
    """Every account, by name; each cell keeps sums of its own, added up here."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for _, account, commodity, debit, credit in await _ACCOUNTS(connection, cells=list(cells)):
        before = sums.get((account, commodity), (0, 0))
        sums[account, commodity] = (before[0] + debit, before[1] + credit)
    return [AccountView(*at, *both) for at, both in sorted(sums.items())]
