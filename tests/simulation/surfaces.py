"""
Every surface, and what the oracle says it shows.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from domain.notices import KINDS
from tests.simulation.around import around, note_of, shown_around, shown_note
from tests.simulation.exhibiting import exhibit_of, shown_exhibit
from tests.simulation.oracle import Oracle
from tests.simulation.world import Deed, Difference, Piece, World


def _id(item: Any) -> str:
    return str(item["id"])


class Surface(msgspec.Struct, frozen=True):
    """
    A read. ``listed`` says it goes page by page; ``expected`` what the whole of it is, ``shown``
    makes the like of that from what was answered. ``None`` expected is "not found". ``names`` are
    those of its items by which a walk is judged, ``name`` one's in an answer. ``raw`` ones
    answer with bytes.
    """

    operation: str
    path: Mapping[str, Any]
    expected: Callable[[World, UUID], Any]
    shown: Callable[[World, Any], Any]
    listed: bool = True
    query: Mapping[str, Any] = {}
    names: Callable[[World, UUID], Iterable[str]] | None = None
    name: Callable[[Any], str] = _id
    raw: bool = False

    def compare(self, world: World, viewer: UUID, answered: Any) -> None:
        """
        Hold a whole answer against the oracle.

        :raises Difference: it shows something else.
        """
        expected = self.expected(world, viewer)
        shown = None if answered is None else self.shown(world, answered)
        if expected != shown:
            raise Difference(f"{self.operation} shows {viewer} {shown}, not {expected}")


def _post(world: World, viewer: UUID, piece: Piece) -> tuple[Any, ...]:
    """
    A post as it is to be shown; counts are of all that is published, whoever looks, and of the
    viewer's own that waits.
    """
    original = piece.original
    shared = None
    if original is not None and world.sees(viewer, original):
        counts = len(original.likes), _counted(original, viewer), world.shares(original)
        asks = _asked(world, viewer, original)
        hung = _hung(world, viewer, original)
        shared = (str(original.id), original.text, *counts, asks, hung)
    own = piece.author == viewer
    return (
        str(piece.id),
        world.people[piece.author].nickname,
        piece.text,
        len(piece.likes),
        _counted(piece, viewer),
        world.shares(piece),
        viewer in piece.likes,
        piece.version,
        (own and piece.waits) or "published",
        piece.pending[1] if own and piece.pending is not None else None,
        _asked(world, viewer, piece),
        _named(world, world.mentioned(viewer, piece)),
        piece.commenting,
        world.may_comment(viewer, piece),
        _hung(world, viewer, piece),
        shared,
    )


def _hung(world: World, viewer: UUID, piece: Piece) -> list[tuple[str, str]]:
    """The images that a post shows."""
    return [(str(one.id), one.alt) for one in world.images(viewer, piece)]


def _asked(world: World, viewer: UUID, piece: Piece) -> Any:
    """What a post asks, with the results for whoever is told of them."""
    poll = piece.poll
    if poll is None:
        return None
    own, closed = poll.votes.get(viewer, ()), world.closed(poll)
    told = closed or bool(own) or viewer == piece.author
    counts = [sum(number in chosen for chosen in poll.votes.values()) for number in range(9)]
    options = [
        (text, count if told else None) for text, count in zip(poll.options, counts, strict=False)
    ]
    return (options, poll.choose, closed, len(poll.votes) if told else None, list(own))


def _shown_poll(poll: Any) -> Any:
    if poll is None:
        return None
    options = [(option["text"], option.get("votes")) for option in poll["options"]]
    return (options, poll["choose"], poll["closed"], poll.get("voters"), poll.get("voted", []))


def _named(world: World, members: Iterable[UUID]) -> list[tuple[int, str]]:
    return [(world.people[one].qq, world.people[one].nickname) for one in members]


def _counted(piece: Piece, viewer: UUID) -> int:
    return sum(
        remark.live and (remark.published or remark.author == viewer)
        for remark in piece.remarks.values()
    )


def _shown_post(item: Any) -> tuple[Any, ...]:
    share = item.get("share")
    return (
        item["id"],
        item["author"]["nickname"],
        item["text"],
        item["likes"],
        item["comments"],
        item["shares"],
        item["liked"],
        item["version"],
        item["state"],
        item.get("edit_state"),
        _shown_poll(item.get("poll")),
        [(one["qq"], one["nickname"]) for one in item.get("mentions", [])],
        item.get("commenting", "everyone"),
        item.get("can_comment", True),
        _shown_images(item),
        None if share is None else _shown_share(share),
    )


def _shown_share(share: Any) -> tuple[Any, ...]:
    counted = tuple(share[one] for one in ("id", "text", "likes", "comments", "shares"))
    return (*counted, _shown_poll(share.get("poll")), _shown_images(share))


def _shown_images(item: Any) -> list[tuple[str, str]]:
    return [(one["id"], one["alt"]) for one in item.get("images", [])]


def _shown_posts(_: World, items: Any) -> list[tuple[Any, ...]]:
    return [_shown_post(item) for item in items]


def feed() -> Surface:
    """The information center."""
    return Surface(
        "read_feed",
        {},
        lambda world, viewer: [_post(world, viewer, one) for one in world.feed(viewer)],
        _shown_posts,
        names=lambda world, viewer: [str(one.id) for one in world.feed(viewer)],
    )


def mentions() -> Surface:
    """The posts that mention a member."""
    return Surface(
        "list_mentions",
        {},
        lambda world, viewer: [_post(world, viewer, one) for one in world.mentioning(viewer)],
        _shown_posts,
        names=lambda world, viewer: [str(one.id) for one in world.mentioning(viewer)],
    )


def space_posts(owner: UUID, qq: int) -> Surface:
    """A member's posts."""

    def expected(world: World, viewer: UUID) -> Any:
        if (owner, viewer) in world.blocks:
            return None
        return [_post(world, viewer, one) for one in _of_page(world, viewer, owner)]

    def names(world: World, viewer: UUID) -> list[str]:
        return [str(one.id) for one in _of_page(world, viewer, owner)]

    return Surface("list_space_posts", {"qq": qq}, expected, _shown_posts, names=names)


