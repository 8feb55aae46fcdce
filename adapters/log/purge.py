"""
Forgetting expired idempotency keys, in bites small enough to be in nobody's way.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Engine, text

# Without a lock on the head: a key that expired may be forgotten at any moment.
_PURGE: Final = text(
    "DELETE FROM log.commands c USING ("
    " SELECT cell, actor, key FROM log.commands WHERE expires_at <= :now LIMIT :limit"
    ") old WHERE c.cell = old.cell AND c.actor = old.actor AND c.key = old.key"
)
#: By the index of times, which knows only roughly where to look and is no candidate for any other
#: kind of scan; without this, a plan looks at every key there is whenever few have expired.
_SETTINGS: Final = "; ".join(
    f"SET LOCAL enable_{kind} = off"
    for kind in ("seqscan", "indexscan", "indexonlyscan", "hashjoin", "mergejoin")
)


def purge(engine: Engine, now: datetime, limit: int) -> int:
    """Delete at most ``limit`` keys that expired by ``now``; how many there were."""
    with engine.begin() as connection:
        connection.exec_driver_sql(_SETTINGS)
        return connection.execute(_PURGE, {"now": now, "limit": limit}).rowcount
