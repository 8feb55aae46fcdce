"""
The event log, its heads, idempotency keys, checkpoints, snapshots, leases; and who may touch them.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Two keys and no other index: each further one is paid by every event, for ever. The heads are
# updated by every batch, so their pages keep room for the new versions of their few rows. Keys
# expire in about the order in which they came, so the smallest kind of index finds the old ones.
_TABLES = """
CREATE TABLE log.events (
    cell smallint NOT NULL,
    position bigint NOT NULL,
    stream_id uuid NOT NULL,
    version integer NOT NULL,
    type text NOT NULL,
    recorded_at timestamptz NOT NULL,
    owner uuid NOT NULL,
    actor uuid NOT NULL,
    command_id uuid NOT NULL,
    correlation_id uuid NOT NULL,
    causation_id uuid,
    data bytea NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (cell, position),
    CONSTRAINT events_stream_key UNIQUE (cell, stream_id, version)
);
CREATE TABLE log.log_heads (
    cell smallint NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    last_recorded_at timestamptz NOT NULL DEFAULT '1970-01-01 00:00:00+00',
    rules_epoch bigint NOT NULL DEFAULT 0,
    CONSTRAINT log_heads_pkey PRIMARY KEY (cell)
) WITH (fillfactor = 10);
CREATE TABLE log.commands (
    cell smallint NOT NULL,
    actor uuid NOT NULL,
    key text NOT NULL,
    digest bytea NOT NULL,
    answer bytea NOT NULL,
    position bigint NOT NULL,
    events integer NOT NULL,
    expires_at timestamptz,
    CONSTRAINT commands_pkey PRIMARY KEY (cell, actor, key)
);
CREATE INDEX commands_expiry ON log.commands USING brin (expires_at) WITH (pages_per_range = 16);
CREATE TABLE log.checkpoints (
    cell smallint NOT NULL,
    subscriber text NOT NULL,
    position bigint NOT NULL,
    CONSTRAINT checkpoints_pkey PRIMARY KEY (cell, subscriber)
) WITH (fillfactor = 50);
CREATE TABLE log.snapshots (
    cell smallint NOT NULL,
    stream_id uuid NOT NULL,
    version integer NOT NULL,
    type text NOT NULL,
    data bytea NOT NULL,
    CONSTRAINT snapshots_pkey PRIMARY KEY (cell, stream_id, version)
);
CREATE TABLE log.leases (
    name text NOT NULL,
    holder uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT leases_pkey PRIMARY KEY (name)
) WITH (fillfactor = 50);
"""

_RIGHTS = """
GRANT USAGE ON SCHEMA log, models TO homezone_server;
GRANT SELECT, INSERT ON log.events TO homezone_server;
GRANT SELECT, UPDATE ON log.log_heads TO homezone_server;
GRANT SELECT, INSERT, DELETE ON log.commands, log.snapshots TO homezone_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON log.checkpoints, log.leases TO homezone_server;
GRANT SELECT ON log.alembic_version TO homezone_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA models TO homezone_server;
ALTER DEFAULT PRIVILEGES IN SCHEMA models
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO homezone_server;
"""


def upgrade() -> None:
    for statement in (_TABLES + _RIGHTS).split(";"):
        if statement.strip():
            op.execute(statement)
