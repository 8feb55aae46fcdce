"""
Who may see what, as plainly as it can be said: the model that the product is held against.

Everything is kept in lists and sets, and every question is answered by looking at all of it.
"""

from dataclasses import dataclass, field


@dataclass(eq=False)
class Person:
    """A member, by number; ``lists`` are the named lists, each a set of numbers."""

    number: int
    suspended: bool = False
    certified: bool = False
    lists: dict[str, set[int]] = field(default_factory=dict)


@dataclass(eq=False)
class Remark:
    """A comment."""

    id: str
    author: int
    text: str
    live: bool = True


@dataclass(eq=False)
class Piece:
    """
    A post. ``to`` is an audience's name, a set of numbers, or ``("list", name)``.
    """

    id: str
    author: int
    text: str
    to: object
    original: "Piece | None" = None
    live: bool = True
    former: set[str] = field(default_factory=set)
    remarks: list[Remark] = field(default_factory=list)
    likes: dict[int, int] = field(default_factory=dict)


@dataclass(eq=False)
class Deed:
    """Something a member did, at a step: an entry of the timeline."""

    step: int
    kind: str
    author: int
    piece: Piece
    remark: Remark | None = None


class NaiveWorld:
    """Members, how they stand, and all that they wrote."""

    def __init__(self, people: int) -> None:
        self.people = [Person(number) for number in range(people)]
        self.friends: set[frozenset[int]] = set()
        self.asked: set[tuple[int, int]] = set()
        self.blocks: set[tuple[int, int]] = set()
        self.follows: set[tuple[int, int]] = set()
        self.pieces: list[Piece] = []
        self.deeds: list[Deed] = []

    # Questions

    def apart(self, one: int, other: int) -> bool:
        """Whether either has blocked the other."""
        return (one, other) in self.blocks or (other, one) in self.blocks

    def are_friends(self, one: int, other: int) -> bool:
        return frozenset((one, other)) in self.friends

    def sees(self, viewer: int, piece: Piece) -> bool:
        """Whether a post is there for a viewer."""
        if not piece.live:
            return False
        if piece.author == viewer:
            return True
        if self.apart(viewer, piece.author):
            return False
        match piece.to:
            case "public":
                return True
            case "friends":
                return self.are_friends(viewer, piece.author)
            case "only_me":
                return False
            case set() as given:
                return viewer in given
            case ("list", str(name)):
                return viewer in self.people[piece.author].lists.get(name, set())
            case _:
                raise AssertionError(piece.to)

    def drop_list(self, owner: int, name: str) -> None:
        """What was for the list is for nobody from now on, whatever is called so later."""
        del self.people[owner].lists[name]
        for piece in self.pieces:
            if piece.author == owner and piece.to == ("list", name):
                piece.to = set()

    def remarks(self, viewer: int, piece: Piece) -> list[Remark]:
        """The comments that a viewer finds under a post."""
        return [one for one in piece.remarks if one.live and not self.apart(viewer, one.author)]

    def likers(self, viewer: int, piece: Piece) -> list[int]:
        """Who likes a post, as a viewer is told: the latest first."""
        latest = sorted(piece.likes, key=lambda liker: -piece.likes[liker])
        return [liker for liker in latest if not self.apart(viewer, liker)]

    def by(self, viewer: int, author: int) -> list[Piece]:
        """An author's posts, newest first, as a viewer finds them."""
        return [one for one in self.pieces[::-1] if one.author == author and self.sees(viewer, one)]

    def feed(self, viewer: int) -> list[Piece]:
        """Posts by friends and followed certified spaces, newest first."""
        return [
            one
            for one in self.pieces[::-1]
            if one.author != viewer
            and self.sees(viewer, one)
            and (
                self.are_friends(viewer, one.author)
                or ((viewer, one.author) in self.follows and self.people[one.author].certified)
            )
        ]

    def timeline(self, viewer: int, owner: int) -> list[tuple[str, str]]:
        """Kinds and posts of all that a member did, the latest first."""
        if self.apart(viewer, owner):
            return []
        return [
            (deed.kind, deed.piece.id)
            for deed in sorted(self.deeds, key=lambda deed: -deed.step)
            if deed.author == owner
            and self.sees(viewer, deed.piece)
            and (deed.remark is None or deed.remark.live)
            and (deed.kind != "like" or owner in deed.piece.likes)
        ]

    def words(self, viewer: int) -> set[str]:
        """Every text that a viewer may come across, anywhere."""
        found = set()
        for piece in self.pieces:
            if self.sees(viewer, piece):
                found |= {piece.text, *piece.former}
                found |= {remark.text for remark in self.remarks(viewer, piece)}
        return found

    # Moves; each tells whether it is granted

    def befriend(self, one: int, other: int) -> bool:
        if one == other or self.apart(one, other):
            return False
        if not self.are_friends(one, other):
            if (other, one) in self.asked:
                self.asked -= {(one, other), (other, one)}
                self.friends.add(frozenset((one, other)))
            else:
                self.asked.add((one, other))
        return True

    def unfriend(self, one: int, other: int) -> bool:
        self.friends.discard(frozenset((one, other)))
        self.asked -= {(one, other), (other, one)}
        return True

    def block(self, one: int, other: int) -> bool:
        if one == other:
            return False
        if (one, other) not in self.blocks:
            self.unfriend(one, other)
            self.follows.discard((one, other))
            self.blocks.add((one, other))
        return True

    def follow(self, one: int, other: int) -> bool:
        granted = (one, other) in self.follows or self.people[other].certified
        if one == other or self.apart(one, other) or not granted:
            return False
        self.follows.add((one, other))
        return True
