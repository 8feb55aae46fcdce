"""
Who is asking: bearer tokens, issued by the embedded default or by a real identity provider.

A token says a QQ number, a role and until when. Whether that member is suspended is asked at use,
from the member's status, and not here: a token can be valid and its holder turned away.
"""

from api.tokens.issuer import TokenIssuer, parse_ttl
from api.tokens.key import TokenKey, TokenKeyFault
from api.tokens.principal import InvalidToken, Principal, Reason, Role
from api.tokens.trust import FixedKeys, KeySource, TrustedIssuer
from api.tokens.verifier import TokenVerifier

__all__ = [
    "FixedKeys",
    "InvalidToken",
    "KeySource",
    "Principal",
    "Reason",
    "Role",
    "TokenIssuer",
    "TokenKey",
    "TokenKeyFault",
    "TokenVerifier",
    "TrustedIssuer",
    "parse_ttl",
]
