"""
The ``eventsourcing`` library on ``eventsourcing-sqlalchemy``, over psycopg2.
"""

from typing import Any

from eventsourcing.persistence import InfrastructureFactory
from eventsourcing_sqlalchemy.datastore import SQLAlchemyDatastore

from benchmarks.peers.library import LibraryDriver
from benchmarks.peers.protocol import serve


class Driver(LibraryDriver):
    """``pool`` in the settings is the number of connections."""

    def environment(self, config: dict[str, Any], settings: dict[str, Any]) -> dict[str, str]:
        """Its settings."""
        SQLAlchemyDatastore.__init__ = _with_pool(settings["pool"])
        query = f"host={config['host']}&port={config['port']}"
        return {
            "PERSISTENCE_MODULE": "eventsourcing_sqlalchemy",
            "SQLALCHEMY_URL": f"postgresql+psycopg2://{config['user']}@/{config['database']}?{query}",
        }

    def release(self, factory: "InfrastructureFactory[Any]") -> None:
        """Its factory closes nothing by itself."""
        factory.datastore.engine.dispose()  # type: ignore[attr-defined]


_original = SQLAlchemyDatastore.__init__


def _with_pool(size: int) -> Any:
    """The library hands no pool size on from its environment, so it is put in here."""

    def __init__(self: Any, **options: Any) -> None:  # noqa: N807
        _original(self, **options, pool_size=size, max_overflow=0, pool_timeout=120)

    return __init__


if __name__ == "__main__":
    serve(Driver())
