"""
A member's home page beyond its look: what its modules are called, for whom each of its sections is,
and who may write on its board. One stream a space.

The order of modules, and which there are, is part of the look (:mod:`domain.looks`). Restoring the
default look leaves all of this alone: nobody opens their page to everybody by changing its colours.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, assert_never

import msgspec

from domain.audience import Audience, Friends, OnlyMe, Public, Relation, visible
from domain.event import Aggregate, Event, Refused
from domain.ids import MemberId, StreamId, cell_of, derive
from domain.looks import Module
from domain.screening import Screening
from domain.sealed import Sealed

#: What can be for some and not for others. Each is the module of that name.
Section: TypeAlias = Literal["posts", "albums", "visitors", "messages", "friends", "badges"]
SECTIONS: Final[tuple[Section, ...]] = (
    "posts", "albums", "visitors", "messages", "friends", "badges",
)  # fmt: skip
#: For whom a section is: an audience by its word.
For: TypeAlias = Literal["public", "friends", "only_me"]
#: Who may write on the board, beside its owner, of those who see it.
Writers: TypeAlias = Literal["public", "friends", "nobody"]
MODULE_NAME_LENGTH_MAX: Final = 20

_AUDIENCES: Final[Mapping[For, Audience]] = {
    "public": Public(),
    "friends": Friends(),
    "only_me": OnlyMe(),
}

Names: TypeAlias = dict[Module, Sealed[str]]


class Home(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A home page; what is not said is as everybody's.

    :param names: of modules that have another than the house's.
    :param privacy: of sections that are not for everybody.
    """

    names: Names = {}
    privacy: dict[Section, For] = {}
    writers: Writers = "public"


PLAIN: Final = Home()


class HomeChanged(Event, frozen=True, tag="home.changed.v1"):
    """The home page is like this from now on."""

    member: MemberId
    home: Home
    effective_at: datetime


class HomeNamesRefused(Event, frozen=True, tag="home.names_refused.v1"):
    """Names that were not taken, for nobody to see but those who audit."""

    member: MemberId
    names: Names
    screening: Screening


HomeEvent: TypeAlias = HomeChanged | HomeNamesRefused


class Arranged(msgspec.Struct, frozen=True):
    """The home page as it stands, since which version."""

    home: Home = PLAIN
    since: int = 0


def evolve(arranged: Arranged, event: HomeEvent, version: int) -> Arranged:
    """The home page after one more event."""
    match event:
        case HomeChanged(home=home):
            return Arranged(home, version)
        case HomeNamesRefused():
            return arranged
        case _:
            assert_never(event)


HOME: Aggregate[Arranged] = Aggregate("home", Arranged(), evolve)


def home_stream(member: MemberId) -> StreamId:
    """A home page's stream, in its owner's cell."""
    return StreamId(derive(cell_of(member), "home", member))


# Decisions


def audience_of(home: Home, section: Section) -> Audience:
    """For whom a section is."""
    return _AUDIENCES[home.privacy.get(section, "public")]


def open_to(home: Home, section: Section, relation: Relation) -> bool:
    """Whether a section is there for whoever stands so to the page's owner."""
    return visible(True, audience_of(home, section), relation)


def may_write(home: Home, relation: Relation) -> bool:
    """Whether whoever sees the board may write on it."""
    if relation.is_author:
        return True
    match home.writers:
        case "public":
            return True
        case "friends":
            return relation.friends
        case "nobody":
            return False
        case _ as never:
            assert_never(never)


def check_writer(home: Home, relation: Relation) -> None:
    """
    Refuse who may not write on a board that they see.

    :raises Refused: it is closed, or for friends.
    """
    if may_write(home, relation):
        return
    if home.writers == "nobody":
        raise Refused("board-closed", "Nobody writes here for now.")
    raise Refused("board-for-friends", "Friends write here.")


def change(
    arranged: Arranged,
    member: MemberId,
    names: Mapping[Module, Sealed[str] | None],
    privacy: Mapping[Section, For],
    writers: Writers | None,
    at: datetime,
) -> tuple[HomeEvent, ...]:
    """
    Change what is named; a name of None restores the house's.

    :param writers: None where that stays as it is.
    """
    before = arranged.home
    called: dict[Any, Any] = {**before.names, **names}
    shut: dict[Any, Any] = {**before.privacy, **privacy}
    home = Home(
        names={module: name for module, name in called.items() if name is not None},
        privacy={section: whom for section, whom in shut.items() if whom != "public"},
        writers=before.writers if writers is None else writers,
    )
    return () if home == before else (HomeChanged(member, home, at),)
