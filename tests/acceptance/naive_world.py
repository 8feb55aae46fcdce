"""
Who may see what, as plainly as it can be said: the model that the product is held against.

Everything is kept in lists and sets, and every question is answered by looking at all of it.
"""

from dataclasses import dataclass, field

#: From which weight of strikes on there is which sanction, the mildest first.
LADDER = {"restriction": 3, "suspension": 6, "ban": 10}
GRAVITY = tuple(LADDER)
#: What the action of a rule makes of a text, from the mildest to the gravest.
OUTCOMES = {"flag": "flagged", "private_view": "private_view", "hold": "held", "block": "refused"}


@dataclass(eq=False)
class Person:
    """
    A member, by number; ``lists`` are the named lists, each a set of numbers. ``suspended`` is by
    an operator; what decisions brought is in ``penalties``, in their order, and what they come to
    in ``strikes`` and ``sanctions``.
    """

    number: int
    suspended: bool = False
    penalties: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    strikes: dict[str, int] = field(default_factory=dict)
    sanctions: list[tuple[str, str]] = field(default_factory=list)
    certified: bool = False
    lists: dict[str, set[int]] = field(default_factory=dict)

    @property
    def barred(self) -> str | None:
        """What the member hears instead of an answer; None for whoever may act."""
        if self.has("ban"):
            return "banned"
        return "suspended" if self.suspended or self.has("suspension") else None

    @property
    def publishes(self) -> bool:
        """Whether the member may publish."""
        return self.barred is None and not self.has("restriction")

    def has(self, kind: str) -> bool:
        """Whether a sanction of a kind is in force, by a decision or by weight."""
        return any(one == kind for one, _ in self.sanctions)

    def struck(self, decision: str, kind: str, weight: int | None) -> None:
        """A decision's penalty: a strike, a sanction, and the rung that the weight reaches."""
        self.penalties[decision] = kind, weight
        if kind != "strike":
            self.sanctions.append((kind, decision))
        if weight is None:
            return
        self.strikes[decision] = weight
        total = sum(self.strikes.values())
        reached = [one for one, least in LADDER.items() if total >= least]
        if reached and not any(self.has(one) for one in GRAVITY[GRAVITY.index(reached[-1]) :]):
            self.sanctions.append((reached[-1], ""))

    def absolved(self, decision: str) -> None:
        """What a decision did is undone: all is as if there had been the others alone."""
        self.penalties.pop(decision, None)
        self.strikes, self.sanctions = {}, []
        for other, (kind, weight) in list(self.penalties.items()):
            self.struck(other, kind, weight)


@dataclass(eq=False)
class Ruling:
    """A decision: by whom, and what it was; an adverse one may be appealed, once."""

    id: str
    verdict: str
    deciders: set[int]
    adverse: bool
    appealed: bool = False


@dataclass(eq=False)
class Matter:
    """
    What moderators look at. ``live`` says that it is there, for its author at least; ``waits``
    that it is so for nobody else; ``taken`` what it was before people took it down, and
    ``taken_by`` with which decision. ``case`` is the one about it, once there is one; ``said`` how
    often its author gave it other words.
    """

    id: str
    author: int
    text: str
    live: bool = field(default=True, kw_only=True)
    waits: str | None = field(default=None, kw_only=True)
    taken: str | None = field(default=None, kw_only=True)
    taken_by: str | None = field(default=None, kw_only=True)
    rulings: list[Ruling] = field(default_factory=list, kw_only=True)
    appealed: Ruling | None = field(default=None, kw_only=True)
    case: str | None = field(default=None, kw_only=True)
    said: int = field(default=0, kw_only=True)

    @property
    def published(self) -> bool:
        """Whether it is there for others than its author."""
        return self.live and self.waits is None

    def gone(self) -> None:
        """Deleted."""
        self.live, self.waits, self.taken = False, None, None


@dataclass(eq=False)
class Remark(Matter):
    """A comment."""


@dataclass(eq=False)
class Piece(Matter):
    """
    A post. ``to`` is an audience's name, a set of numbers, or ``("list", name)``; ``pending`` what
    it is to say once somebody approves of it, and how that waits.
    """

    to: object
    original: "Piece | None" = None
    pending: tuple[str, str] | None = None
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
        #: The rules in force: each made-up word, and what is to happen where it is found.
        self.rules: dict[str, str] = {}

    # Questions

    def outcome(self, text: str) -> str:
        """What becomes of a text that is said now."""
        found = [
            list(OUTCOMES).index(self.rules[word]) for word in text.split() if word in self.rules
        ]
        return list(OUTCOMES.values())[max(found)] if found else "published"

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
        if piece.waits is not None or self.apart(viewer, piece.author):
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

    def meets(self, viewer: int, piece: Piece) -> bool:
        """Whether a viewer may comment on a post, like or share it: not while it waits."""
        return piece.published and self.sees(viewer, piece)

    def finds(self, viewer: int, remark: Remark) -> bool:
        """Whether a comment is there for a viewer who sees its post."""
        own = remark.author == viewer
        return remark.live and (own or remark.published) and not self.apart(viewer, remark.author)

    def drop_list(self, owner: int, name: str) -> None:
        """What was for the list is for nobody from now on, whatever is called so later."""
        del self.people[owner].lists[name]
        for piece in self.pieces:
            if piece.author == owner and piece.to == ("list", name):
                piece.to = set()

    def remarks(self, viewer: int, piece: Piece) -> list[Remark]:
        """The comments that a viewer finds under a post."""
        return [one for one in piece.remarks if self.finds(viewer, one)]

    def counted(self, viewer: int, piece: Piece) -> int:
        """How many comments a viewer is told of: all that are published, and own ones that wait."""
        return sum(one.live and (one.published or one.author == viewer) for one in piece.remarks)

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
            and (deed.remark is None or self.finds(viewer, deed.remark))
            and (deed.kind != "like" or owner in deed.piece.likes)
        ]

    def words(self, viewer: int) -> set[str]:
        """Every text that a viewer may come across, anywhere."""
        found = set()
        for piece in self.pieces:
            if self.sees(viewer, piece):
                found |= {piece.text, *piece.former}
                found |= {remark.text for remark in self.remarks(viewer, piece)}
        return {text.split()[0] for text in found}

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
