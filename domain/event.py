"""
What every event is, and how one is named for ever.

An event's type is a tag such as ``post.published.v1``, never a module path, so that any file may be
renamed for free. A changed shape is a new tag with an upcaster; old events are never rewritten.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import Any, Generic, Protocol, TypeVar, get_args
from uuid import UUID

import msgspec

from domain.ids import MemberId, StreamId


class Event(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True, gc=False):
    """
    Something that happened, in the past tense. Subclasses give ``tag="noun.verbed.vN"``.

    It holds values alone, none of which leads back to it: nobody has to look for cycles through it.
    So it is with the states that are held by the thousand.
    """


def type_of(event: Event | type[Event]) -> str:
    """The tag under which an event is stored: ``post.published.v1``."""
    return str(event.__struct_config__.tag)


class Recorded(msgspec.Struct, frozen=True):
    """
    An event as the log holds it.

    ``owner`` is the member whose data it is; ``actor`` who did it; ``command`` the command that
    made it; ``causation`` the command of the event that led to it, when a policy did.
    """

    cell: int
    position: int
    stream: StreamId
    version: int
    recorded_at: datetime
    owner: MemberId
    actor: UUID
    command: UUID
    correlation: UUID
    causation: UUID | None
    event: Event

    @property
    def at(self) -> str:
        """Its place in the log, as clients see it: ``0-1234``."""
        return f"{self.cell}-{self.position}"


class Refused(Exception):
    """
    A rule of the domain says no, always with the same answer from the same state.

    :param problem: a stable name, ``/problems/NAME`` over HTTP.
    :param detail: a sentence for the caller, free of anybody's data.
    :param field: JSON pointer of the field at fault, when one is.
    """

    def __init__(self, problem: str, detail: str = "", field: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.detail = detail
        self.field = field
        #: Whether this answer was given before, to the same idempotency key.
        self.replayed = False


S = TypeVar("S")


class Evolve(Protocol[S]):
    """The state after one more event. ``version`` is that event's, for states that recall it."""

    def __call__(self, state: S, event: Any, version: int, /) -> S: ...


def _light(_: Any) -> int:
    return 0


class Aggregate(Generic[S]):
    """
    One kind of stream: how its events fold to a state.

    :param weigh: about how many bytes of memory a state takes beyond what every state takes.
    """

    __slots__ = ("evolve", "initial", "name", "weigh")

    def __init__(
        self, name: str, initial: S, evolve: Evolve[S], weigh: Callable[[S], int] = _light
    ) -> None:
        self.name = name
        self.initial = initial
        self.evolve = evolve
        self.weigh = weigh

    def fold(self, events: Iterable[Event], state: S, version: int = 0) -> S:
        """The state after ``events``, the first of which has version ``version + 1``."""
        for event in events:
            version += 1
            state = self.evolve(state, event, version)
        return state


Upcast = Callable[[Any], Event]


class Registry:
    """Every event type ever written, by tag; and how old ones are lifted to their newest shape."""

    def __init__(self, unions: Iterable[Any], upcasts: dict[type[Event], Upcast]) -> None:
        types: list[type[Event]] = []
        for union in unions:
            types += get_args(union) or (union,)
        self.types: dict[str, type[Event]] = {type_of(kind): kind for kind in types}
        if len(self.types) != len(types):
            raise ValueError("two event types share a tag")
        self._upcasts = upcasts
        self._decode = {tag: _decoder(kind).decode for tag, kind in self.types.items()}
        self._encode = msgspec.json.Encoder(order="deterministic").encode

    def encode(self, event: Event) -> bytes:
        """The stored bytes: JSON with the tag first."""
        return self._encode(event)

    def decode(self, tag: str, data: bytes) -> Event:
        """
        The event in its newest shape.

        :raises KeyError: no such type was ever released.
        :raises msgspec.ValidationError: the bytes are not of that type.
        """
        event: Event = self._decode[tag](data)
        while (upcast := self._upcasts.get(type(event))) is not None:
            event = upcast(event)
        return event


@cache
def _decoder(kind: type[Event]) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind)
