"""
Every surface, and what the oracle says it shows.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from tests.simulation.around import around, shown_around
from tests.simulation.world import Difference, Piece, World


def _id(item: Any) -> str:
    return str(item["id"])


class Surface(msgspec.Struct, frozen=True):
    """
    A read. ``listed`` says it goes page by page; ``expected`` what the whole of it is, ``shown``
    makes the like of that from what was answered. ``None`` expected is "not found". ``names`` are
    those of its items by which a walk is judged, ``name`` one's in an answer.
    """

    operation: str
    path: Mapping[str, Any]
    expected: Callable[[World, UUID], Any]
    shown: Callable[[World, Any], Any]
    listed: bool = True
    query: Mapping[str, Any] = {}
    names: Callable[[World, UUID], Iterable[str]] | None = None
    name: Callable[[Any], str] = _id

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
        counted = _counted(original, viewer)
        shared = (str(original.id), original.text, len(original.likes), counted)
    own = piece.author == viewer
    return (
        str(piece.id),
        world.people[piece.author].nickname,
        piece.text,
        len(piece.likes),
        _counted(piece, viewer),
        viewer in piece.likes,
        piece.version,
        (own and piece.waits) or "published",
        piece.pending[1] if own and piece.pending is not None else None,
        shared,
    )


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
        item["liked"],
        item["version"],
        item["state"],
        item.get("edit_state"),
        None if share is None else tuple(share[one] for one in ("id", "text", "likes", "comments")),
    )


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
        return [
            (
                deed.kind,
                None if deed.remark is None else deed.remark.text,
                _post(world, viewer, deed.piece),
            )
            for deed in world.timeline(viewer, owner)
            if world.opens(viewer, owner, "posts")
        ]

    def shown(world: World, items: Any) -> Any:
        return [
            (
                item["kind"],
                item["comment"]["text"] if item.get("comment") else None,
                _shown_post(item["post"]),
            )
            for item in items
        ]

    return Surface("read_timeline", {"qq": qq}, expected, shown)


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
        return {
            str(which): (name, sorted(world.people[one].qq for one in on))
            for which, (owner, name, on) in world.lists.items()
            if owner == viewer
        }

    def shown(_: World, body: Any) -> Any:
        return {
            item["id"]: (item["name"], sorted(one["qq"] for one in item["members"]))
            for item in body["items"]
        }

    return Surface("list_lists", {}, expected, shown, listed=False)


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
    return {world.people[other].qq for one, other in pairs if one == viewer}


def _numbers(_: World, items: Any) -> list[int]:
    return [item["qq"] for item in items]


def _set(_: World, items: Any) -> set[int]:
    numbers = [item["qq"] for item in items]
    assert len(set(numbers)) == len(numbers), "said twice"
    return set(numbers)


def everything(world: World, viewer: UUID) -> list[Surface]:
    """Every surface that a viewer can look at."""
    found = [feed(), blocks(), follows(), named_lists(), me()]
    found += [friends(state) for state in ("friends", "incoming", "outgoing")]
    for person in world.people.values():
        found += [of(person.id, person.qq) for of in (space, space_posts, timeline)]
    for piece in world.pieces.values():
        found += [post(piece), comments(piece), likes(piece)]
    return found


__all__ = ["Surface", "everything"]