def _of_page(world: World, viewer: UUID, owner: UUID) -> list[Piece]:
    """An author's posts, as far as that section of their page is for the viewer."""
    return world.by(viewer, owner) if world.opens(viewer, owner, "posts") else []


def space(owner: UUID, qq: int) -> Surface:
    """A member's home page."""

    def expected(world: World, viewer: UUID) -> Any:
        if (owner, viewer) in world.blocks:
            return None
        return (
            world.people[owner].nickname,
            "self" if viewer == owner else world.standing(viewer, owner),
            (viewer, owner) in world.follows,
            (viewer, owner) in world.blocks,
            world.people[owner].certified,
            [_post(world, viewer, one) for one in _of_page(world, viewer, owner)[:10]],
            around(world, viewer, owner),
        )

    def shown(world: World, body: Any) -> Any:
        relation = body["relation"]
        return (
            body["nickname"],
            relation["friend"],
            relation["follows"],
            relation["blocked"],
            "certification" in body,
            _shown_posts(world, body["posts"]),
            shown_around(body),
        )

    return Surface("read_space", {"qq": qq}, expected, shown, listed=False)


def timeline(owner: UUID, qq: int) -> Surface:
    """Everything a member did."""

    def expected(world: World, viewer: UUID) -> Any:
        if (owner, viewer) in world.blocks:
            return None
        return [_deed(world, viewer, deed) for deed in world.timeline(viewer, owner)]

    def shown(world: World, items: Any) -> Any:
        return [_shown_deed(item) for item in items]

    return Surface("read_timeline", {"qq": qq}, expected, shown)


def _deed(world: World, viewer: UUID, deed: Deed) -> tuple[Any, ...]:
    if deed.note is not None:
        return deed.kind, note_of(deed.note), world.people[deed.note.space].qq
    if deed.made is not None:
        return deed.kind, exhibit_of(world, viewer, deed.made)
    assert deed.piece is not None
    said = None if deed.remark is None else deed.remark.text
    return deed.kind, said, _post(world, viewer, deed.piece)


