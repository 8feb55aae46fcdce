"""
The suite runs over every kind of store.
"""

from tests.support.objects import objects, s3

__all__ = ["objects", "s3"]
