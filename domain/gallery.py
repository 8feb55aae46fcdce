"""
A member's gallery: how many albums they have and how many bytes their photos take, exactly.

It is a stream of its own, which every command that adds or deletes decides on: whatever is done at
once, neither limit is ever passed, and what was released is released once.
"""

from typing import TypeAlias

import msgspec

from domain.event import Aggregate, Event, Refused
from domain.ids import AlbumId, MemberId, PhotoId, StreamId, derive

ALBUMS_MAX = 1_000


class GalleryAlbumOpened(Event, frozen=True, tag="gallery.album_opened.v1"):
    """There is an album more."""

    owner: MemberId
    album: AlbumId


class GalleryAlbumClosed(Event, frozen=True, tag="gallery.album_closed.v1"):
    """There is an album less, and the bytes of what was in it are free."""

    owner: MemberId
    album: AlbumId
    stored: int


class GalleryPhotoAdded(Event, frozen=True, tag="gallery.photo_added.v1"):
    """A photo takes so many bytes."""

    owner: MemberId
    photo: PhotoId
    stored: int


class GalleryPhotoRemoved(Event, frozen=True, tag="gallery.photo_removed.v1"):
    """A photo's bytes are free."""

    owner: MemberId
    photo: PhotoId
    stored: int


GalleryEvent: TypeAlias = (
    GalleryAlbumOpened | GalleryAlbumClosed | GalleryPhotoAdded | GalleryPhotoRemoved
)


class Gallery(msgspec.Struct, frozen=True, gc=False):
    """How many albums there are, and how many bytes all photos take."""

    albums: int = 0
    used: int = 0


def evolve(gallery: Gallery, event: GalleryEvent, _version: int) -> Gallery:
    """The gallery after one more event."""
    match event:
        case GalleryAlbumOpened():
            return Gallery(gallery.albums + 1, gallery.used)
        case GalleryAlbumClosed(stored=stored):
            return Gallery(gallery.albums - 1, gallery.used - stored)
        case GalleryPhotoAdded(stored=stored):
            return Gallery(gallery.albums, gallery.used + stored)
        case GalleryPhotoRemoved(stored=stored):
            return Gallery(gallery.albums, gallery.used - stored)


GALLERY: Aggregate[Gallery] = Aggregate("gallery", Gallery(), evolve)


def gallery_stream(member: MemberId, cell: int) -> StreamId:
    """The stream of a member's gallery, in the member's cell."""
    return StreamId(derive(cell, "gallery", member))


def open_album(gallery: Gallery, owner: MemberId, album: AlbumId) -> tuple[GalleryEvent, ...]:
    """
    One album more.

    :raises Refused: too-many-albums.
    """
    if gallery.albums >= ALBUMS_MAX:
        raise Refused("too-many-albums", f"A member has at most {ALBUMS_MAX} albums.")
    return (GalleryAlbumOpened(owner, album),)


def add_photo(
    gallery: Gallery, owner: MemberId, photo: PhotoId, stored: int, quota: int
) -> tuple[GalleryEvent, ...]:
    """
    One photo more.

    :raises Refused: quota-exceeded.
    """
    check_room(gallery, stored, quota)
    return (GalleryPhotoAdded(owner, photo, stored),)


def check_room(gallery: Gallery, stored: int, quota: int) -> None:
    """
    Whether so many bytes more have room.

    :raises Refused: quota-exceeded.
    """
    if gallery.used + stored > quota:
        raise Refused("quota-exceeded", "Your storage has no room for it.", "/upload")
