"""
Commands that come in groups: about keys, read models, rules, evidence and books.
"""

from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from cyclopts import App, Parameter, validators

from api.cli.places import DatabaseUrl, DataDir, MigrationUrl, NotaryKeyFile, data_directory

_keys = App(name="keys", help="The keys of members' texts.")
_replay = App(name="replay", help="Read models, from the log.")
_rules = App(name="rules", help="Rule sets.")
_audit = App(name="audit", help="The evidence.")
_ledger = App(name="ledger", help="The books.")
GROUPS = (_replay, _audit, _rules, _ledger, _keys)


@_keys.command
def rotate(
    *,
    to: str | None = None,
    user: int | None = None,
    purpose: str | None = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """
    Replace the master key; no server may be running on the data directory.

    Parameters
    ----------
    to: What wraps the new one: a key service, aws-kms://KEY, or "file". Default: as the old one.
    user: The QQ number of the operator, which is recorded.
    purpose: What it is done for, which is recorded.
    """
    from api.cli.rotating import run

    run(data_directory(data_dir), database_url, to, user, purpose)


@_replay.command
def rebuild(
    *names: str,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    migration_url: MigrationUrl = None,
) -> None:
    """
    Rebuild read models beside the live ones and swap them in.

    Parameters
    ----------
    names: Which; all, when none is named.
    """
    from api.cli.replaying import run_rebuild

    run_rebuild(data_directory(data_dir), migration_url or database_url, names)


@_replay.command
def check(
    *names: str,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    migration_url: MigrationUrl = None,
) -> None:
    """
    Compare the live read models with a rebuild, row by row.

    Parameters
    ----------
    names: Which; all, when none is named.
    """
    from api.cli.replaying import run_check

    run_check(data_directory(data_dir), migration_url or database_url, names)


@_replay.command
def as_of(
    when: str,
    /,
    *,
    schema: str,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    migration_url: MigrationUrl = None,
) -> None:
    """
    Make read models as they stood at a moment, in a schema of their own, for use with psql.

    Parameters
    ----------
    when: A position (0-1234) or several (0-1234,7-45), or a time (RFC 3339).
    schema: Where they are made; what was made there before is replaced.
    """
    from api.cli.replaying import run_as_of

    run_as_of(data_directory(data_dir), migration_url or database_url, when, schema)


@_rules.command
def backtest(
    file: Path,
    /,
    *,
    name: str | None = None,
    since: Annotated[str | None, Parameter(name="--from")] = None,
    until: Annotated[str | None, Parameter(name="--to")] = None,
    level: Annotated[int | None, Parameter(validator=validators.Number(gte=0, lte=3))] = None,
    sample: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=1_000))] = 20,
    purpose: str | None = None,
    user: int | None = None,
    json: bool = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """
    Try a rule set on history: what it would have done, against what was done.

    Parameters
    ----------
    file: The rule set, as PUT /v1/moderation/rules/NAME takes it.
    name: Of the set whose place it would take. Default: the file's name without its ending.
    since: After which moment: positions (0-123,7-45) or a time. Default: all of history.
    until: Up to which moment. Default: now.
    level: Of sensitivity. Default: the one in force.
    sample: How many examples of each kind.
    purpose: Opens what the examples say, for this, which is recorded; with --user.
    user: The QQ number of whoever reads them.
    json: As JSON.
    """
    from api.cli.backtesting import run_backtest

    run_backtest(
        file,
        data_directory(data_dir),
        database_url,
        name=name,
        since=since,
        until=until,
        level=level,
        sample=sample,
        as_json=json,
        purpose=purpose,
        user=user,
    )


