"""
The log's tables, for queries; the migrations make them.

``cell`` leads every key and every where-clause, so that a database distributed by cell needs no
other statement than one that is not. The notary's are the exception: its tree is over all cells.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

metadata = MetaData(schema="log")

events = Table(
    "events",
    metadata,
    Column("cell", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("stream_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("owner", Uuid, nullable=False),
    Column("actor", Uuid, nullable=False),
    Column("command_id", Uuid, nullable=False),
    Column("correlation_id", Uuid, nullable=False),
    Column("causation_id", Uuid),
    Column("data", LargeBinary, nullable=False),
    UniqueConstraint("cell", "stream_id", "version", name="events_stream_key"),
)

log_heads = Table(
    "log_heads",
    metadata,
    Column("cell", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False, server_default=text("0")),
    Column(
        "last_recorded_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=text("'1970-01-01 00:00:00+00'::timestamptz"),
    ),
    Column("rules_epoch", BigInteger, nullable=False, server_default=text("0")),
)

commands = Table(
    "commands",
    metadata,
    Column("cell", SmallInteger, primary_key=True, autoincrement=False),
    Column("actor", Uuid, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("events", Integer, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Index("commands_expiry", "expires_at", postgresql_using="brin"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("cell", SmallInteger, primary_key=True, autoincrement=False),
    Column("subscriber", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("cell", SmallInteger, primary_key=True, autoincrement=False),
    Column("stream_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Uuid, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

notary_tree = Table(
    "notary_tree",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("vkey", Text, nullable=False),
    Column("size", BigInteger, nullable=False, server_default=text("0")),
)

notary_keys = Table(
    "notary_keys",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("vkey", Text, nullable=False),
    Column("since", BigInteger),
    Column("until", BigInteger),
)

notary_runs = Table(
    "notary_runs",
    metadata,
    Column("cell", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("leaf", BigInteger, nullable=False),
    Column("events", Integer, nullable=False),
    Column("tags", LargeBinary, nullable=False),
    Index("notary_runs_leaf", "leaf"),
)

notary_tiles = Table(
    "notary_tiles",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)

notary_checkpoints = Table(
    "notary_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    Column("signed_at", DateTime(timezone=True), nullable=False),
)

notary_cosignatures = Table(
    "notary_cosignatures",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("witness", Text, primary_key=True),
    Column("line", Text, nullable=False),
)
