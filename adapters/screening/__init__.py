"""
Screening of words: what rule sets look for, found however it is dressed up.
"""

from adapters.screening.matcher import RuleMatcher

__all__ = ["RuleMatcher"]
