"""
Answers made of facts alone: the same views as those of :mod:`projections.reading`, through the same
gate.

Each is a pure function of facts. One that lacks some says so (:class:`Missing`), and is asked again
once they are there; one that would need more than is kept answers None, and is read instead.
"""

from collections.abc import Container, Sequence
from itertools import chain
from typing import Final, TypeAlias
from uuid import UUID

from domain.audience import Relation, visible
from domain.event import Refused
from domain.ids import MemberId, cell_of
from projections.reading.people import MemberView, may_act, standing_between
from projections.reading.posts import PostView, Profile, audience_so_far
from projections.recall.facts import Facts
from projections.recall.shapes import Member, Own, Pair, Said, Shelf, Standing

#: Beyond so many, shelves of one viewer would push out everybody else's.
SOURCES_MAX = 1_000

_AUTHOR: Final = Relation(is_author=True)
_OTHERS: Final = Relation()
_FRIENDS: Final = Relation(friends=True)
_LISTED: Final = Relation(listed=True)
_LISTED_FRIENDS: Final = Relation(friends=True, listed=True)

Reference: TypeAlias = tuple[object, UUID, UUID]


def may_read(facts: Facts, viewer: MemberId) -> bool | None:
    """
    True for a member who may act.

    :raises Refused: suspended, or no account.
    """
    _acting(facts, viewer)
    return True


def account(facts: Facts, viewer: MemberId) -> MemberView | None:
    """The viewer's own account."""
    return _member_view(viewer, _acting(facts, viewer), Pair())


def first_of_feed(facts: Facts, viewer: MemberId, count: int) -> list[PostView] | None:
    """The newest posts of the viewer's feed."""
    _acting(facts, viewer)
    standing = facts.standings.one(viewer)
    if len(standing.sources) > SOURCES_MAX:
        return None
    shelves = facts.shelves.many(standing.sources)
    look = _Look(facts, viewer, standing.friends, feed=True)
    return _page(look, _merged(standing, shelves), shelves, count)


def space(
    facts: Facts, viewer: MemberId, owner: MemberId, count: int
) -> tuple[MemberView, list[PostView]] | None:
    """
    A member as the viewer stands to them, and their newest posts.

    :raises Refused: not-found, when the space is not there for the viewer.
    """
    _acting(facts, viewer)
    member, pair = facts.members.one(owner), _pair(facts, viewer, owner)
    if member is None or pair.blocks_viewer:
        raise Refused("not-found")
    posts = first_of_space(facts, viewer, owner, count)
    return None if posts is None else (_member_view(owner, member, pair), posts)


def first_of_space(
    facts: Facts, viewer: MemberId, owner: MemberId, count: int
) -> list[PostView] | None:
    """
    A member's newest posts.

    :raises Refused: not-found, when the space is not there for the viewer.
    """
    _acting(facts, viewer)
    member, pair = facts.members.one(owner), _pair(facts, viewer, owner)
    if member is None or pair.blocks_viewer:
        raise Refused("not-found")
    if pair.blocked:
        return []
    shelf = facts.shelves.one(owner)
    look = _Look(facts, viewer, (owner,) if pair.friends else ())
    return _page(look, shelf.posts, [shelf], count)


def post(facts: Facts, viewer: MemberId, wanted: UUID) -> PostView | None:
    """
    One post.

    :raises Refused: not-found, when it is not there for the viewer.
    """
    _acting(facts, viewer)
    said = facts.posts.one(wanted)
    pair = _pair(facts, viewer, said.author)
    views: list[PostView] = []
    if not (pair.blocked or pair.blocks_viewer):
        look = _Look(facts, viewer, (said.author,) if pair.friends else ())
        views = look.at([(said.published_at, wanted, said.author)])
    if not views:
        raise Refused("not-found")
    return views[0]


