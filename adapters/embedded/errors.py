"""
What can go wrong with the embedded server, each in one line a person can act on.

The command line prints ``str(error)`` and exits 1, so a message says what is the matter and where.
"""


class EmbeddedPostgresError(Exception):
    """The embedded server cannot do what was asked; the message is one clear line."""


class DataDirectoryInUse(EmbeddedPostgresError):
    """Another Homezone server has this data directory."""


class ServerExited(EmbeddedPostgresError):
    """PostgreSQL ended while it was starting; the message carries the last lines of its log."""
