"""
The clocks of what was deleted, as events tell of them; and, in the end, that exactly what they ran
out for is unreadable.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from adapters.vault.memory import MemoryKeyVault
from domain.event import Recorded, type_of
from domain.photo_events import (
    PhotoAdded,
    PhotoDeleted,
    PhotoHeld,
    PhotoMoved,
    PhotoRejected,
    PhotoUnpublished,
)
from domain.retention import ContentDestroyed, ContentRetained
from domain.sealed import Sealed
from tests.simulation.legal import must

#: What starts a clock, in the same command, unless it waits for somebody.
_DELETIONS = frozenset(
    {
        "post.deleted.v1", "comment.deleted.v1", "comment.taken_back.v1", "message.deleted.v1",
        "message.taken_back.v1", "album.deleted.v1", "photo.deleted.v1",
    }
)  # fmt: skip
_DOWN = (PhotoRejected, PhotoUnpublished)


class Clocks:
    """Which clocks run, until when."""

    def __init__(self) -> None:
        self._running: dict[UUID, datetime] = {}
        self._deleted: set[UUID] = set()
        self.destroyed: set[UUID] = set()

    def deleted(self, recorded: Recorded) -> None:
        """Somebody took something away, if that is what it says."""
        if type_of(recorded.event) in _DELETIONS:
            self._deleted.add(recorded.stream)

    def take(self, recorded: Recorded) -> None:
        """A clock was set, or ran out."""
        match recorded.event:
            case ContentRetained(item=item, until=until, because=because):
                must(item in self._deleted, recorded, "only what was deleted has a clock")
                must(item not in self.destroyed, recorded, "what is destroyed stays so")
                fresh = item not in self._running
                must(fresh is (because == "deleted"), recorded, "a clock is started once")
                must(fresh or until > self._running[item], recorded, "it is set to later")
                self._running[item] = until
            case ContentDestroyed(item=item, effective_at=at):
                must(self._running.pop(item, None) == at, recorded, "it goes at its hour")
                self.destroyed.add(item)
            case _:
                raise AssertionError("no event of a clock")

    def settle(self, command: Sequence[Recorded]) -> None:
        """Whatever was deleted has a clock at the commit."""
        for recorded in command:
            if recorded.stream in self._deleted:
                known = recorded.stream in self._running or recorded.stream in self.destroyed
                must(known, recorded, "what is deleted has a clock")


def unlike(
    events: Sequence[Recorded], destroyed: Collection[UUID], vault: MemoryKeyVault
) -> list[str]:
    """What can be read though it was destroyed, and what cannot though it was not."""
    gone = set(destroyed) | _with_albums(events, destroyed)
    # What was ever taken down is kept with the case about it, whatever becomes of its album.
    perhaps = {one.stream for one in events if isinstance(one.event, _DOWN)} - set(destroyed)
    leaves, may_be = ({item.bytes[9:] for item in items} for items in (gone, perhaps))
    wrong = []
    for recorded in events:
        for sealed in _sealed(recorded.event):
            leaf = sealed.envelope[17:24] if sealed.envelope[0] == 2 else b""
            wanted = leaf not in leaves and recorded.stream not in destroyed
            if leaf not in may_be and (vault.open(sealed) is not None) is not wanted:
                wrong.append(f"{recorded.at} {type_of(recorded.event)}")
    return wrong


def _with_albums(events: Sequence[Recorded], destroyed: Collection[UUID]) -> set[UUID]:
    """The photos that were in an album when it was deleted."""
    albums: dict[UUID, UUID] = {}
    for recorded in events:
        match recorded.event:
            case PhotoDeleted():
                albums.pop(recorded.stream, None)
            case PhotoAdded(album=album) | PhotoHeld(album=album) | PhotoMoved(album=album):
                albums[recorded.stream] = album
            case _:
                pass
    return {photo for photo, album in albums.items() if album in destroyed}


def _sealed(value: object) -> Iterator[Sealed[str]]:
    if isinstance(value, Sealed):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _sealed(getattr(value, name))
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _sealed(one)
    elif isinstance(value, dict):
        yield from _sealed(tuple(value.values()))