def _shown_deed(item: Any) -> tuple[Any, ...]:
    if item["kind"] == "message":
        return item["kind"], shown_note(item["message"]), item["board"]["qq"]
    if item["kind"] in ("album", "photo"):
        return item["kind"], shown_exhibit(item[item["kind"]])
    said = item["comment"]["text"] if "comment" in item else None
    return item["kind"], said, _shown_post(item["post"])


def post(piece: Piece) -> Surface:
    """One post by its address."""

    def expected(world: World, viewer: UUID) -> Any:
        return _post(world, viewer, piece) if world.sees(viewer, piece) else None

    return Surface(
        "read_post", {"id": piece.id}, expected, lambda _, body: _shown_post(body), listed=False
    )


def comments(piece: Piece) -> Surface:
    """What stands under a post."""

    def expected(world: World, viewer: UUID) -> Any:
        if not world.sees(viewer, piece):
            return None
        return [
            (str(one.id), one.text, str(one.thread), one.waits or "published")
            for one in world.comments(viewer, piece)
        ]

    def shown(_: World, items: Any) -> Any:
        return [(item["id"], item["text"], item["thread"], item["state"]) for item in items]

    def names(world: World, viewer: UUID) -> list[str]:
        seen = world.sees(viewer, piece)
        return [str(one.id) for one in world.comments(viewer, piece)] if seen else []

    return Surface("list_comments", {"id": piece.id}, expected, shown, names=names)


def likes(piece: Piece) -> Surface:
    """Who likes a post."""

    def expected(world: World, viewer: UUID) -> Any:
        if not world.sees(viewer, piece):
            return None
        return [world.people[one].qq for one in world.likers(viewer, piece)]

    return Surface(
        "list_likes",
        {"id": piece.id},
        expected,
        lambda _, items: [item["member"]["qq"] for item in items],
        names=lambda world, viewer: [
            str(world.people[one].qq)
            for one in (world.likers(viewer, piece) if world.sees(viewer, piece) else [])
        ],
        name=lambda item: str(item["member"]["qq"]),
    )


def friends(state: str) -> Surface:
    """Friends, or open requests."""

    def expected(world: World, viewer: UUID) -> Any:
        halves = {other: half for (one, other), half in world.halves.items() if one == viewer}
        listed = [
            (half.bond, world.people[other].qq)
            for other, half in halves.items()
            if world.standing(viewer, other) == state and (other, viewer) not in world.blocks
        ]
        return [qq for _, qq in sorted(listed, reverse=True)]

    return Surface("list_friends", {}, expected, _numbers, query={"state": state})


def blocks() -> Surface:
    """Whom a member has blocked."""
    return Surface("list_blocks", {}, lambda world, viewer: _of(world, viewer, world.blocks), _set)


def follows() -> Surface:
    """What a member follows."""
    return Surface(
        "list_follows", {}, lambda world, viewer: _of(world, viewer, world.follows), _set
    )


def named_lists() -> Surface:
    """A member's named lists."""

    def expected(world: World, viewer: UUID) -> Any:
        there = {one.id for one in world.people.values() if not one.erased}
        return {
            str(which): (name, sorted(world.people[one].qq for one in on & there))
            for which, (owner, name, on) in world.lists.items()
            if owner == viewer
        }

    def shown(_: World, body: Any) -> Any:
        return {
            item["id"]: (item["name"], sorted(one["qq"] for one in item["members"]))
            for item in body["items"]
        }

    return Surface("list_lists", {}, expected, shown, listed=False)


def badges(owner: UUID, qq: int) -> Surface:
    """A member's badges."""

    def expected(world: World, viewer: UUID) -> Any:
        if (owner, viewer) in world.blocks:
            return None
        return _badges(world, owner) if world.opens(viewer, owner, "badges") else set()

    def shown(_: World, body: Any) -> Any:
        return {one["badge"] for one in body["items"]}

    return Surface("list_badges", {"qq": qq}, expected, shown, listed=False)