@_audit.command
def verify(
    *,
    checkpoint: Path | None = None,
    key: tuple[str, ...] = (),
    witness: tuple[str, ...] = (),
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """
    Work out every leaf, tile and checkpoint again from the events, and count every stream through.

    Parameters
    ----------
    checkpoint: A note that was kept: the tree must have grown from it.
    key: A verifier key of the log, known from elsewhere. Default: those that the store names.
    witness: The verifier key of a witness who must have signed the note, or some checkpoint.
    """
    from api.cli.auditing import run_verify

    run_verify(
        data_directory(data_dir),
        database_url,
        checkpoint=checkpoint,
        keys=key,
        witnesses=witness,
    )


@_audit.command
def rotate_key(
    *,
    alone: bool = False,
    user: int | None = None,
    purpose: str | None = None,
    notary_key: NotaryKeyFile = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """
    Have a new key sign the tree beside the old one, with a server running or not.

    Parameters
    ----------
    alone: At once without the old one, as when that was stolen.
    user: The QQ number of the operator, which is recorded.
    purpose: What it is done for, which is recorded.
    """
    from api.cli.notary import run_rotate

    run_rotate(data_directory(data_dir), database_url, notary_key, (user, purpose), alone)


@_audit.command
def retire_key(
    *,
    user: int | None = None,
    purpose: str | None = None,
    notary_key: NotaryKeyFile = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """
    Have the newest key sign the tree alone, and forget the old ones.

    Parameters
    ----------
    user: The QQ number of the operator, which is recorded.
    purpose: What it is done for, which is recorded.
    """
    from api.cli.notary import run_retire

    run_retire(data_directory(data_dir), database_url, notary_key, (user, purpose))


@_audit.command
def set_back(
    *,
    user: int | None = None,
    purpose: str | None = None,
    notary_key: NotaryKeyFile = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """
    Have the notary go on from the store's tree though it is not the one that it signed last.

    Whoever saw the other one will see that the log forked.

    Parameters
    ----------
    user: The QQ number of the operator, which is recorded.
    purpose: What it is done for, which is recorded.
    """
    from api.cli.notary import run_set_back

    run_set_back(data_directory(data_dir), database_url, notary_key, (user, purpose))


@_audit.command(name="export")
def export_bundle(
    *,
    out: Path,
    since: Annotated[str | None, Parameter(name="--from")] = None,
    until: Annotated[str | None, Parameter(name="--to")] = None,
    owner: UUID | None = None,
    stream: UUID | None = None,
    kind: Literal["moderation", "billing", "all"] = "all",
    witness: Annotated[tuple[str, ...], Parameter(env_var="WITNESSES")] = (),
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """
    Write an evidence bundle: events with all that it takes to prove them to a stranger.

    Parameters
    ----------
    out: The file, a zip.
    since: After which moment: positions (0-123,7-45) or a time. Default: all of the log.
    until: Up to which moment. Default: what is signed by now.
    owner: The member whose events they are, by the id that events carry.
    stream: The stream whose events they are.
    kind: The trail of moderation, or of billing.
    witness: Verifier keys of witnesses, to go into the bundle. Default: $WITNESSES, by commas.
    """
    from api.cli.bundling import run_export

    run_export(
        out,
        data_directory(data_dir),
        database_url,
        since=since,
        until=until,
        wanted=(kind, owner, stream),
        witnesses=[key for one in witness for key in one.split(",") if key],
    )


@_audit.command(name="check")
def check_bundle(file: Path, /, *, key: str | None = None, witness: tuple[str, ...] = ()) -> None:
    """
    Check an evidence bundle, without a database.

    Parameters
    ----------
    file: The bundle.
    key: The log's verifier key, known from elsewhere. Default: the one in the bundle, which proves
        no more than that.
    witness: The verifier key of a witness who must have signed.
    """
    from api.cli.bundling import run_check

    run_check(file, key=key, witnesses=witness)


@_audit.command
def table(
    file: Path, /, *, out: Path, key: str | None = None, witness: tuple[str, ...] = ()
) -> None:
    """
    Check an evidence bundle, and write its events as a table in Parquet.

    Parameters
    ----------
    file: The bundle.
    out: The table, which is there once the bundle is known to hold.
    key: The log's verifier key, known from elsewhere.
    witness: The verifier key of a witness who must have signed.
    """
    from api.cli.bundling import run_table

    run_table(file, out, key=key, witnesses=witness)


@_ledger.command
def export(
    *,
    format: Literal["beancount", "hledger"],
    out: Path,
    since: Annotated[str | None, Parameter(name="--from")] = None,
    until: Annotated[str | None, Parameter(name="--to")] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """
    Write every transaction of the ledger to a file that another program reads.

    Parameters
    ----------
    format: Which program.
    out: The file.
    since: After which moment: positions (0-123,7-45) or a time. Default: all of it.
    until: Up to which moment. Default: now.
    """
    from api.cli.exporting import run_export

    run_export(
        out,
        data_directory(data_dir),
        database_url,
        format=format,
        since=since,
        until=until,
    )
