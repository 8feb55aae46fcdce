"""
Who may see what, as plainly as it can be said: facts in dicts, and questions answered by looking at
all of them. It knows nothing of read models, caches, guards or queries.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.audience import Audience, Friends, Listed, OnlyMe, Public
from domain.ids import MemberId

Pair = tuple[UUID, UUID]


class Difference(AssertionError):
    """Something is shown that should not be, or not shown that should."""


@dataclass(eq=False)
class Person:
    """A member. ``suspended`` is the standing suspension and when it ends by itself."""

    id: UUID
    qq: int
    nickname: str
    suspended: tuple[UUID, datetime | None] | None = None
    certified: bool = False


@dataclass(eq=False)
class Half:
    """One member's half of a friendship: ``outgoing``, ``incoming`` or ``friends``."""

    standing: str
    bond: UUID

    @property
    def offered(self) -> UUID | None:
        return None if self.standing == "incoming" else self.bond


@dataclass(eq=False)
class Remark:
    """A comment; ``at`` orders it among others."""

    id: UUID
    author: UUID
    text: str
    thread: UUID
    at: tuple[datetime, UUID]
    live: bool = True


@dataclass(eq=False)
class Piece:
    """A post; ``at`` orders it among others, ``former`` are texts that it no longer has."""

    id: UUID
    author: UUID
    text: str
    to: Audience
    at: tuple[datetime, UUID]
    original: "Piece | None"
    version: int = 1
    live: bool = True
    former: list[str] = field(default_factory=list)
    remarks: dict[UUID, Remark] = field(default_factory=dict)
    likes: dict[UUID, datetime] = field(default_factory=dict)


@dataclass(eq=False)
class Deed:
    """An entry of a member's timeline."""

    at: tuple[datetime, UUID]
    kind: str
    author: UUID
    piece: Piece
    remark: Remark | None = None


class World:
    """Members, how they stand, and all that they wrote."""

    def __init__(self) -> None:
        #: How many commands' events there are.
        self.commits = 0
        self.claimed: dict[int, UUID] = {}
        self.people: dict[UUID, Person] = {}
        self.halves: dict[Pair, Half] = {}
        self.blocks: set[Pair] = set()
        self.follows: set[Pair] = set()
        self.lists: dict[UUID, tuple[UUID, str, frozenset[MemberId]]] = {}
        self.pieces: dict[UUID, Piece] = {}
        self.remarks: dict[UUID, tuple[Piece, Remark]] = {}
        self.deeds: dict[UUID, Deed] = {}
        self.liked: set[Pair] = set()
        #: Every text that was ever said, and where.
        self.said: dict[str, str] = {}

    # Questions

    def apart(self, one: UUID, other: UUID) -> bool:
        """Whether either has blocked the other."""
        return (one, other) in self.blocks or (other, one) in self.blocks

    def offered(self, one: UUID, other: UUID) -> UUID | None:
        """The bond that one's half offers to another."""
        half = self.halves.get((one, other))
        return None if half is None else half.offered

    def friends(self, one: UUID, other: UUID) -> bool:
        """Whether both halves offer one bond."""
        return self.offered(one, other) is not None and self.offered(one, other) == self.offered(
            other, one
        )

    def standing(self, one: UUID, other: UUID) -> str:
        """How another stands to one, as one is told."""
        mine, theirs = self.offered(one, other), self.halves.get((other, one))
        if mine is not None:
            return "friends" if self.friends(one, other) else "outgoing"
        return "incoming" if theirs is not None and theirs.standing == "outgoing" else "none"

    def sees(self, viewer: UUID, piece: Piece) -> bool:
        """Whether a post is there for a viewer."""
        if not piece.live:
            return False
        if piece.author == viewer:
            return True
        if self.apart(viewer, piece.author):
            return False
        match piece.to:
            case Public():
                return True
            case Friends():
                return self.friends(viewer, piece.author)
            case OnlyMe():
                return False
            case Listed(members=members, named=None):
                return viewer in members
            case Listed(named=named):
                assert named is not None
                return named in self.lists and viewer in self.lists[named][2]

    def in_feed(self, viewer: UUID, piece: Piece) -> bool:
        """Whether a post that is there for a viewer comes into the feed."""
        author = piece.author
        followed = (viewer, author) in self.follows and self.people[author].certified
        return author != viewer and (self.friends(viewer, author) or followed)

    def feed(self, viewer: UUID) -> list[Piece]:
        """Posts by friends and followed certified spaces, newest first."""
        return self._newest(one for one in self._seen(viewer) if self.in_feed(viewer, one))

    def by(self, viewer: UUID, author: UUID) -> list[Piece]:
        """An author's posts, newest first, as a viewer finds them."""
        return self._newest(one for one in self._seen(viewer) if one.author == author)

    def comments(self, viewer: UUID, piece: Piece) -> list[Remark]:
        """The comments that a viewer finds under a post, oldest first."""
        found = (
            one for one in piece.remarks.values() if one.live and not self.apart(viewer, one.author)
        )
        return sorted(found, key=lambda one: one.at)

    def likers(self, viewer: UUID, piece: Piece) -> list[UUID]:
        """Who likes a post, as a viewer is told: the latest first."""
        latest = sorted(((at, one) for one, at in piece.likes.items()), reverse=True)
        return [one for _, one in latest if not self.apart(viewer, one)]

    def timeline(self, viewer: UUID, owner: UUID) -> list[Deed]:
        """All that a member did and a viewer may know of, the latest first."""
        found = (
            deed
            for deed in self.deeds.values()
            if deed.author == owner
            and self.sees(viewer, deed.piece)
            and (deed.remark is None or deed.remark.live)
        )
        if self.apart(viewer, owner):
            return []
        return sorted(found, key=lambda deed: deed.at, reverse=True)

    def words(self, viewer: UUID) -> Iterator[str]:
        """Every text that a viewer may come across, anywhere."""
        if self.people[viewer].suspended is not None:
            return
        for piece in self.pieces.values():
            if self.sees(viewer, piece):
                yield piece.text
                yield from piece.former
                for remark in piece.remarks.values():
                    if remark.live and not self.apart(viewer, remark.author):
                        yield remark.text

    def _seen(self, viewer: UUID) -> Iterator[Piece]:
        return (one for one in self.pieces.values() if self.sees(viewer, one))

    @staticmethod
    def _newest(pieces: Iterable[Piece]) -> list[Piece]:
        return sorted(pieces, key=lambda piece: piece.at, reverse=True)
