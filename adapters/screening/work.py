"""
How much is done for one text at most, in steps.

A text and a rule set can be made for each other so that what is to be looked at grows with the
product of their sizes, however clever the matcher. So everything that a text could multiply is
counted, and a text that takes more steps than its length allows is not finished: it is held, for
people to look at. Steps are counted and never timed, so that the same text under the same rules
comes to the same end on any machine, and when it is tried again years later.
"""

from typing import Final

#: Steps for any text, and for each of its characters. A step takes about a quarter of a
#: microsecond here; an ordinary text against 50,000 phrases takes less than one a character.
BASE: Final = 40_000
PER_CHARACTER: Final = 8


class Spent(Exception):
    """There are no steps left for a text."""


class Work:
    """
    The steps left for one text.

    :param characters: of the text as it was written.
    """

    __slots__ = ("left",)

    def __init__(self, characters: int = 0) -> None:
        self.left = BASE + PER_CHARACTER * characters

    def spend(self, steps: int) -> None:
        """
        Count steps, before they are taken.

        :raises Spent: there are not so many left.
        """
        self.left -= steps
        if self.left < 0:
            raise Spent
