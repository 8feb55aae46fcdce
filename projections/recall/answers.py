"""
Answers made of facts alone: the same views as those of :mod:`projections.reading`, through the same
gate.

Each is a pure function of facts. One that lacks some says so (:class:`Missing`), and is asked again
once they are there; one that would need more than is kept answers None, and is read instead.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Final, TypeAlias
from uuid import UUID

from domain.audience import Relation, visible
from domain.ids import MemberId, cell_of
from projections.gates import audience_of
from projections.reading.people import MemberView, may_act
from projections.reading.posts import PostView, Profile
from projections.recall.facts import Facts, Member, Said, Shelf, Standing

#: Beyond so many, shelves of one viewer would push out everybody else's.
SOURCES_MAX = 1_000

_OTHERS: Final = Relation()
_FRIENDS: Final = Relation(friends=True)
_LISTED: Final = Relation(listed=True)
_LISTED_FRIENDS: Final = Relation(friends=True, listed=True)

Reference: TypeAlias = tuple[object, UUID, UUID]


def account(facts: Facts, viewer: MemberId) -> MemberView | None:
    """The viewer's own account."""
    member = _acting(facts, viewer)
    return MemberView(
        profile=_profile(viewer, member),
        status=member.status,
        joined_at=member.joined_at,
        standing="none",
        follows=False,
        blocked=False,
        blocks_viewer=False,
        cell=cell_of(viewer),
        position=member.position,
    )


def first_of_feed(facts: Facts, viewer: MemberId, count: int) -> list[PostView] | None:
    """The newest posts of the viewer's feed."""
    _acting(facts, viewer)
    standing = facts.standings.one(viewer)
    if len(standing.sources) > SOURCES_MAX:
        return None
    shelves = facts.shelves.many(standing.sources)
    references = _merged(standing, shelves)
    # A few more than asked for: most pages have a post or two that are not for this viewer.
    step = count + count // 4 + 4
    page: list[PostView] = []
    for start in range(0, len(references), step):
        if len(page) < count:
            page += _gated(facts, viewer, standing, references[start : start + step])
    if len(page) < count and (ends := _ends(shelves)):
        _deepen(facts, ends)
        return None
    return page[:count]


def _acting(facts: Facts, viewer: MemberId) -> Member:
    member = facts.members.one(viewer)
    may_act(None if member is None else member.status)
    assert member is not None
    return member


def _merged(standing: Standing, shelves: list[Shelf]) -> Sequence[Reference]:
    """
    What the shelves hold, newest first, down to where the first one ends that is not whole: older
    posts of its author may come next.
    """
    if standing.merged is not None and standing.merged[0] == shelves:
        merged: Sequence[Reference] = standing.merged[1]
        return merged
    references = sorted(chain.from_iterable(shelf.posts for shelf in shelves), reverse=True)
    if ends := _ends(shelves):
        end = max(shelf.posts[-1] for shelf in ends)
        references = [reference for reference in references if reference >= end]
    standing.merged = (shelves, references)
    return references


def _ends(shelves: list[Shelf]) -> list[Shelf]:
    return [shelf for shelf in shelves if not shelf.whole]


def _deepen(facts: Facts, ends: list[Shelf]) -> None:
    """
    Ask for more of the author whose shelf ended first, unless that is as deep as shelves are.

    :raises Missing: that author's shelf.
    """
    author = max(shelf.posts[-1] for shelf in ends)[2]
    if author not in facts.prolific:
        facts.dig(author)
        facts.shelves.one(author)


def _gated(
    facts: Facts, viewer: MemberId, standing: Standing, references: Sequence[Reference]
) -> list[PostView]:
    posts = [post for _, post, _ in references]
    said = facts.posts.many(posts)
    members = facts.members.many([author for _, _, author in references])
    liked = facts.liked.many([(viewer, post) for post in posts])
    friends, views = standing.friends, []
    listing = [
        (one.listed_in, viewer) for one in said if one is not None and one.listed_in is not None
    ]
    if listing:
        facts.listed.many(listing)
    for post, one, member, likes in zip(posts, said, members, liked, strict=True):
        if one is None or member is None:
            continue
        friend = one.author in friends
        if not friend and member.certified_as is None:
            continue
        listed = one.listed_in is not None and facts.listed.one((one.listed_in, viewer))
        if visible(one.live, audience_of(one.audience), _relation(friend, listed)):
            views.append(_view(post, one, member, likes, friend))
    return views


def _relation(friends: bool, listed: bool) -> Relation:
    if listed:
        return _LISTED_FRIENDS if friends else _LISTED
    return _FRIENDS if friends else _OTHERS


def _profile(id: UUID, member: Member) -> Profile:
    return Profile(id, member.qq, member.nickname, member.certified_as, member.certified_name)


def _view(post: UUID, said: Said, author: Member, liked: bool, friends: bool) -> PostView:
    """
    The view of a post, the same one for all to whom it looks the same. A share is another for
    everyone: what it is of may be seen by one and not by the next.
    """
    made = said.views.get(liked)
    if made is not None and made[0] is author and made[1] == friends:
        view: PostView = made[2]
        return view
    view = PostView(
        post=post,
        author=_profile(said.author, author),
        kind=said.kind,
        text=said.text,
        title=said.title,
        mood=said.mood,
        location=said.location,
        share_of=said.share_of,
        published_at=said.published_at,
        edited_at=said.edited_at,
        cell=said.cell,
        position=said.position,
        version=said.version,
        audience=said.audience,
        likes=said.likes,
        comments=said.comments,
        liked=liked,
        friends=friends,
        lasting=said.share_of is None,
    )
    if view.lasting:
        said.views[liked] = (author, friends, view)
    return view
