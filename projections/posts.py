"""
Posts: what each says, sealed as its event sealed it, and where it stands among its author's.

All posts of an author are in the author's cell, so their positions put them in one order for good.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Column, Index, Integer, Table, Text, Uuid

from domain.event import Recorded
from domain.post_events import (
    FIRST_EDITION,
    FIRST_WAITING,
    PostApproved,
    PostAudienceChanged,
    PostAudienceIntended,
    PostCommentingChanged,
    PostContent,
    PostDeleted,
    PostEditApproved,
    PostEdited,
    PostEditHeld,
    PostEditRejected,
    PostHeld,
    PostPublished,
    PostRestored,
    edition_after,
)
from projections.gates import audience_name
from projections.moments import made_at
from projections.rows import Change, Drop, Patch, Put
from projections.tables import METADATA, MOMENT, cell, envelope, key, sealed

POSTS = Table(
    "posts",
    METADATA,
    cell(),
    key("post"),
    Column("author", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    sealed("text"),
    sealed("title", nullable=True),
    sealed("mood", nullable=True),
    sealed("location", nullable=True),
    Column("share_of", Uuid),
    # Photos and members by id; most posts have none. What shows of them is asked when read.
    Column("images", ARRAY(Uuid)),
    Column("mentions", ARRAY(Uuid)),
    Column("commenting", Text, nullable=False),
    Column("published_at", MOMENT, nullable=False),
    Column("edited_at", MOMENT),
    # What its author alone sees: how it waits, until when, for whom it will be; how an edit waits.
    Column("waits", Text),
    Column("due", MOMENT),
    Column("intended", Text),
    Column("edit_waits", Text),
    Column("position", BigInteger, nullable=False),
    # The edition, as clients know it: no count of what is not seen.
    Column("version", Integer, nullable=False),
    Index("posts_by_author", "cell", "author", "published_at", "post"),
)


class Posts:
    """The read model."""

    name = "posts"
    tables = (POSTS,)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        at = (recorded.cell, recorded.stream)
        match event:
            case PostPublished() | PostHeld():
                values = {
                    "author": event.author,
                    "kind": event.kind,
                    **_said(event.content),
                    "share_of": event.share_of,
                    "commenting": event.commenting,
                    "published_at": made_at(recorded),
                    "edited_at": None,
                    **_waiting(event),
                    "edit_waits": None,
                    "position": recorded.position,
                    "version": FIRST_WAITING if isinstance(event, PostHeld) else FIRST_EDITION,
                }
                yield Put(POSTS, at, values)
            case PostEdited(content=content) | PostEditApproved(content=content):
                said = _said(content)
                edition = edition_after(event, recorded.version)
                edited = {"edited_at": recorded.recorded_at, "version": edition}
                yield Patch(POSTS, at, {**said, **edited, "edit_waits": None})
            case PostEditHeld(how=how):
                yield Patch(POSTS, at, {"edit_waits": how})
            case PostEditRejected():
                yield Patch(POSTS, at, {"edit_waits": None})
            case PostCommentingChanged(commenting=commenting):
                edition = edition_after(event, recorded.version)
                yield Patch(POSTS, at, {"commenting": commenting, "version": edition})
            case PostAudienceChanged() | PostRestored():
                yield Patch(POSTS, at, {"version": edition_after(event, recorded.version)})
            case PostAudienceIntended(audience=audience):
                edition = edition_after(event, recorded.version)
                intended = {"intended": audience_name(audience), "version": edition}
                yield Patch(POSTS, at, intended)
            case PostApproved():
                # It was not there before, so it is as new as its approval, and was never edited.
                published = {
                    "published_at": recorded.recorded_at,
                    "edited_at": None,
                    "position": recorded.position,
                    "version": FIRST_EDITION,
                }
                yield Patch(POSTS, at, {**published, **_NO_WAITING})
            case PostDeleted():
                yield Drop(POSTS, at)
            case _:
                return


_NO_WAITING: dict[str, Any] = {"waits": None, "due": None, "intended": None}


def _waiting(event: PostPublished | PostHeld) -> dict[str, Any]:
    if isinstance(event, PostPublished):
        return _NO_WAITING
    intended = audience_name(event.audience)
    return {"waits": event.how, "due": event.promise.due, "intended": intended}


def _said(content: PostContent) -> dict[str, Any]:
    return {
        "text": content.text.envelope,
        "title": envelope(content.title),
        "mood": envelope(content.mood),
        "location": envelope(content.location),
        "images": list(content.images) or None,
        "mentions": list(content.mentions) or None,
    }