def my_badges() -> Surface:
    """One's own."""
    return Surface(
        "list_my_badges",
        {},
        _badges,
        lambda _, body: {one["badge"] for one in body["items"]},
        listed=False,
    )


def _badges(world: World, member: UUID) -> set[str]:
    assert isinstance(world, Oracle)
    return world.honours.badges(member)


#: What cases and gifts are told of is the staff's and the treasury's to know.
_TOLD = (
    "like", "share", "comment", "reply", "mention", "message", "friend_request", "friend_accepted",
    "badge",
)  # fmt: skip


def notifications() -> Surface:
    """What a member is told, and how many did it."""

    def expected(world: World, viewer: UUID) -> Any:
        assert isinstance(world, Oracle)
        return {
            told: (len(who), sorted(who) if len(who) <= 3 and told[0] != "badge" else [])
            for told, who in world.honours.notices(viewer).items()
        }

    def shown(_: World, items: Any) -> Any:
        found = {}
        for one in items:
            if one["kind"] in _TOLD:
                members = sorted(member["qq"] for member in one["members"])
                about = one.get("post") or one.get("badge") or members[0]
                about = "" if one["kind"] == "message" else about
                told = (one["kind"], str(about))
                if told in found:
                    raise Difference(f"{told} is told twice")
                found[told] = (one["count"], members if one["count"] <= 3 else [])
        return found

    return Surface("list_notifications", {}, expected, shown)


def unread(viewer: UUID) -> Surface:
    """
    How many notifications are unread: exactly so many where nobody has read any, else no more than
    can have come since.
    """

    def shown(world: World, body: Any) -> bool:
        assert isinstance(world, Oracle)
        told = len(world.honours.notices(viewer))
        others = world.cases.dockets or world.treasury.minors
        read = world.honours.read.get(viewer)
        if read is not None:
            came = sum(at - read.get(cell, 0) for cell, at in world.heads().items())
            return bool(body["count"] <= (came if others else min(came, told)))
        return bool(body["count"] >= told if others else body["count"] == told)

    return Surface("count_unread", {}, lambda *_: True, shown, listed=False)


def preferences() -> Surface:
    """Which kinds of notifications somebody wants."""

    def expected(world: World, viewer: UUID) -> Any:
        assert isinstance(world, Oracle)
        muted = world.honours.muted.get(viewer, frozenset())
        return {kind: kind not in muted for kind in KINDS}

    return Surface("read_preferences", {}, expected, lambda _, body: body["kinds"], listed=False)


def me() -> Surface:
    """One's own account."""
    return Surface(
        "me",
        {},
        lambda world, viewer: (str(viewer), world.people[viewer].nickname, "active"),
        lambda _, body: (body["id"], body["nickname"], body["status"]),
        listed=False,
    )


def _of(world: World, viewer: UUID, pairs: set[tuple[UUID, UUID]]) -> set[int]:
    there = {one for one in pairs if not world.people[one[1]].erased}
    return {world.people[other].qq for one, other in there if one == viewer}


def _numbers(_: World, items: Any) -> list[int]:
    return [item["qq"] for item in items]


def _set(_: World, items: Any) -> set[int]:
    numbers = [item["qq"] for item in items]
    assert len(set(numbers)) == len(numbers), "said twice"
    return set(numbers)


def everything(world: World, viewer: UUID) -> list[Surface]:
    """Every surface that a viewer can look at."""
    found = [feed(), mentions(), blocks(), follows(), named_lists(), me(), my_badges()]
    found += [notifications(), unread(viewer), preferences()]
    found += [friends(state) for state in ("friends", "incoming", "outgoing")]
    for person in world.people.values():
        found += [of(person.id, person.qq) for of in (space, space_posts, timeline, badges)]
    for piece in world.pieces.values():
        found += [post(piece), comments(piece), likes(piece)]
    return found


__all__ = ["Surface", "everything"]
