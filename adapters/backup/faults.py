"""
Why a backup cannot be taken or restored.
"""


class BackupFault(Exception):
    """It cannot be done; the message is one clear line, free of anybody's data."""
