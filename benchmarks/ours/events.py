"""
The events that are measured: posts of a few thousand members, spread over all cells.

Every contestant stores a payload of the same size as one of these posts.
"""

import os
import time
from collections.abc import Iterator
from itertools import count
from typing import Final
from uuid import UUID

from commands.ports import Append, NewEvent
from domain.account import account_stream
from domain.account_events import AccountOpened, Identity
from domain.audience import Public
from domain.catalogue import EVENTS
from domain.comment import CommentWritten
from domain.event import Event
from domain.ids import CommentId, MemberId, PostId, StreamId, mint
from domain.like import LikeGiven
from domain.post_events import PostContent, PostPublished
from domain.sealed import Sealed

CELLS: Final = 16
#: A sealed text of about 40 Chinese characters: 120 bytes and the envelope's 45.
SEALED_BYTES: Final = 165

_serial = count(int.from_bytes(os.urandom(6), "big") << 14)


def new_id(cell: int) -> UUID:
    """An id as the product mints them."""
    return mint(time.time_ns() // 1_000_000, cell, next(_serial))


def members(number: int) -> list[MemberId]:
    """New members, one cell after the other."""
    return [MemberId(new_id(index % CELLS)) for index in range(number)]


_TEXT: Final[Sealed[str]] = Sealed(b"\x01" * SEALED_BYTES)


def a_post(author: MemberId, text: Sealed[str] = _TEXT) -> PostPublished:
    """What a member said."""
    return PostPublished(author, "shuoshuo", PostContent(text), Public())


def payload() -> str:
    """A post as stored, for those who store something of the same size."""
    return EVENTS.encode(a_post(MemberId(new_id(0)))).decode()


def append_of(cell: int, actor: MemberId, events: tuple[NewEvent, ...]) -> Append:
    """An append of one command."""
    command = new_id(cell)
    return Append(cell, command, actor, command, None, events)


def openings(everyone: list[MemberId]) -> Iterator[Append]:
    """Appends that open the members' accounts, a few hundred at a time."""
    sealed: Sealed[str] = Sealed(b"\x02" * 60)
    identity = Identity(sealed, sealed, sealed, sealed)
    by_cell: dict[int, list[NewEvent]] = {}
    for index, member in enumerate(everyone):
        opened = NewEvent(account_stream(member), 1, member, AccountOpened(member, identity))
        by_cell.setdefault(index % CELLS, []).append(opened)
    for cell, events in by_cell.items():
        for first in range(0, len(events), 200):
            part = tuple(events[first : first + 200])
            yield append_of(cell, part[0].owner, part)


def mixed(author: MemberId, cell: int, number: int) -> Iterator[NewEvent]:
    """
    Posts, comments and likes as a network has them: of ten events five are posts, three comments
    and two likes, all by one member, so that they are one cell's.
    """
    post = PostId(new_id(cell))
    for index in range(number):
        event: Event
        if index % 10 in {0, 2, 4, 6, 8}:
            post = PostId(new_id(cell))
            stream, event = StreamId(post), a_post(author)
        elif index % 10 in {1, 5, 9}:
            comment = CommentId(new_id(cell))
            stream = StreamId(comment)
            event = CommentWritten(author, post, author, _TEXT, comment)
        else:
            stream, event = StreamId(new_id(cell)), LikeGiven(author, post, author)
        yield NewEvent(stream, 1, author, event)