class _Look:
    """
    A viewer who looks at posts of members none of whom has blocked the other.

    :param friends: those of them who are the viewer's.
    :param feed: posts of others are there only while their author is certified.
    """

    def __init__(
        self, facts: Facts, viewer: MemberId, friends: Container[UUID], *, feed: bool = False
    ) -> None:
        self._facts = facts
        self._viewer = viewer
        self._friends = friends
        self._feed = feed

    def at(self, references: Sequence[Reference]) -> list[PostView]:
        """
        Those that the viewer may see.

        :raises Missing: something that this depends on.
        """
        facts, viewer, friends, feed = self._facts, self._viewer, self._friends, self._feed
        posts = [post for _, post, _ in references]
        said = facts.posts.many(posts)
        members = facts.members.many([author for _, _, author in references])
        own = facts.own.many([(viewer, post) for post in posts])
        lists = [one.listed_in for one in said if one.listed_in is not None]
        if lists:
            facts.listed.many([(which, viewer) for which in lists])
        views: list[PostView] = []
        for post, one, author, mine in zip(posts, said, members, own, strict=True):
            if author is None:
                continue
            friend = one.author in friends
            if feed and not friend and author.certified_as is None:
                continue
            listed = one.listed_in is not None and facts.listed.one((one.listed_in, viewer))
            relation = _AUTHOR if one.author == viewer else _relation(friend, listed)
            if visible(one.live, audience_so_far(one.audience, one.waits), relation):
                views.append(_view(post, one, author, mine, friend))
        return views

    def deepen(self, ends: list[Shelf]) -> None:
        """
        Ask for more of the author whose shelf ended first, unless that is as deep as shelves are.

        :raises Missing: that author's shelf.
        """
        author = max(shelf.posts[-1] for shelf in ends)[2]
        if author not in self._facts.prolific:
            self._facts.dig(author)
            self._facts.shelves.one(author)


def _page(
    look: _Look, references: Sequence[Reference], shelves: list[Shelf], count: int
) -> list[PostView] | None:
    """Of what shelves hold, newest first, so many that the viewer may see."""
    # A few more than asked for: most pages have a post or two that are not for this viewer.
    step = count + count // 4 + 4
    page: list[PostView] = []
    for start in range(0, len(references), step):
        if len(page) < count:
            page += look.at(references[start : start + step])
    if len(page) < count and (ends := _ends(shelves)):
        look.deepen(ends)
        return None
    return page[:count]


def _pair(facts: Facts, viewer: MemberId, other: UUID) -> Pair:
    return Pair() if other == viewer else facts.pairs.one((viewer, other))


def _member_view(id: UUID, member: Member, pair: Pair) -> MemberView:
    return MemberView(
        profile=profile(id, member),
        status=member.status,
        joined_at=member.joined_at,
        standing=standing_between(pair.mine, pair.theirs, pair.their_standing),
        follows=pair.follows,
        blocked=pair.blocked,
        blocks_viewer=pair.blocks_viewer,
        cell=cell_of(id),
        position=member.position,
        decorated=member.decorated,
        location_consent=member.location_consent,
    )


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


def _relation(friends: bool, listed: bool) -> Relation:
    if listed:
        return _LISTED_FRIENDS if friends else _LISTED
    return _FRIENDS if friends else _OTHERS


def profile(id: UUID, member: Member) -> Profile:
    """A member as others see one."""
    return Profile(id, member.qq, member.nickname, member.certified_as, member.certified_name)


def _view(post: UUID, said: Said, author: Member, own: Own, friends: bool) -> PostView:
    """
    The view of a post, the same one for all to whom it looks the same. A share is another for
    everyone: what it is of may be seen by one and not by the next.
    """
    made = said.views.get((own, friends))
    if made is not None and made[0] is author:
        view: PostView = made[1]
        return view
    view = PostView(
        post=post,
        author=profile(said.author, author),
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
        comments=said.comments + own.waiting,
        liked=own.liked,
        friends=friends,
        waits=said.waits,
        commenting=said.commenting,
        images=said.images,
        mentions=said.mentions,
        shares=said.shares,
    )
    view.lasting = said.share_of is None and not view.carries
    if view.lasting:
        said.views[own, friends] = (author, view)
    return view
