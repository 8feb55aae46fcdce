"""
What a verification says when the history is not what was signed.
"""


class Altered(Exception):
    """
    The history is not what was signed.

    :param at: the first position at fault (``0-123``); empty where no single one is.
    """

    def __init__(self, at: str, what: str) -> None:
        super().__init__(at, what)
        self.at = at
        self.what = what

    def __str__(self) -> str:
        return f"{self.at}: {self.what}" if self.at else self.what
