"""
What an operator can set, in one place.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Literal

import msgspec

from api.addresses import Network
from api.quotas import Quotas
from commands.work import RETENTION
from domain.erasure import Terms


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """
    One server's settings.

    :param database_url: of a PostgreSQL that is there already; None for the embedded one.
    :param migration_url: the same database by the login that owns the tables, where the server's
        own does not; None where one login does both.
    :param cells: of an empty store; one that has cells keeps its own number.
    :param jwks_url: where a real identity provider publishes its keys, with ``issuer``.
    :param limits: whether there are request limits, which are ``quotas``.
    :param trusted_proxies: who is believed about the addresses of those behind them.
    :param requests_max: inside at once; likewise connections, and streams in all and of a member.
    :param rails: where payment rails are asked, by name.
    :param demo_rail: whether there is a rail ``demo`` on which everybody has paid.
    :param object_store: URL of a bucket for photos; None for a folder of the data directory.
    :param upload_bytes_max: how large a photo may be.
    :param kms: the key service that wraps the master key; None for whichever does, or none.
    :param notary: whether events are made leaves of the tree here.
    :param notary_key: the file of its key; None for one in the data directory.
    :param notary_name: of a new log; None for one that no other log has.
    :param witnesses: verifier keys of those whose cosignatures are taken.
    :param retention: for how long what is deleted can still be read by those who audit.
    :param erasure: how long an erasure waits, and what is retained after it.
    :param drain_seconds: between not being ready any more and not listening any more.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8080
    database_url: str | None = None
    migration_url: str | None = None
    cells: int = 16
    limits: bool = True
    quotas: Quotas = Quotas()
    trusted_proxies: tuple[Network, ...] = ()
    requests_max: int = 2_000
    connections_max: int = 12_000
    streams_max: int = 10_000
    streams_of_member_max: int = 20
    access_log: Literal["off", "slow", "all"] = "slow"
    drain_seconds: float = 0.0
    jwks_url: str | None = None
    issuer: str | None = None
    audience: str = "homezone"
    rails: Mapping[str, str] = {}
    demo_rail: bool = False
    object_store: str | None = None
    upload_bytes_max: int = 50_000_000
    kms: str | None = None
    notary: bool = True
    notary_key: Path | None = None
    notary_name: str | None = None
    witnesses: tuple[str, ...] = ()
    retention: timedelta = RETENTION
    erasure: Terms = Terms()

    @property
    def keys_dir(self) -> Path:
        """Where keys are kept: apart from the database, so that backups can part them."""
        return self.data_dir / "keys"
