"""
What an operator can set, in one place.
"""

from pathlib import Path

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """
    One server's settings.

    :param database_url: of a PostgreSQL that is there already; None for the embedded one.
    :param cells: of an empty store; one that has cells keeps its own number.
    :param jwks_url: where a real identity provider publishes its keys, with ``issuer``.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8080
    database_url: str | None = None
    cells: int = 16
    limits: bool = True
    jwks_url: str | None = None
    issuer: str | None = None
    audience: str = "homezone"

    @property
    def keys_dir(self) -> Path:
        """Where keys are kept: apart from the database, so that backups can part them."""
        return self.data_dir / "keys"
