"""
Bytes by name: in a folder, in a bucket, or in memory.
"""

from adapters.objects.memory import MemoryObjects
from adapters.objects.store import ObjectsFault, ObjectStore, bucket, folder

__all__ = ["MemoryObjects", "ObjectStore", "ObjectsFault", "bucket", "folder"]
