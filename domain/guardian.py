"""
Refunds at a guardian's word: what a minor bought is undone, and its price is split by fault.

By the law of China what a minor buys without a guardian's consent does not bind them, but a
guardian who let it happen bears a part. Staff weigh that; what they went by stands with the refund.
"""

import msgspec

from domain.sealed import Sealed


class GuardianClaim(msgspec.Struct, frozen=True):
    """
    On which ground coins go back to a minor.

    :param evidence: that it was the minor who bought, and that this is their guardian.
    :param house_percent: how much of the fault is the house's, from 1 to 100.
    """

    evidence: Sealed[str]
    house_percent: int


def house_share(coins: int, house_percent: int) -> int:
    """
    The coins that the house gives back; the rest the guardian bears. What does not divide goes
    back, so the two are the whole, and of anything something goes back.
    """
    if not 1 <= house_percent <= 100:
        raise ValueError("house_percent")
    return -(-coins * house_percent // 100)
