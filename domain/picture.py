"""
What a picture is, once its bytes were read, cleaned and stored.

The log carries what can be checked: the SHA-256 of the sealed bytes is their name in the object
store, so whoever has both can tell that these are the bytes the event speaks of.
"""

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from domain.sealed import Sealed

PictureFormat: TypeAlias = Literal["jpeg", "png", "webp", "gif", "heic"]
Size: TypeAlias = Literal["thumb", "screen", "original"]


class Rendition(msgspec.Struct, frozen=True, gc=False):
    """
    One size of a picture as it is stored: ``digest`` the SHA-256 of the sealed bytes, ``stored``
    how many of those there are, ``format`` of the plain bytes; pixels after orientation.
    """

    digest: bytes
    stored: int
    width: int
    height: int
    format: PictureFormat


class Picture(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """
    A picture's three sizes: ``screen`` is at most 1,600 pixels on its longest side, ``thumb`` 320.

    ``perceptual`` is the 256-bit PDQ hash where that was computed; ``taken_at`` is from its
    metadata; ``location`` is kept only with consent, sealed ("lat,lon" in decimal degrees).
    """

    original: Rendition
    screen: Rendition
    thumb: Rendition
    perceptual: bytes | None = None
    taken_at: datetime | None = None
    location: Sealed[str] | None = None

    @property
    def renditions(self) -> tuple[Rendition, Rendition, Rendition]:
        """All that is stored of it."""
        return self.original, self.screen, self.thumb

    @property
    def stored(self) -> int:
        """How many bytes it takes in the object store, its three sizes together."""
        return sum(rendition.stored for rendition in self.renditions)

    def of_size(self, size: Size) -> Rendition:
        """One of its sizes."""
        match size:
            case "thumb":
                return self.thumb
            case "screen":
                return self.screen
            case "original":
                return self.original
