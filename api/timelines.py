"""
What clients receive of a timeline, and how its entries become it.
"""

from uuid import UUID

import msgspec

from api.albums import Album, ExhibitPresenter, Photo
from api.answers import Author, Comment, Post
from api.homes import HomePresenter, Message
from commands.types import Moment
from projections.reading.timelines import DeedKind, TimelineEntry


class TimelineItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    One thing a member did. `post` is what was published, commented on, liked or voted on; `message`
    was written on the `board` of that member; `album` was made, and `photo` added.
    """

    id: UUID
    kind: DeedKind
    at: Moment
    month: str
    post: Post | None = None
    comment: Comment | None = None
    message: Message | None = None
    board: Author | None = None
    album: Album | None = None
    photo: Photo | None = None


class TimelinePresenter(HomePresenter, ExhibitPresenter):
    """Turns entries into answers for one viewer."""

    def entry(self, entry: TimelineEntry) -> TimelineItem:
        """A thing a member did."""
        return TimelineItem(
            id=entry.stream,
            kind=entry.kind,
            at=entry.at,
            month=f"{entry.at:%Y-%m}",
            post=None if entry.post is None else self.post(entry.post),
            comment=None if entry.comment is None else self.comment(entry.comment),
            message=None if entry.message is None else self.message(entry.message),
            board=None if entry.board is None else self.author(entry.board),
            album=None if entry.album is None else self.album(entry.album),
            photo=None if entry.photo is None else self.photo(entry.photo),
        )
