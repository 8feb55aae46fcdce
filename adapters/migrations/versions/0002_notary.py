"""
The notary's tree: which events are its leaves in which order, its tiles, and what was signed.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A run is some events of a cell, one after the other, that are leaves, one after the other: a row a
# batch instead of a row an event. Its tags are 32 bytes an event, the owner's and the actor's.
# There is one tree over all cells, so its tables are of no cell; only runs are found by one.
_TABLES = """
CREATE TABLE log.notary_tree (
    origin text NOT NULL,
    vkey text NOT NULL,
    size bigint NOT NULL DEFAULT 0,
    CONSTRAINT notary_tree_pkey PRIMARY KEY (origin)
) WITH (fillfactor = 50);
CREATE TABLE log.notary_runs (
    cell smallint NOT NULL,
    position bigint NOT NULL,
    leaf bigint NOT NULL,
    events integer NOT NULL,
    tags bytea NOT NULL,
    CONSTRAINT notary_runs_pkey PRIMARY KEY (cell, position)
);
CREATE INDEX notary_runs_leaf ON log.notary_runs (leaf);
CREATE TABLE log.notary_tiles (
    level smallint NOT NULL,
    number bigint NOT NULL,
    hashes bytea NOT NULL,
    CONSTRAINT notary_tiles_pkey PRIMARY KEY (level, number)
);
ALTER TABLE log.notary_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;
CREATE TABLE log.notary_checkpoints (
    size bigint NOT NULL,
    note bytea NOT NULL,
    signed_at timestamptz NOT NULL,
    CONSTRAINT notary_checkpoints_pkey PRIMARY KEY (size)
);
CREATE TABLE log.notary_cosignatures (
    size bigint NOT NULL,
    witness text NOT NULL,
    line text NOT NULL,
    CONSTRAINT notary_cosignatures_pkey PRIMARY KEY (size, witness)
);
"""

_RIGHTS = """
GRANT SELECT, INSERT, UPDATE ON log.notary_tree, log.notary_tiles TO homezone_server;
GRANT SELECT, INSERT ON log.notary_runs, log.notary_checkpoints TO homezone_server;
GRANT SELECT, INSERT, UPDATE ON log.notary_cosignatures TO homezone_server;
"""


def upgrade() -> None:
    for statement in (_TABLES + _RIGHTS).split(";"):
        if statement.strip():
            op.execute(statement)
