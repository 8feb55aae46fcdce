"""
Payment rails: one that takes every reference as paid, for demonstrations, and one over HTTP.
"""

from adapters.rails.demo import DemoRail
from adapters.rails.http import HttpRail

__all__ = ["DemoRail", "HttpRail"]
