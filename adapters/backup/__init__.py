"""
Backups: the log, copied once and for ever, in a directory that only grows.

What has to be saved is the log and the keys of commands; read models follow from the log. Since an
event never changes and positions have no gaps, a backup is a base and then, run by run, the log's
tail since the run before. It needs no right but to read, works the same on every PostgreSQL, and
holds every moment that there ever was: a restore to a point in time stops copying there.
"""

from adapters.backup.cut import Vector, When, resolve
from adapters.backup.export import take
from adapters.backup.faults import BackupFault
from adapters.backup.keylist import Reckoning, reckon, settle
from adapters.backup.load import load
from adapters.backup.parts import Backup, Part, writing_to
from adapters.backup.work import OnWork, Work

__all__ = [
    "Backup",
    "BackupFault",
    "OnWork",
    "Part",
    "Reckoning",
    "Vector",
    "When",
    "Work",
    "load",
    "reckon",
    "resolve",
    "settle",
    "take",
    "writing_to",
]
