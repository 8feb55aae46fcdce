"""
``homezone token``.
"""

from pathlib import Path

from api.cli.failures import Failed
from api.tokens import Role, TokenKeyFault, parse_ttl
from api.wiring.tokens import token_issuer, utc_now


def print_token(data_dir: Path, qq: int, role: str, ttl: str) -> None:
    """A token of the embedded default's own key, which is made when there is none yet."""
    if not 10_000 <= qq <= 99_999_999_999:
        raise Failed("--user takes a QQ number of 5 to 11 digits", 2)
    try:
        lifetime = parse_ttl(ttl)
    except ValueError:
        raise Failed("--ttl takes a number and a unit, such as 90s, 30m, 1h or 7d", 2) from None
    try:
        issuer = token_issuer(data_dir)
    except TokenKeyFault as fault:
        raise Failed(str(fault)) from fault
    print(issuer.issue(qq, Role(role), lifetime, utc_now()))
