"""
Every command, and how each ends: 0 on success, 2 on wrong usage, 1 on failure, with one clear line
on stderr and no traceback.
"""

import asyncio
import os
import sys
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal, NoReturn

from cyclopts import App, CycloptsError, Group, Parameter, validators

from api.cli.erasing import ErasureOptions
from api.cli.failures import Failed, explain
from api.cli.groups import GROUPS
from api.cli.options import PhotoOptions, Tuning, rails_at
from api.cli.places import DatabaseUrl, DataDir, MigrationUrl, NotaryKeyFile, data_directory
from api.settings import Settings

Port = Annotated[int | None, Parameter(validator=validators.Number(gte=0, lte=65_535))]
Cells = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=4_096))]
Some = Annotated[int, Parameter(validator=validators.Number(gte=1))]
Number = Annotated[int, Parameter(validator=validators.Number(gte=0))]

app = App(
    name="homezone",
    help="The backend of a personal-space network.",
    version=lambda: version("homezone"),
)
for _group in GROUPS:
    app.command(_group)
app.group_parameters = Group("Options")


@app.command
def serve(
    *,
    host: str = "127.0.0.1",
    port: Port = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    limits: Literal["on", "off"] | None = None,
    demo: bool = False,
    cells: Cells = 16,
    jwks_url: str | None = None,
    issuer: str | None = None,
    rails: str | None = None,
    migration_url: MigrationUrl = None,
    tuning: Tuning | None = None,
    erasure: ErasureOptions | None = None,
) -> None:
    """
    Run everything in the foreground: database, API, projections, policies, timers.

    Parameters
    ----------
    host: The address to listen on.
    port: The port to listen on; 0 takes a free one. Default: $PORT, or 8080.
    limits: Request limits. Default: $LIMITS, or on.
    demo: Fill an empty store with a small demo world and take payments on rail "demo" as made.
    cells: The number of cells of an empty store.
    jwks_url: Where a real identity provider publishes its keys.
    issuer: That provider's issuer.
    rails: Payment rails as NAME=URL, by commas. Default: $RAILS.
    """
    from api.cli.serving import run

    tuning = tuning or Tuning()
    if (jwks_url is None) != (issuer is None):
        raise Failed("--jwks-url and --issuer go together", 2)
    settings = Settings(
        data_dir=data_directory(data_dir),
        host=host,
        port=_port(port),
        database_url=database_url,
        limits=(limits or os.environ.get("LIMITS", "on")) != "off",
        cells=cells,
        jwks_url=jwks_url,
        issuer=issuer,
        rails=rails_at(rails or os.environ.get("RAILS") or ""),
        demo_rail=demo,
        migration_url=migration_url,
        quotas=tuning.quotas,
        trusted_proxies=tuning.networks,
        requests_max=tuning.requests_max,
        connections_max=tuning.connections_max,
        streams_max=tuning.streams_max,
        streams_of_member_max=tuning.streams_of_member_max,
        access_log=tuning.access_log,
        drain_seconds=tuning.drain,
        object_store=tuning.object_store,
        upload_bytes_max=tuning.upload_max,
        kms=tuning.key_service,
        retention=timedelta(days=tuning.retention),
        notary_key=tuning.notary_key,
        notary_name=tuning.notary_name,
        witnesses=tuning.witness_keys,
        erasure=(erasure or ErasureOptions()).terms,
    )
    run(settings, demo=demo)


def _port(given: int | None) -> int:
    if given is not None:
        return given
    text = os.environ.get("PORT") or "8080"
    if not text.isdecimal() or int(text) > 65_535:
        raise Failed("PORT is not a port", 2)
    return int(text)


@app.command
def token(
    *,
    user: int,
    role: Literal["member", "moderator", "compliance", "auditor", "operator"],
    ttl: str = "1h",
    data_dir: DataDir = None,
) -> None:
    """
    Print a bearer token.

    Parameters
    ----------
    user: The QQ number.
    role: What the token's holder may do.
    ttl: How long it is valid: 90s, 30m, 1h, 7d.
    """
    from api.cli.tokens import print_token

    print_token(data_directory(data_dir), user, role, ttl)


