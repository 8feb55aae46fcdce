"""
What members receive about their coins.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from commands.types import Moment
from domain.ids import MemberId, cell_of
from projections.reading.ledgers import LotPart, PostingView
from projections.reading.wallets import WalletView

Coins = Annotated[int, msgspec.Meta(ge=0)]


class Lot(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    Coins of one origin: ``left`` of the ``coins`` that it began with, which cost ``fen`` in all.
    ``of`` is the lot whose expired coins came back as this one.
    """

    id: UUID
    kind: str
    left: int
    coins: int
    fen: int
    acquired_at: Moment
    position: str
    rail: str | None = None
    expires_at: Moment | None = None
    of: UUID | None = None


class Hold(msgspec.Struct, frozen=True):
    """Coins set aside for an order, at the latest until then."""

    order: UUID
    coins: int
    held_at: Moment
    expires_at: Moment


class Wallet(msgspec.Struct, frozen=True):
    """
    What can be spent, ``paid`` and ``bonus`` coins apart; ``held`` is beside them. While anything
    is ``owed``, because a payment was taken back after its coins were used up, nothing is spent.
    """

    balance: Coins
    paid: Coins
    bonus: Coins
    held: Coins
    owed: Coins
    lots: list[Lot]
    holds: list[Hold]


class LotShare(msgspec.Struct, frozen=True):
    """Coins of a lot, and what exactly they cost, in fen."""

    lot: UUID
    coins: Coins
    fen: Coins


class Posting(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    One side of a movement. Those of one position sum to zero in each commodity; ``about`` is an
    order, or what paid days of a membership, or the lot, and ``lots`` are the coins that it is
    about; what is for such days says which, from ``since`` until before ``until``.
    """

    position: str
    at: Moment
    what: str
    about: UUID
    account: str
    commodity: str
    debit: Coins
    credit: Coins
    lots: list[LotShare]
    since: date | None = None
    until: date | None = None


def wallet(view: WalletView, member: MemberId, now: datetime) -> Wallet:
    """A wallet at a moment."""
    # What has run out of time counts no longer, though no timer may have come round to say so.
    good = [lot for lot in view.lots if lot.expires_at is None or lot.expires_at > now]
    paid = sum(lot.left for lot in good if lot.kind == "paid")
    bonus = sum(lot.left for lot in good if lot.kind == "bonus")
    lots = [
        Lot(
            id=lot.lot,
            kind=lot.kind,
            left=lot.left,
            coins=lot.coins,
            fen=lot.fen,
            acquired_at=lot.acquired_at,
            position=f"{cell_of(member)}-{lot.position}",
            rail=lot.rail,
            expires_at=lot.expires_at,
            of=lot.of,
        )
        for lot in good
    ]
    holds = [Hold(one.order, one.coins, one.held_at, one.expires_at) for one in view.holds]
    held = sum(one.coins for one in holds)
    return Wallet(paid + bonus, paid, bonus, held, view.owed, lots, holds)


def posting(view: PostingView, shares: Mapping[int, Sequence[LotPart]], cell: int) -> Posting:
    """
    A posting.

    :param shares: of lots, by position.
    """
    return Posting(
        position=f"{cell}-{view.position}",
        at=view.at,
        what=view.what,
        about=view.about,
        account=view.account,
        commodity=view.commodity,
        debit=view.debit,
        credit=view.credit,
        lots=[LotShare(part.lot, part.coins, part.fen) for part in shares.get(view.position, ())],
        since=view.since,
        until=view.until,
    )
