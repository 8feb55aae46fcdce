"""
What facts look like: rows of read models, or a few that belong together, still sealed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from domain.home import Home
from projections.reading.posts import Waits
from projections.reading.visits import VisitCounts

#: A text of so many bytes takes one more place.
_TEXT_BYTES: Final = 1_000


class Weighed(msgspec.Struct, eq=False):
    """A fact that may take more than one place."""

    @property
    def weight(self) -> int:
        """How many places it takes, at least one."""
        raise NotImplementedError


class Member(msgspec.Struct, frozen=True, eq=False):
    """A member's row."""

    qq: bytes
    nickname: bytes
    certified_as: str | None
    certified_name: bytes | None
    status: str
    joined_at: datetime
    position: int
    decorated: bool
    location_consent: bool = False


class Standing(Weighed, eq=False):
    """
    How a member stands to those whose posts may be in their feed; nobody who has blocked the other
    is among them. ``friends`` are those whose half names the same bond, by both halves.

    ``merged`` is their shelves merged, as long as those are the same.
    """

    friends: frozenset[UUID]
    follows: frozenset[UUID]
    sources: tuple[UUID, ...]
    merged: Any = None

    @property
    def weight(self) -> int:
        return 1 + len(self.sources)


class Pair(msgspec.Struct, frozen=True, eq=False):
    """
    How a member stands to another, by both halves: the bond that each offers, and what the other's
    half says of it.
    """

    mine: UUID | None = None
    theirs: UUID | None = None
    their_standing: str | None = None
    follows: bool = False
    blocked: bool = False
    blocks_viewer: bool = False

    @property
    def friends(self) -> bool:
        """Whether both halves name the same bond."""
        offered = self.their_standing in ("outgoing", "friends")
        return self.mine is not None and offered and self.mine == self.theirs


class Own(NamedTuple):
    """A member's own responses to a post: whether they like it, and how many comments wait."""

    liked: bool
    waiting: int


class Shelf(Weighed, eq=False):
    """
    The references of an author's newest posts, newest first: ``(published_at, post, author)``.
    ``whole`` says that the author has no others.
    """

    posts: tuple[tuple[datetime, UUID, UUID], ...]
    whole: bool

    @property
    def weight(self) -> int:
        return 1 + len(self.posts)


class Said(Weighed, eq=False):
    """
    A post's content, gate and counters. ``views`` are those made of it so far, by the viewer's own
    responses and whether they are a friend, each with the member's row that it shows as the
    author's.
    """

    author: UUID
    kind: str
    text: bytes
    title: bytes | None
    mood: bytes | None
    location: bytes | None
    share_of: UUID | None
    published_at: datetime
    edited_at: datetime | None
    cell: int
    position: int
    version: int
    live: bool
    audience: str
    listed_in: UUID | None
    likes: int
    comments: int
    waits: Waits | None = None
    commenting: str = "everyone"
    images: Sequence[UUID] | None = None
    mentions: Sequence[UUID] | None = None
    shares: int = 0
    views: dict[tuple[Own, bool], Any] = {}

    @property
    def weight(self) -> int:
        return 1 + len(self.text) // _TEXT_BYTES


class Posted(NamedTuple):
    """A message on a board, with its own gate."""

    message: UUID
    author: UUID
    cell: int
    thread: UUID
    reply_to: UUID | None
    text: bytes
    written_at: datetime
    position: int
    waits: str | None
    live: bool
    audience: str


class Page(Weighed, eq=False):
    """
    What an owner made of their home page, and the newest messages on its board. ``views`` are those
    made of messages so far, each with the member's row that it shows as the author's.
    """

    home: Home
    messages: tuple[Posted, ...]
    views: dict[UUID, Any] = {}

    @property
    def weight(self) -> int:
        return 1 + len(self.messages) + sum(len(one.text) for one in self.messages) // _TEXT_BYTES


class Visited(Weighed, eq=False):
    """
    How many visits a space had, and its newest visitors, newest first, with when. ``views`` are
    those made of visitors so far, each with the member's row that it shows.
    """

    counts: VisitCounts
    newest: tuple[tuple[UUID, datetime], ...]
    views: dict[UUID, Any] = {}

    @property
    def weight(self) -> int:
        return 1 + len(self.newest)
