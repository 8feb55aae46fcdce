"""
The surfaces of home pages: boards and visitors.
"""

from typing import Any
from uuid import UUID

from tests.simulation.around import note_of, shown_note
from tests.simulation.surfaces import Surface
from tests.simulation.world import World


def board(owner: UUID, qq: int) -> Surface:
    """What stands on a board."""

    def expected(world: World, viewer: UUID) -> Any:
        if not world.opens(viewer, owner, "messages"):
            return None
        return [note_of(one) for one in world.board(viewer, owner)]

    def shown(_: World, items: Any) -> Any:
        return [shown_note(item) for item in items]

    def names(world: World, viewer: UUID) -> list[str]:
        open_ = world.opens(viewer, owner, "messages")
        return [str(one.id) for one in world.board(viewer, owner)] if open_ else []

    return Surface("list_messages", {"qq": qq}, expected, shown, names=names)


def visitors() -> Surface:
    """Who was in one's own space."""

    def expected(world: World, viewer: UUID) -> Any:
        return [(world.people[who].qq, times) for _, who, times in world.visitors(viewer, viewer)]

    def shown(_: World, items: Any) -> Any:
        return [(item["member"]["qq"], item["times"]) for item in items]

    return Surface("list_visitors", {}, expected, shown)


def everything(world: World) -> list[Surface]:
    """All of them."""
    return [visitors(), *(board(one.id, one.qq) for one in world.people.values())]
