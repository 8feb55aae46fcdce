"""
Albums and photos as they are to be shown, and the like of that from an answer.
"""

from typing import Any
from uuid import UUID

from projections.gates import audience_name
from tests.simulation.world import Album, Photo, World


def exhibit_of(world: World, viewer: UUID, one: Album | Photo) -> tuple[Any, ...]:
    """An album or a photo that is there for a viewer; what waits is told to its owner alone."""
    own = one.author == viewer
    state = (own and one.waits) or "published"
    pending = one.pending[1] if own and one.pending is not None else None
    if isinstance(one, Photo):
        return str(one.id), str(one.album.id), one.caption, one.alt, state, pending
    inside = (photo for photo in world.photos.values() if photo.album is one and photo.live)
    counted = sum(own or photo.published for photo in inside)
    audience = audience_name(one.to) if own else None
    chosen = world.cover(viewer, one)
    cover = None if chosen is None else str(chosen.id)
    return str(one.id), one.title, counted, cover, state, pending, audience


def shown_exhibit(item: Any) -> tuple[Any, ...]:
    """The like of it, from an answer."""
    if "album" in item:
        words = item["caption"], item["alt"]
        return item["id"], item["album"], *words, item["state"], item.get("words_state")
    made = item["id"], item["title"], item["photos"], item.get("cover"), item["state"]
    return *made, item.get("title_state"), item.get("audience")