@app.command
def simulate(
    *,
    users: Some = 100,
    actions: Number = 5_000,
    seed: int = 1,
    url: str = "http://127.0.0.1:8080",
    concurrency: Some = 32,
    writes_only: bool = False,
    data_dir: DataDir = None,
) -> None:
    """
    A realistic workload over HTTP, with a summary of rates and latencies.

    Parameters
    ----------
    users: How many members.
    actions: How many actions, reads and writes.
    seed: The same seed gives the same world.
    url: The server, which must trust this data directory's tokens.
    concurrency: How many requests at once.
    writes_only: Leave the reads out, to fill a store.
    """
    from api.cli.simulating import run

    run(
        data_directory(data_dir),
        url,
        users=users,
        actions=actions,
        seed=seed,
        concurrency=concurrency,
        writes_only=writes_only,
    )


@app.command
def status(
    *,
    json: bool = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """
    Log head, projections with their lag, timers due, embedded or external database.

    Parameters
    ----------
    json: As JSON.
    """
    from api.cli.reporting import print_status

    print_status(data_directory(data_dir), database_url, as_json=json)


@app.command
def migrate(
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    migration_url: MigrationUrl = None,
    cells: Cells = 16,
) -> None:
    """
    Bring the database to what this release needs: its schema, and read models that have changed.

    A server whose login owns the database does so by itself when it starts; this is for the others.

    Parameters
    ----------
    cells: The number of cells of an empty store.
    """
    from api.cli.migrating import run

    run(data_directory(data_dir), migration_url or database_url, cells)


@app.command
def backup(
    directory: Path,
    /,
    *,
    keys_to: Path | None = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    photos: PhotoOptions | None = None,
) -> None:
    """
    Back up log and photos, while served or not: all into an empty directory, else what is new.

    Parameters
    ----------
    directory: Where the backup is, or is to be.
    keys_to: A directory, apart from it, in which to keep the newest copy of keys.db.
    """
    from api.cli.backing_up import run_backup

    bucket = photos is not None and photos.object_store is not None
    run_backup(directory, data_directory(data_dir), database_url, keys_to, bucket)


@app.command(name="import")
def import_(
    file: Path,
    /,
    *,
    user: int | None = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    photos: PhotoOptions | None = None,
) -> None:
    """
    Bring a copy of a member's space in: lists, look, albums and posts, with the times they had.

    Parameters
    ----------
    file: What the member fetched (POST /v1/me/exports).
    user: Whose space it becomes. Default: the QQ number that the copy is of.
    """
    from api.cli.importing import run_import

    run_import(file, data_directory(data_dir), database_url, user, photos or PhotoOptions())


@app.command
def restore(
    directory: Path,
    /,
    *,
    until: str | None = None,
    keys: Path | None = None,
    accept_lost_keys: bool = False,
    check: bool = False,
    notary_key: NotaryKeyFile = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    photos: PhotoOptions | None = None,
    erasure: ErasureOptions | None = None,
) -> None:
    """
    Restore a backup into an empty data directory or database.

    Parameters
    ----------
    directory: Where the backup is.
    until: How far: positions (0-123,7-45) or a time (2026-11-22T08:00:00Z). Default: all of it.
    keys: A directory with master.key and keys.db, to be copied. Default: keys/ is there already.
    accept_lost_keys: Restore though the vault lacks keys: what they seal is lost, as if erased.
    check: Only check the backup, against the keys as well.
    """
    from api.cli.backing_up import run_restore

    run_restore(
        directory,
        data_directory(data_dir),
        database_url,
        until=until,
        keys=keys,
        accept_lost_keys=accept_lost_keys,
        check=check,
        bucket=photos is not None and photos.object_store is not None,
        notary_key=notary_key,
        terms=(erasure or ErasureOptions()).terms,
    )


def main() -> NoReturn:
    """The ``homezone`` command."""
    try:
        app(exit_on_error=False, print_error=False)
    except CycloptsError as error:
        _fail(2, " ".join(str(error).split()))
    except Failed as error:
        _fail(error.status, str(error))
    except (KeyboardInterrupt, asyncio.CancelledError):
        _fail(130, "interrupted")
    except Exception as error:  # noqa: BLE001 - no traceback ever meets a user
        _fail(1, explain(error))
    sys.exit(0)


def _fail(status_code: int, line: str) -> NoReturn:
    print(f"homezone: {line}", file=sys.stderr)
    sys.exit(status_code)
