"""
The images of a post: photos of its author's own, that are there.
"""

from collections.abc import Sequence
from uuid import UUID

from commands.relations import check_id
from commands.work import Work
from domain.event import Refused
from domain.ids import PhotoId


async def own_images(work: Work, images: Sequence[UUID]) -> tuple[PhotoId, ...]:
    """
    The photos that a post is to show, each once; the command stands or falls with them.

    :raises Refused: one of them is not there, or another's: the two look alike.
    """
    for number, image in enumerate(images):
        at = f"/images/{number}"
        check_id(work, image, "no-such-image", at)
        raise Refused("no-such-image", "There is no such image of yours.", at)
    return ()
