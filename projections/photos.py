"""
Photos: where each stands among those of its album and of its owner, and what it is made of.

The gate says which album a photo is in, at the commit; a row here that has not heard of a move is
passed over until it has.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, Uuid

from domain.event import Recorded
from domain.photo_events import (
    PhotoAdded,
    PhotoApproved,
    PhotoDeleted,
    PhotoHeld,
    PhotoMoved,
    PhotoPlaced,
    PhotoRejected,
    PhotoRestored,
    PhotoReworded,
    PhotoUnpublished,
    PhotoWords,
    PhotoWordsApproved,
    PhotoWordsHeld,
    PhotoWordsRejected,
)
from domain.picture import Picture
from projections.moments import made_at
from projections.rows import Change, Drop, Patch, Put
from projections.tables import METADATA, MOMENT, cell, envelope, key, sealed

PHOTOS = Table(
    "photos",
    METADATA,
    cell(),
    key("photo"),
    Column("owner", Uuid, nullable=False),
    Column("album", Uuid, nullable=False),
    sealed("caption", nullable=True),
    sealed("alt", nullable=True),
    sealed("location", nullable=True),
    # The three renditions, as the event has them.
    Column("renditions", LargeBinary, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("format", Text, nullable=False),
    Column("added_at", MOMENT, nullable=False),
    # When it was taken, as far as the picture says; else when it was added.
    Column("taken_at", MOMENT, nullable=False),
    Column("place", BigInteger, nullable=False),
    # What its owner alone sees: how it waits, and how other words do.
    Column("waits", Text),
    Column("words_wait", Text),
    Column("position", BigInteger, nullable=False),
    # Of the last event that changed what it is: what its owner's changes may be conditional on.
    Column("version", Integer, nullable=False),
    Index("photos_by_added", "cell", "album", "added_at", "photo"),
    Index("photos_by_taken", "cell", "album", "taken_at", "photo"),
    Index("photos_by_place", "cell", "album", "place", "photo"),
    Index("photos_by_owner", "cell", "owner", "added_at", "photo"),
)

_encode = msgspec.json.Encoder().encode


class Photos:
    """The read model."""

    name = "photos"
    tables = (PHOTOS,)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        at = (recorded.cell, recorded.stream)
        version = {"version": recorded.version}
        match event:
            case PhotoAdded() | PhotoHeld():
                values = {
                    "owner": event.owner,
                    "album": event.album,
                    **_said(event.words),
                    **_pictured(event.picture),
                    "added_at": made_at(recorded),
                    "taken_at": event.picture.taken_at or made_at(recorded),
                    "place": event.place,
                    "waits": event.how if isinstance(event, PhotoHeld) else None,
                    "words_wait": None,
                    "position": recorded.position,
                    **version,
                }
                yield Put(PHOTOS, at, values)
            case PhotoReworded(words=words) | PhotoWordsApproved(words=words):
                yield Patch(PHOTOS, at, {**_said(words), "words_wait": None, **version})
            case PhotoWordsHeld(how=how):
                yield Patch(PHOTOS, at, {"words_wait": how})
            case PhotoWordsRejected():
                yield Patch(PHOTOS, at, {"words_wait": None})
            case PhotoMoved(album=album, place=place):
                yield Patch(PHOTOS, at, {"album": album, "place": place, **version})
            case PhotoPlaced(place=place):
                yield Patch(PHOTOS, at, {"place": place, **version})
            case PhotoApproved():
                # It was not there before, so it is as new as its approval.
                approved = {"waits": None, "added_at": recorded.recorded_at}
                yield Patch(PHOTOS, at, {**approved, **version})
            case PhotoRejected() | PhotoUnpublished() | PhotoRestored():
                yield Patch(PHOTOS, at, version)
            case PhotoDeleted():
                yield Drop(PHOTOS, at)
            case _:
                return


def _said(words: PhotoWords) -> dict[str, Any]:
    return {"caption": envelope(words.caption), "alt": envelope(words.alt)}


def _pictured(picture: Picture) -> dict[str, Any]:
    original = picture.original
    return {
        "location": envelope(picture.location),
        "renditions": _encode(picture.renditions),
        "width": original.width,
        "height": original.height,
        "format": original.format,
    }
