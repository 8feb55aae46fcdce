"""
A real database for the contestants that need one.
"""

from tests.support.database import database_url, server_url

__all__ = ["database_url", "server_url"]
