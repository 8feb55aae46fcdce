"""
What albums and photos share: both are put up, may wait to be looked at, and may be taken down and
put back. How such a thing stands, and which steps a verdict makes it take, is said once here; each
has its own events for them.
"""

from typing import Final, Literal, TypeAlias

import msgspec

from domain.event import Refused
from domain.screening import Wait


class Published(msgspec.Struct, frozen=True, gc=False):
    """Whoever its audience is sees it."""


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """Its owner alone sees it, until somebody has decided."""

    how: Wait


class Down(msgspec.Struct, frozen=True, gc=False):
    """People decided that nobody is to see it; ``was`` is what it was before, at ``since``."""

    was: Literal["held", "published"]
    since: int


Standing: TypeAlias = Published | Waiting | Down

Step: TypeAlias = Literal[
    "approved", "rejected", "unpublished", "restored", "words_approved", "words_rejected"
]

PUBLISHED: Final = Published()
#: What each step makes of how a thing stands; the steps of words leave it as it is.
_AFTER: Final[dict[Step, Literal["published", "held_down", "published_down"]]] = {
    "approved": "published",
    "restored": "published",
    "rejected": "held_down",
    "unpublished": "published_down",
}


def after(standing: Standing, step: Step, version: int) -> Standing:
    """How it stands after a step, which was its stream's ``version``."""
    match _AFTER.get(step):
        case "published":
            return PUBLISHED
        case "held_down":
            return Down("held", version)
        case "published_down":
            return Down("published", version)
        case None:
            return standing


def steps(standing: Standing, waits: bool, verdict: str) -> tuple[Step, ...] | None:
    """
    The steps that a verdict makes it take; None when the verdict decides nothing of it.

    :param waits: words that were put in the place of those that are seen wait to be looked at.
        Whatever is taken down, or put back, takes them along.
    """
    settled: tuple[Step, ...] = ("words_rejected",) if waits else ()
    match verdict, standing:
        case "approve", Waiting():
            return ("approved",)
        case "reject", Waiting():
            return ("rejected",)
        case "approve", Published():
            return ("words_approved",) if waits else ()
        case "reject", Published() if waits:
            return settled
        case "unpublish", Published():
            return (*settled, "unpublished")
        case "restore", Down(was="published"):
            return ("restored",)
        case "restore", Down(was="held"):
            return ("approved",)
        case "no_action", (Published() | Down()) if not waits:
            return ()
        case _:
            return None


def check_there(standing: Standing) -> None:
    """
    What was taken down is gone for its owner as well.

    :raises Refused: not-found.
    """
    if isinstance(standing, Down):
        raise Refused("not-found")
