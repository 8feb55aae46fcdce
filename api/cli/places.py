"""
Where a command finds its store.
"""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

DataDir = Annotated[Path | None, Parameter(name="--data-dir", help="Default: $DATA, or var.")]
DatabaseUrl = Annotated[
    str | None,
    Parameter(name="--database-url", help="A PostgreSQL that is there already."),
]
MigrationUrl = Annotated[
    str | None,
    Parameter(
        name="--migration-url",
        env_var="MIGRATION_URL",
        help="The same database, by the login that owns the tables.",
    ),
]

NotaryKeyFile = Annotated[
    Path | None,
    Parameter(
        name="--notary-key",
        env_var="NOTARY_KEY",
        help="The file of the notary's key. Default: one in the data directory.",
    ),
]


def data_directory(given: Path | None) -> Path:
    """The data directory: as given, else ``DATA``, else ``var``."""
    return (given or Path(os.environ.get("DATA") or "var")).absolute()
