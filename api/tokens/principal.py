"""
What a good token says, and why a bad one is refused.
"""

from datetime import datetime
from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What its holder may do; one a token."""

    MEMBER = "member"
    MODERATOR = "moderator"
    COMPLIANCE = "compliance"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class Principal(msgspec.Struct, frozen=True):
    """
    The holder of a verified token.

    :param qq: the member's QQ number, 5 to 11 digits.
    :param token_id: names the token in logs without giving it away.
    """

    qq: int
    role: Role
    token_id: str
    expires_at: datetime


class Reason(StrEnum):
    """Why a token is refused."""

    EXPIRED = "expired"
    EARLY = "early"
    SIGNATURE = "signature"
    ALGORITHM = "algorithm"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    ROLE = "role"
    MALFORMED = "malformed"


class InvalidToken(Exception):
    """The token proves nothing. It carries the reason, and nothing of the token."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class UnknownKey(InvalidToken):
    """
    Signed with a key that its issuer had not published when we last asked.

    :param issuer: the trusted issuer's name.
    """

    def __init__(self, issuer: str) -> None:
        super().__init__(Reason.SIGNATURE)
        self.issuer = issuer
