"""
The surfaces of albums and photos: lists, pages, bytes, and how much room is left.
"""

from typing import Any, get_args
from uuid import UUID

from domain.picture import Size
from tests.simulation.darkroom import QUOTA, content
from tests.simulation.exhibiting import exhibit_of, shown_exhibit
from tests.simulation.surfaces import Surface
from tests.simulation.world import Album, Photo, Piece, World


def albums(owner: UUID, qq: int) -> Surface:
    """A member's albums."""

    def found(world: World, viewer: UUID) -> list[Album]:
        if not world.opens(viewer, owner, "albums"):
            return []
        seen = (one for one in world.albums.values() if world.sees_album(viewer, one))
        return sorted((one for one in seen if one.author == owner), key=_at, reverse=True)

    def expected(world: World, viewer: UUID) -> Any:
        if (owner, viewer) in world.blocks:
            return None
        return [exhibit_of(world, viewer, one) for one in found(world, viewer)]

    return Surface(
        "list_albums",
        {"qq": qq},
        expected,
        lambda _, items: [shown_exhibit(item) for item in items],
        names=lambda world, viewer: [str(one.id) for one in found(world, viewer)],
    )


def wall(owner: UUID, qq: int) -> Surface:
    """The photos of all of a member's albums."""

    def found(world: World, viewer: UUID) -> list[Photo]:
        if not world.opens(viewer, owner, "albums"):
            return []
        return _newest(world, viewer, lambda one: one.author == owner)

    def expected(world: World, viewer: UUID) -> Any:
        if (owner, viewer) in world.blocks:
            return None
        return [exhibit_of(world, viewer, one) for one in found(world, viewer)]

    return Surface(
        "read_wall",
        {"qq": qq},
        expected,
        lambda _, items: [shown_exhibit(item) for item in items],
        names=lambda world, viewer: [str(one.id) for one in found(world, viewer)],
    )


def album(which: Album) -> Surface:
    """One album by its address."""

    def expected(world: World, viewer: UUID) -> Any:
        return exhibit_of(world, viewer, which) if world.sees_album(viewer, which) else None

    return Surface(
        "read_album", {"id": which.id}, expected, lambda _, body: shown_exhibit(body), listed=False
    )


def photos(which: Album, order: str) -> Surface:
    """What is in an album."""

    def found(world: World, viewer: UUID) -> list[Photo]:
        if not world.sees_album(viewer, which):
            return []
        newest = _newest(world, viewer, lambda one: one.album is which)
        return newest if order == "newest" else newest[::-1]

    def expected(world: World, viewer: UUID) -> Any:
        if not world.sees_album(viewer, which):
            return None
        return [exhibit_of(world, viewer, one) for one in found(world, viewer)]

    return Surface(
        "list_photos",
        {"id": which.id},
        expected,
        lambda _, items: [shown_exhibit(item) for item in items],
        query={"order": order},
        names=lambda world, viewer: [str(one.id) for one in found(world, viewer)],
    )


def photo(which: Photo) -> Surface:
    """One photo by its address."""

    def expected(world: World, viewer: UUID) -> Any:
        return exhibit_of(world, viewer, which) if world.sees_photo(viewer, which) else None

    return Surface(
        "read_photo", {"id": which.id}, expected, lambda _, body: shown_exhibit(body), listed=False
    )


def bytes_of(which: Photo, size: Size) -> Surface:
    """What a photo shows, in its album."""

    def expected(world: World, viewer: UUID) -> Any:
        return content(which.shown, size) if world.sees_photo(viewer, which) else None

    return _download(which, {"size": size}, expected)


def bytes_in(piece: Piece, which: Photo, size: Size) -> Surface:
    """What a photo shows, in a post."""

    def expected(world: World, viewer: UUID) -> Any:
        shown = world.sees(viewer, piece) and which in world.images(viewer, piece)
        return content(which.shown, size) if shown else None

    return _download(which, {"size": size, "post": piece.id}, expected)


def _download(which: Photo, query: dict[str, Any], expected: Any) -> Surface:
    return Surface(
        "read_photo_content",
        {"id": which.id},
        expected,
        lambda _, data: data,
        listed=False,
        query=query,
        raw=True,
    )


def storage() -> Surface:
    """How much room one's own photos take."""

    def expected(world: World, viewer: UUID) -> Any:
        by_album = {
            str(one.id): 0
            for one in world.albums.values()
            if one.author == viewer and (one.live or one.taken)
        }
        for one in world.photos.values():
            if (one.live or one.taken) and str(one.album.id) in by_album:
                by_album[str(one.album.id)] += one.stored
        return sum(by_album.values()), QUOTA, by_album

    return Surface(
        "read_storage",
        {},
        expected,
        lambda _, body: (body["used"], body["quota"], body["by_album"]),
        listed=False,
    )


def _at(one: Album | Photo) -> Any:
    return one.at


def _newest(world: World, viewer: UUID, which: Any) -> list[Photo]:
    found = (one for one in world.photos.values() if which(one) and world.sees_photo(viewer, one))
    return sorted(found, key=_at, reverse=True)


def everything(world: World) -> list[Surface]:
    """All of them."""
    found = [storage()]
    for one in world.people.values():
        found += [albums(one.id, one.qq), wall(one.id, one.qq)]
    for which in world.albums.values():
        found += [album(which), photos(which, "newest"), photos(which, "oldest")]
    for shown in world.photos.values():
        found += [photo(shown), *(bytes_of(shown, size) for size in get_args(Size)[:2])]
    for piece in world.pieces.values():
        found += [bytes_in(piece, one, "screen") for one in piece.ever_shown]
    return found
