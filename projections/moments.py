"""
When something was made, as readers are told.
"""

from datetime import datetime

from domain.album_events import AlbumCreated
from domain.event import Recorded
from domain.photo_events import PhotoAdded
from domain.post_events import PostPublished


def made_at(recorded: Recorded) -> datetime:
    """When what an event brought was made: where it comes from a copy, when that was elsewhere."""
    elsewhere: datetime | None = None
    match recorded.event:
        case PostPublished(written_at=at) | AlbumCreated(made_at=at) | PhotoAdded(made_at=at):
            elsewhere = at
        case _:
            pass
    return recorded.recorded_at if elsewhere is None else elsewhere
