"""
What clients receive of albums and photos, and how views become it.
"""

from typing import Any, Literal, TypeAlias, cast
from uuid import UUID

import msgspec

from api.answers import Author, Presenter
from api.http.answers import Answer, encode_json
from commands.types import Moment
from domain.album_events import Layout, Sort
from domain.picture import PictureFormat
from projections.reading.albums import AlbumView
from projections.reading.photos import PhotoView

_Waits: TypeAlias = Literal["held", "private_view"]


class Album(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    An album. ``photos`` counts those that others see there, and for its owner those that wait, too.
    ``audience``, and all that waits, is told to the owner alone.
    """

    id: UUID
    owner: Author
    title: str | None
    layout: Layout
    sort: Sort
    slideshow: Sort
    photos: int
    created_at: Moment
    position: str
    state: Literal["published", "held", "private_view"]
    cover: UUID | None = None
    audience: str | None = None
    title_state: _Waits | None = None


class Photo(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A photo, in pixels as it is looked at. ``place``, ``location``, and all that waits, is told to
    its owner alone.
    """

    id: UUID
    album: UUID
    width: int
    height: int
    format: PictureFormat
    added_at: Moment
    taken_at: Moment
    position: str
    state: Literal["published", "held", "private_view"]
    caption: str | None = None
    alt: str | None = None
    place: int | None = None
    location: str | None = None
    words_state: Literal["held", "private_view"] | None = None


class ExhibitPresenter(Presenter):
    """Turns views of albums and photos into answers for one viewer."""

    def album(self, view: AlbumView) -> Album:
        """An album."""
        own = view.owner.member == self._viewer
        return Album(
            id=view.album,
            owner=self.author(view.owner),
            title=self._open(view.title),
            layout=cast(Layout, view.layout),
            sort=cast(Sort, view.sort),
            slideshow=cast(Sort, view.slideshow),
            photos=view.photos,
            created_at=view.created_at,
            position=f"{view.cell}-{view.position}",
            state=cast(Any, view.waits or "published"),
            cover=view.cover,
            audience=(view.intended or view.audience) if own else None,
            title_state=cast(Any, view.title_waits) if own else None,
        )

    def photo(self, view: PhotoView) -> Photo:
        """A photo."""
        return Photo(
            id=view.photo,
            album=view.album,
            width=view.width,
            height=view.height,
            format=cast(PictureFormat, view.format),
            added_at=view.added_at,
            taken_at=view.taken_at,
            position=f"{view.cell}-{view.position}",
            state=cast(Any, view.waits or "published"),
            caption=self._open(view.caption),
            alt=self._open(view.alt),
            place=view.place if view.own else None,
            location=self._open(view.location) if view.own else None,
            words_state=cast(Any, view.words_wait) if view.own else None,
        )


def versioned(body: Album | Photo, view: AlbumView | PhotoView) -> Answer:
    """
    What was asked for; with its version for its owner, whose changes may be conditional on it.
    Others learn from it how often something was changed. It is no reason for a 304: counts and
    names change without it.
    """
    return Answer(encode_json(body), headers={"ETag": f'"{view.version}"'} if view.own else {})
