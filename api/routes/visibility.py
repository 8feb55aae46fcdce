"""
Who could see what, and when: the intervals in which one member could see one post.
"""

from collections.abc import Collection, Mapping
from typing import TypeAlias
from uuid import UUID

import msgspec

from api.disclosing import look_back
from api.http.answers import Answer, found
from api.http.parameters import PURPOSE
from api.http.routes import Routes
from api.services import AUDITORS, Ask, Services
from commands.types import QQ, Moment
from domain.account import account_stream
from domain.event import Recorded, Refused, type_of
from domain.ids import PostId, cell_of
from domain.post import post_stream
from projections.reach import PostChange
from projections.reading import visibility
from projections.streams import Moment as Place
from projections.visibility import account_turns, author_turns, intervals

ROUTES = Routes()
_TAG = "Audit"

#: A cell and a position in it.
_At: TypeAlias = tuple[int, int]


class VisibilityQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which post, and who looks, by QQ number."""

    post: UUID
    viewer: QQ


class Turned(msgspec.Struct, frozen=True):
    """An event that brought the post into the viewer's sight or took it out."""

    position: str
    at: Moment
    type: str
    stream: UUID


class Seen(msgspec.Struct, frozen=True):
    """From `opened` until just before `closed`; null while it lasts."""

    opened: Turned
    closed: Turned | None


class Visibility(msgspec.Struct, frozen=True):
    """
    Every interval in which the viewer, reading, would have found the post, in order. ``visible`` is
    whether it is so now.
    """

    post: UUID
    author: UUID
    viewer: UUID
    visible: bool
    intervals: list[Seen]


@ROUTES.get(
    "/v1/audit/visibility",
    tag=_TAG,
    summary="When a member could see a post",
    query=VisibilityQuery,
    answer=Visibility,
    roles=AUDITORS,
    headers=(PURPOSE,),
    problems=("not-found",),
    past=False,
)
async def read_visibility(call: Ask[None, VisibilityQuery]) -> Answer:
    """
    What opened and closed each interval may be an event of the post, of either's circle, of a
    list, or of either's account: who is suspended sees nothing, who is forgotten is not seen.
    Events of several cells are in the order of their time, then of their cell and position. That
    it was asked is recorded.
    """
    app, post = call.app, call.query.post
    if not 0 <= cell_of(post) < app.log.cells:
        raise Refused("not-found")
    viewer = await app.member(call.query.viewer)
    past = await app.look(visibility.between, post, viewer)
    if past is None:
        raise Refused("not-found")
    account = await app.log.read_stream(account_stream(viewer))
    author = await app.log.read_stream(account_stream(past.author))
    turns = [*past.turns, *account_turns(account), *author_turns(author)]
    seen = intervals(viewer == past.author, turns)
    first = (cell_of(post), past.first)
    ends = [end for one in seen for end in (one.opened, one.closed) if end is not None]
    events = await _events(app, {first, *((end.cell, end.position) for end in ends)})
    # Comments, messages, albums and photos have gates, too.
    if not isinstance(events[first].event, PostChange):
        raise Refused("not-found")
    shown = [Seen(_turned(events, one.opened), _closed(events, one.closed)) for one in seen]
    await look_back(call, None, (post_stream(PostId(post)), account_stream(viewer)))
    lasts = bool(shown) and shown[-1].closed is None
    return found(Visibility(post, past.author, viewer, lasts, shown))


async def _events(app: Services, places: Collection[_At]) -> Mapping[_At, Recorded]:
    """The events at some places of the log; those of one cell together."""
    by_cell: dict[int, list[int]] = {}
    for cell, position in sorted(places):
        by_cell.setdefault(cell, []).append(position)
    read = [await app.events_at(cell, positions) for cell, positions in by_cell.items()]
    return {(one.cell, one.position): one for events in read for one in events}


def _turned(events: Mapping[_At, Recorded], place: Place) -> Turned:
    event = events[place.cell, place.position]
    return Turned(event.at, event.recorded_at, type_of(event.event), event.stream)


def _closed(events: Mapping[_At, Recorded], place: Place | None) -> Turned | None:
    return None if place is None else _turned(events, place)
