"""
Make a database cluster, remove one, and refuse one that these programs cannot read.
"""

import shutil
import signal
import subprocess
from logging import getLogger
from pathlib import Path

from adapters.embedded import leftovers, settings
from adapters.embedded.binaries import MAJOR, Binaries
from adapters.embedded.errors import EmbeddedPostgresError
from adapters.embedded.place import Place, occupy
from adapters.embedded.postmaster import clean_environment, launch_command

_log_quietly = getLogger("homezone.embedded").info


def ensure_cluster(place: Place, binaries: Binaries) -> None:
    """A cluster that the programs can run is at its place after this."""
    if not place.cluster.exists():
        _make(place, binaries)
    _check_version(place)


def _make(place: Place, binaries: Binaries) -> None:
    """Run ``initdb`` beside the cluster's name and rename: a cluster is whole or not there."""
    unfinished = place.home / "cluster.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    place.directory(unfinished.name)
    command = (
        str(binaries.initdb),
        f"--pgdata={unfinished}",
        f"--username={settings.SUPERUSER}",
        "--auth-local=peer",
        "--auth-host=reject",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--data-checksums",
        "--no-instructions",
    )
    made = subprocess.run(
        launch_command(place.account, signal.SIGTERM, *command),
        cwd=place.home,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        start_new_session=True,
    )
    if made.returncode != 0:
        output = (made.stderr or made.stdout).decode("utf-8", "replace").splitlines()
        reason = next((line for line in output if line.strip()), "it gave no reason")
        raise EmbeddedPostgresError(f"cannot make a database cluster in {place.home}: {reason}")
    unfinished.rename(place.cluster)


def _check_version(place: Place) -> None:
    try:
        version = (place.cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except OSError as error:
        raise EmbeddedPostgresError(
            f"{place.cluster} is not a database cluster: {error.strerror}"
        ) from error
    if version != str(MAJOR):
        raise EmbeddedPostgresError(
            f"{place.cluster} was made by PostgreSQL {version} and this Homezone brings {MAJOR};"
            " back it up with the Homezone that made it"
        )


def remove_cluster(data_dir: Path) -> None:
    """
    Remove a data directory's cluster, with all that is in it.

    :raises DataDirectoryInUse: a server runs on it.
    """
    with occupy(data_dir) as place:
        leftovers.clear(place, _log_quietly)
        shutil.rmtree(place.cluster)
