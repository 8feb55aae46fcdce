"""
Mentions: in which posts a member is named. References alone, in the member's own cell; whether one
shows is asked when it is read, of the post as it is then.
"""

from collections.abc import Iterator

from sqlalchemy import Table

from domain.event import Recorded
from domain.ids import cell_of
from domain.post_events import PostEditApproved, PostEdited, PostHeld, PostPublished
from projections.rows import Change, Put
from projections.tables import METADATA, cell, key

MENTIONS = Table("mentions", METADATA, cell(), key("member"), key("post"))


class Mentions:
    """The read model."""

    name = "mentions"
    tables = (MENTIONS,)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        match recorded.event:
            case (
                PostPublished(content=content)
                | PostHeld(content=content)
                | PostEdited(content=content)
                | PostEditApproved(content=content)
            ):
                for member in content.mentions:
                    yield Put(MENTIONS, (cell_of(member), member, recorded.stream), {})
            case _:
                return
