"""
Payment rails: those outside who move money, and are believed about it.
"""

from collections.abc import Mapping
from typing import Protocol, TypeAlias

import msgspec

from domain.payment import RailState


class Seen(msgspec.Struct, frozen=True):
    """
    What a rail says of a reference.

    :param fen: the amount, 0 where it knows none.
    :param payer: the code that the payment was begun with (:func:`commands.payments.payer_code`),
        and so whose it is; None on a rail that does not keep it.
    """

    state: RailState
    fen: int = 0
    payer: str | None = None


class RailUnavailable(Exception):
    """The rail cannot be asked now; nothing is known, and nothing was done."""


class PaymentRail(Protocol):
    """
    A rail. It is only ever asked: what it sends by itself is a hint at most, so a notification
    that comes twice, late or out of order changes nothing.
    """

    async def look_up(self, reference: str, asked_fen: int, /) -> Seen:
        """
        What became of the payment with a reference of the rail's.

        :param asked_fen: what the member says it was over; for a rail that keeps no books.
        :raises RailUnavailable: it does not answer, or not sensibly.
        """


Rails: TypeAlias = Mapping[str, PaymentRail]
