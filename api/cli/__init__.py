"""
The command line: ``homezone``.
"""

from api.cli.app import main

__all__ = ["main"]
