"""
What a home page shows beside its posts, as the oracle says and as it is answered.
"""

from typing import Any
from uuid import UUID

from domain.home import SECTIONS
from projections.reading.homes import LOOKED_AT, MESSAGES_SHOWN, VISITORS_SHOWN
from tests.simulation.world import Note, World

#: The sections whose modules a page has before it is arranged.
_SHOWN = {"posts", "albums", "visitors", "messages"}


def around(world: World, viewer: UUID, owner: UUID) -> dict[str, Any]:
    """What a page shows beside its posts; what is not for the viewer is not there."""
    page: dict[str, Any] = {"may_write": world.may_write(viewer, owner)}
    if world.opens(viewer, owner, "visitors"):
        counts = [world.visits[owner]]
        if viewer == owner:
            counts.append(sum(space == owner for space, _ in world.guests))
        page["visits"] = counts
        page["visitors"] = _latest(world, viewer, owner)
    if world.opens(viewer, owner, "messages"):
        on = sorted(
            (one for one in world.notes.values() if one.space == owner and _stands(one)),
            key=lambda one: one.at,
            reverse=True,
        )
        found = [one for one in on[:LOOKED_AT] if world.reads(viewer, one)]
        page["messages"] = [note_of(one) for one in found[:MESSAGES_SHOWN]]
    page["open"] = {one for one in SECTIONS if world.opens(viewer, owner, one)} & _SHOWN
    return page


def shown_around(body: Any) -> dict[str, Any]:
    """The like of it, from an answer."""
    page: dict[str, Any] = {"may_write": body["may_write"]}
    if "visits" in body:
        page["visits"] = [
            body["visits"][one] for one in ("total", "visitors") if one in body["visits"]
        ]
        page["visitors"] = [item["member"]["qq"] for item in body["visitors"]]
    if "messages" in body:
        page["messages"] = [shown_note(item) for item in body["messages"]]
    page["open"] = {one["module"] for one in body["modules"]} & _SHOWN
    return page


def _latest(world: World, viewer: UUID, owner: UUID) -> list[int]:
    """The newest of those on the list are looked at, and shown as far as the viewer meets them."""
    listed = sorted(
        (
            (at, guest)
            for (space, guest), (times, at) in world.guests.items()
            if space == owner and times > world.removed[space, guest]
        ),
        reverse=True,
    )
    found = [guest for _, guest in listed[:LOOKED_AT] if not world.apart(viewer, guest)]
    return [world.people[guest].qq for guest in found[:VISITORS_SHOWN]]


def _stands(note: Note) -> bool:
    """Whether its row is there: what was deleted has none, what was taken down has."""
    return note.live or note.taken is not None


def note_of(note: Note) -> tuple[str, str, str, str]:
    """A message as it is to be shown."""
    return (str(note.id), note.text, str(note.thread), note.waits or "published")


def shown_note(item: Any) -> tuple[str, str, str, str]:
    """The like of it, from an answer."""
    return (item["id"], item["text"], item["thread"], item["state"])
