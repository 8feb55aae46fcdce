"""
What a member made, as it stands in a copy: one JSON object a thing, tagged by its kind.

This is a format of its own and is kept: what reads it may be another installation, years from now.
New fields and kinds may come; none goes or changes its meaning.
"""

from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from commands.types import Moment
from domain.album_events import Layout, Sort
from domain.post_events import Commenting

State: TypeAlias = Literal["published", "held", "private_view", "taken_down"]


class MadeAudience(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom it is for; ``members`` are QQ numbers, ``list`` is one of the lists of this copy."""

    to: Literal["public", "friends", "only_me", "list"]
    members: list[int] = []
    list: UUID | None = None


class MadePoll(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a post asks."""

    options: list[str | None]
    choose: int = 1
    closes_at: Moment | None = None


class MadePost(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="post"):
    """A post, with the words that its author gave it last, be they seen or waiting."""

    id: UUID
    type: str
    published_at: Moment
    state: State
    audience: MadeAudience
    text: str | None
    title: str | None = None
    mood: str | None = None
    location: str | None = None
    share_of: UUID | None = None
    images: list[UUID] = []
    poll: MadePoll | None = None
    mentions: list[int] = []
    commenting: Commenting = "everyone"
    edited_at: Moment | None = None


class MadeComment(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="comment"):
    """A comment under a post, ``post_by`` whom."""

    id: UUID
    post: UUID
    post_by: int | None
    written_at: Moment
    state: State
    text: str | None
    reply_to: UUID | None = None


class MadeLike(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="like"):
    """That the member likes a post."""

    post: UUID
    post_by: int | None
    liked_at: Moment


class MadeVote(msgspec.Struct, frozen=True, tag_field="kind", tag="vote"):
    """What the member is for, by number from 0, in the poll of a post."""

    post: UUID
    post_by: int | None
    options: list[int]
    cast_at: Moment


class MadeMessage(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="message"):
    """A message on a board, whose is ``board_of``."""

    id: UUID
    board_of: int | None
    written_at: Moment
    state: State
    text: str | None
    reply_to: UUID | None = None


class MadeVisit(msgspec.Struct, frozen=True, tag_field="kind", tag="visit"):
    """That the member was in a space: so often, and last at that time, seen or not."""

    space_of: int | None
    times: int
    visited_at: Moment


class MadeAlbum(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="album"):
    """An album; the photos in it say so themselves."""

    id: UUID
    title: str | None
    created_at: Moment
    state: State
    audience: MadeAudience
    layout: Layout
    sort: Sort
    slideshow: Sort
    cover: UUID | None = None


class MadePhoto(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="photo"):
    """A photo; ``file`` is where in this copy its original is."""

    id: UUID
    album: UUID
    file: str
    added_at: Moment
    state: State
    place: int
    caption: str | None = None
    alt: str | None = None
    taken_at: Moment | None = None
    location: str | None = None


class MadeList(msgspec.Struct, frozen=True, tag_field="kind", tag="list"):
    """A named list with whom it names."""

    id: UUID
    name: str | None
    members: list[int]
    saved_at: Moment


Made: TypeAlias = (
    MadePost
    | MadeComment
    | MadeLike
    | MadeVote
    | MadeMessage
    | MadeVisit
    | MadeAlbum
    | MadePhoto
    | MadeList
)
