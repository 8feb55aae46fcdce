"""
The log's book-keeping tables that the engine writes, as lightweight SQL names.

The log's adapter creates them; the engine only needs to name them.
"""

from sqlalchemy import BigInteger, DateTime, SmallInteger, Text, Uuid, column, table

checkpoints = table(
    "checkpoints",
    column("cell", SmallInteger),
    column("subscriber", Text),
    column("position", BigInteger),
    schema="log",
)

leases = table(
    "leases",
    column("name", Text),
    column("holder", Uuid),
    column("expires_at", DateTime(timezone=True)),
    schema="log",
)

log_heads = table(
    "log_heads",
    column("cell", SmallInteger),
    column("position", BigInteger),
    schema="log",
)
