"""
A rail on which everybody has paid whatever they say.

It gives coins away: ``homezone serve --demo`` has it, under the name ``demo``, and nothing else.
"""

from commands.rails import Seen


class DemoRail:
    """Takes every reference as paid."""

    async def look_up(self, _reference: str, asked_fen: int, /) -> Seen:
        """It was paid, over what is asked."""
        return Seen("paid", asked_fen)
