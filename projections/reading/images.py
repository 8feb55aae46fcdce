"""
The images of posts: photos of their authors', each behind its own gate.

A post shows a photo to whoever sees the post, whatever album the photo is in; but no longer than
the photo itself is there, and to nobody else while it waits. It is gone with its album, if that is
deleted or taken down.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec

from domain.audience import OnlyMe, Relation, visible
from domain.ids import MemberId, cell_of
from domain.picture import Rendition, Size
from projections.gates import audience_of
from projections.reading.statements import Connection, Statement

_IMAGES = Statement(
    "images_of_posts",
    """
    SELECT p.photo, p.owner, p.alt, p.renditions, p.waits, g.live AND h.live AS live, g.audience
      FROM unnest(:cells::smallint[], :photos::uuid[]) AS wanted (cell, photo)
      JOIN models.photos p ON p.cell = wanted.cell AND p.photo = wanted.photo
      JOIN models.gates g ON g.cell = wanted.cell AND g.content = wanted.photo
      JOIN models.gates h ON h.cell = g.cell AND h.content = g.parent
    """,
)

_RENDITIONS = msgspec.json.Decoder(tuple[Rendition, Rendition, Rendition])


class ImageView(msgspec.Struct, frozen=True):
    """A photo that a post shows; its alternative text sealed."""

    photo: UUID
    owner: UUID
    alt: bytes | None
    original: Rendition
    screen: Rendition
    thumb: Rendition

    def rendition(self, size: Size) -> Rendition:
        """What is stored of it in a size."""
        return {"original": self.original, "screen": self.screen, "thumb": self.thumb}[size]


async def images_of(
    connection: Connection, viewer: MemberId, photos: Collection[UUID]
) -> dict[UUID, ImageView]:
    """Those of some photos, in posts known to be visible, that are there for the viewer."""
    rows = await _IMAGES(
        connection, cells=[cell_of(photo) for photo in photos], photos=list(photos)
    )
    found: dict[UUID, ImageView] = {}
    for photo, owner, alt, renditions, waits, live, audience in rows:
        # A row that has not heard of an approval may say what nobody approved of.
        whom = OnlyMe() if waits is not None else audience_of(audience)
        if visible(live, whom, Relation(is_author=owner == viewer)):
            found[photo] = ImageView(photo, owner, alt, *_RENDITIONS.decode(renditions))
    return found


def in_order(images: Sequence[UUID] | None, found: dict[UUID, ImageView]) -> list[ImageView]:
    """The images of one post, in its order; what is not there leaves no gap."""
    return [found[photo] for photo in images or () if photo in found]
