"""
What comes from a copy of a space that stands elsewhere.
"""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.ids import MemberId, cell_of, derive_at

Kind: TypeAlias = Literal["post", "album", "upload"]


class Copied(msgspec.Struct, frozen=True):
    """What it was in the place that a copy is of, and since when it was there."""

    id: UUID
    made_at: datetime

    def here(self, kind: Kind, owner: MemberId) -> UUID:
        """What it is here: always the same, so that a copy can be brought in twice."""
        milliseconds = max(0, int(self.made_at.timestamp() * 1000))
        return derive_at(milliseconds, cell_of(owner), f"copied-{kind}", owner, self.id)

    def at(self, now: datetime) -> datetime:
        """
        When it was made, as it is told here: what claims to come from the future would stand above
        all that is new.
        """
        return min(self.made_at, now)
