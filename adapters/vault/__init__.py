"""
The key vault: what makes a text readable, kept away from where the text is.

Destroying a key is how a person is erased from an append-only log, so keys live in a database of
their own, each wrapped by a master key that can be kept elsewhere.
"""

from adapters.vault.file import FileKeyVault
from adapters.vault.key import KeyDestroyed, VaultFault
from adapters.vault.master import wrapper_of
from adapters.vault.memory import MemoryKeyVault
from adapters.vault.rotation import check_free, rotate
from adapters.vault.service import check_service

__all__ = [
    "FileKeyVault",
    "KeyDestroyed",
    "MemoryKeyVault",
    "VaultFault",
    "check_free",
    "check_service",
    "rotate",
    "wrapper_of",
]
