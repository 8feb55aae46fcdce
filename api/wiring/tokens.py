"""
Tokens without a server: the key of a data directory, and the system's clock and entropy.
"""

from datetime import datetime
from pathlib import Path

from adapters.clock import SystemClock, SystemEntropy
from api.tokens import TokenIssuer, TokenKey


def token_issuer(data_dir: Path) -> TokenIssuer:
    """Issues tokens that the server of this data directory accepts."""
    return TokenIssuer(TokenKey.open(data_dir / "keys" / "token.key"), SystemEntropy())


def utc_now() -> datetime:
    """The time, for commands that run without a server."""
    return SystemClock().now()
