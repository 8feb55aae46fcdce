"""
The one set of tables that read models live in.

All stand in schema ``models``; a rebuild makes the same tables in a schema beside it. ``cell``
leads every primary key, so that a distributed PostgreSQL can place rows by it.
"""

from sqlalchemy import Column, LargeBinary, MetaData, SmallInteger, Uuid
from sqlalchemy.types import DateTime

from domain.sealed import Sealed

SCHEMA = "models"
METADATA = MetaData(schema=SCHEMA)
MOMENT = DateTime(timezone=True)


def cell() -> Column[int]:
    """The leading column of every primary key."""
    return Column("cell", SmallInteger, primary_key=True, autoincrement=False)


def key(name: str) -> Column[object]:
    """A further column of a primary key: an id."""
    return Column(name, Uuid, primary_key=True)


def sealed(name: str, *, nullable: bool = False) -> Column[bytes]:
    """A sealed value's envelope."""
    return Column(name, LargeBinary, nullable=nullable, info={"sealed": True})


def envelope(value: Sealed[str] | None) -> bytes | None:
    """What such a column holds."""
    return None if value is None else value.envelope
