"""
Named lists: the members an author means by "family" or "class of 2008".

A list is the author's alone. A post whose audience names it is seen by whoever is on it at the
moment of reading.
"""

from itertools import count
from typing import TypeAlias, assert_never

import msgspec

from domain.event import Aggregate, Event, Refused
from domain.ids import ListId, MemberId, StreamId, derive
from domain.sealed import Sealed

LISTS_MAX = 100
LIST_MEMBERS_MAX = 500


class ListSaved(Event, frozen=True, tag="list.saved.v1"):
    """
    The list has this name and these members from now on. ``removed`` are those it had before and
    has no longer, so that a reader needs no other event to follow.
    """

    owner: MemberId
    list: ListId
    name: Sealed[str]
    members: frozenset[MemberId]
    removed: frozenset[MemberId] = frozenset()


class ListDeleted(Event, frozen=True, tag="list.deleted.v1"):
    """The list is gone; what named it is seen by its author alone."""

    owner: MemberId
    list: ListId
    removed: frozenset[MemberId]


ListEvent: TypeAlias = ListSaved | ListDeleted


class NamedList(msgspec.Struct, frozen=True):
    """One list; ``since`` is the version that last changed it."""

    members: frozenset[MemberId]
    since: int


class Lists(msgspec.Struct, frozen=True):
    """All lists of a member."""

    lists: dict[ListId, NamedList] = {}
    deleted: dict[ListId, int] = {}


def evolve(lists: Lists, event: ListEvent, version: int) -> Lists:
    """The lists after one more event."""
    match event:
        case ListSaved(list=id, members=members):
            return Lists({**lists.lists, id: NamedList(members, version)}, lists.deleted)
        case ListDeleted(list=id):
            kept = {key: value for key, value in lists.lists.items() if key != id}
            return Lists(kept, {**lists.deleted, id: version})
        case _:
            assert_never(event)


def weigh(lists: Lists) -> int:
    """A hundred bytes a listed member."""
    return sum(len(one.members) for one in lists.lists.values()) * 100


LISTS: Aggregate[Lists] = Aggregate("lists", Lists(), evolve, weigh)


def lists_stream(owner: MemberId, cell: int) -> StreamId:
    """The stream of a member's lists."""
    return StreamId(derive(cell, "lists", owner))


def list_id(lists: Lists, owner: MemberId, cell: int, blinded_name: bytes) -> ListId:
    """
    The id of the owner's list of a name, whether it is there or yet to be made: by keyed digest,
    so that a name has one list. A deleted list's id is never taken again; what was for that list
    stays closed when another of the same name is made.
    """
    for times in count():
        which = ListId(derive(cell, "list", owner, blinded_name, times.to_bytes(4, "big")))
        if which not in lists.deleted:
            return which
    raise AssertionError("count never ends")


def save(
    lists: Lists, owner: MemberId, which: ListId, name: Sealed[str], members: frozenset[MemberId]
) -> tuple[ListEvent, ...]:
    """Make a list, or replace its members."""
    current = lists.lists.get(which)
    if current is not None and current.members == members:
        return ()
    if owner in members:
        raise Refused("not-yourself", "A list names others.", "/members")
    if current is None and len(lists.lists) >= LISTS_MAX:
        raise Refused("too-many-lists", f"At most {LISTS_MAX} lists.")
    removed = current.members - members if current else frozenset()
    return (ListSaved(owner, which, name, members, removed),)


def delete(lists: Lists, owner: MemberId, which: ListId) -> tuple[ListEvent, ...]:
    """Drop a list."""
    if which in lists.lists:
        return (ListDeleted(owner, which, lists.lists[which].members),)
    if which in lists.deleted:
        return ()
    raise Refused("not-found")
