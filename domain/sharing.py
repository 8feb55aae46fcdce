"""
Whose post a share is of: said by the event that makes it stand, so that the member can be told
without looking it up.
"""

from collections.abc import Sequence

import msgspec

from domain.ids import MemberId
from domain.post_events import PostEvent, PostHeld, PostPublished


def credited(
    events: Sequence[PostEvent], original_author: MemberId | None
) -> tuple[PostEvent, ...]:
    """What was decided of a share, with whose post it is of; None where it is none."""
    if original_author is None:
        return tuple(events)
    return tuple(
        msgspec.structs.replace(event, original_author=original_author)
        if isinstance(event, PostPublished | PostHeld)
        else event
        for event in events
    )
