"""
Albums: what each is called and how it is shown, and how many photos others see in it. All albums of
a member are in the member's cell.
"""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, Uuid

from domain.album_events import (
    AlbumApproved,
    AlbumArranged,
    AlbumAudienceChanged,
    AlbumAudienceIntended,
    AlbumCreated,
    AlbumDeleted,
    AlbumHeld,
    AlbumPhotoCame,
    AlbumPhotoWent,
    AlbumRejected,
    AlbumRestored,
    AlbumRetitled,
    AlbumTitleApproved,
    AlbumTitleHeld,
    AlbumTitleRejected,
    AlbumUnpublished,
    Arrangement,
)
from domain.event import Recorded
from domain.ids import AlbumId
from domain.photo_events import (
    PhotoAdded,
    PhotoApproved,
    PhotoDeleted,
    PhotoHeld,
    PhotoMoved,
    PhotoRejected,
    PhotoRestored,
    PhotoUnpublished,
)
from projections.gates import audience_name
from projections.moments import made_at
from projections.rows import Add, Change, Drop, Patch, Put
from projections.tables import METADATA, MOMENT, cell, key, sealed

ALBUMS = Table(
    "albums",
    METADATA,
    cell(),
    key("album"),
    Column("owner", Uuid, nullable=False),
    sealed("title"),
    Column("layout", Text, nullable=False),
    Column("sort", Text, nullable=False),
    Column("slideshow", Text, nullable=False),
    Column("cover", Uuid),
    Column("created_at", MOMENT, nullable=False),
    # What its owner alone sees: how it waits, for whom it will be, how another title waits.
    Column("waits", Text),
    Column("intended", Text),
    Column("title_waits", Text),
    Column("position", BigInteger, nullable=False),
    # Of the last event that changed what it is: what its owner's changes may be conditional on.
    Column("version", Integer, nullable=False),
    Index("albums_by_owner", "cell", "owner", "created_at", "album"),
)

#: ``photos`` counts those that others may see, ``waiting`` those that wait; ``stored`` are the
#: bytes of all, those that were taken down among them.
ALBUM_COUNTS = Table(
    "album_counts",
    METADATA,
    cell(),
    key("album"),
    Column("photos", Integer, nullable=False, server_default="0"),
    Column("waiting", Integer, nullable=False, server_default="0"),
    Column("stored", BigInteger, nullable=False, server_default="0"),
)

_NONE: Final = {"photos": 0, "waiting": 0, "stored": 0}


class Albums:
    """The read model."""

    name = "albums"
    tables = (ALBUMS, ALBUM_COUNTS)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        at = (recorded.cell, recorded.stream)
        version = {"version": recorded.version}
        match event:
            case AlbumCreated() | AlbumHeld():
                held = isinstance(event, AlbumHeld)
                values = {
                    "owner": event.owner,
                    "title": event.title.envelope,
                    **_arranged(event.arrangement),
                    "created_at": made_at(recorded),
                    "waits": event.how if isinstance(event, AlbumHeld) else None,
                    "intended": audience_name(event.audience) if held else None,
                    "title_waits": None,
                    "position": recorded.position,
                    **version,
                }
                yield Put(ALBUMS, at, values)
            case AlbumArranged(arrangement=arrangement):
                yield Patch(ALBUMS, at, {**_arranged(arrangement), **version})
            case AlbumRetitled(title=title) | AlbumTitleApproved(title=title):
                title_ = {"title": title.envelope, "title_waits": None}
                yield Patch(ALBUMS, at, {**title_, **version})
            case AlbumTitleHeld(how=how):
                yield Patch(ALBUMS, at, {"title_waits": how})
            case AlbumTitleRejected():
                yield Patch(ALBUMS, at, {"title_waits": None})
            case AlbumAudienceIntended(audience=audience):
                yield Patch(ALBUMS, at, {"intended": audience_name(audience), **version})
            case AlbumApproved():
                yield Patch(ALBUMS, at, {"waits": None, "intended": None, **version})
            case AlbumAudienceChanged() | AlbumRejected() | AlbumUnpublished() | AlbumRestored():
                yield Patch(ALBUMS, at, version)
            case AlbumDeleted():
                yield Drop(ALBUMS, at)
            case AlbumPhotoCame(stored=stored):
                yield _add(recorded, AlbumId(recorded.stream), stored=stored)
            case AlbumPhotoWent(stored=stored):
                yield _add(recorded, AlbumId(recorded.stream), stored=-stored)
            case _:
                yield from _counted(recorded)


def _counted(recorded: Recorded) -> Iterator[Change]:
    """What an event of a photo changes in how many others see, and how many wait."""
    event = recorded.event
    match event:
        case PhotoAdded(album=album) | PhotoRestored(album=album):
            yield _add(recorded, album, photos=1)
        case PhotoHeld(album=album):
            yield _add(recorded, album, waiting=1)
        case PhotoApproved(album=album, waited=waited):
            yield _add(recorded, album, photos=1, waiting=-1 if waited else 0)
        case PhotoRejected(album=album):
            yield _add(recorded, album, waiting=-1)
        case PhotoUnpublished(album=album):
            yield _add(recorded, album, photos=-1)
        case PhotoDeleted(album=album, was=("published" | "waiting") as was):
            yield _add(recorded, album, **{_COUNT[was]: -1})
        case PhotoMoved(source=source, album=album, was=was):
            yield _add(recorded, source, **{_COUNT[was]: -1})
            yield _add(recorded, album, **{_COUNT[was]: 1})
        case _:
            return


_COUNT: Final = {"published": "photos", "waiting": "waiting"}


def _add(recorded: Recorded, album: AlbumId, **counts: int) -> Add:
    return Add(ALBUM_COUNTS, (recorded.cell, album), {**_NONE, **counts})


def _arranged(arrangement: Arrangement) -> dict[str, Any]:
    return {name: getattr(arrangement, name) for name in arrangement.__struct_fields__}
