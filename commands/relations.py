"""
How two members stand, as a command sees it.

What is loaded here becomes the command's guards: a comment on a post that its author hid, or whose
author blocked the commenter, a moment ago does not pass.
"""

from uuid import UUID

from commands.work import Work
from domain.account import (
    ACCOUNT,
    Account,
    Nobody,
    account_stream,
    acting,
    publishing,
    stopping,
)
from domain.audience import Audience, Friends, Listed, Relation, visible
from domain.circle import CIRCLE, circle_stream, friends
from domain.event import Refused
from domain.ids import MemberId, PostId, cell_of
from domain.named_list import LISTS, lists_stream
from domain.post import POST, Held, Live, post_stream


async def acting_member(work: Work) -> MemberId:
    """
    The member in whose name the command runs.

    :raises Refused: suspended, or there is no such account.
    """
    member = work.context.member
    acting(await work.load(ACCOUNT, account_stream(member)))
    return member


async def stopping_member(work: Work) -> MemberId:
    """
    The member in whose name something stops, be they suspended: what costs them may be ended.

    :raises Refused: banned, or there is no such account.
    """
    member = work.context.member
    stopping(await work.load(ACCOUNT, account_stream(member)))
    return member


async def publishing_member(work: Work) -> MemberId:
    """
    The member in whose name something is published.

    :raises Refused: suspended, or restricted, or there is no such account.
    """
    member = work.context.member
    publishing(await work.load(ACCOUNT, account_stream(member)))
    return member


async def relation(work: Work, viewer: MemberId, author: MemberId, audience: Audience) -> Relation:
    """How a viewer stands to the author of something for ``audience``."""
    if viewer == author:
        return Relation(is_author=True)
    theirs = (await work.load(CIRCLE, circle_stream(author))).tie(viewer)
    mine = (await work.load(CIRCLE, circle_stream(viewer))).tie(author)
    listed = False
    if isinstance(audience, Listed):
        listed = viewer in audience.members
        if audience.named is not None:
            lists = await work.load(LISTS, lists_stream(author, cell_of(author)))
            named = lists.lists.get(audience.named)
            listed = named is not None and viewer in named.members
    return Relation(
        friends=isinstance(audience, Friends) and friends(theirs, mine),
        blocked=theirs.blocked or mine.blocked,
        listed=listed,
    )


async def visible_post(
    work: Work, viewer: MemberId, post: PostId, problem: str = "not-found", field: str | None = None
) -> Live:
    """
    A post that the viewer may see.

    :raises Refused: there is none, or it is not for the viewer: the two look alike.
    """
    check_id(work, post, problem, field)
    state = await work.load(POST, post_stream(post))
    if isinstance(state, Live):
        stands = await relation(work, viewer, state.author, state.audience)
        if visible(True, state.audience, stands):
            return state
    if isinstance(state, Held) and state.author == viewer:
        raise Refused("not-published-yet", "This post waits to be looked at.", field)
    raise Refused(problem, field=field)


def check_id(
    work: Work,
    id: UUID,
    problem: str = "not-found",
    field: str | None = None,
) -> None:
    """Refuse an id that no cell of this store can hold."""
    if not 0 <= cell_of(id) < work.cells:
        raise Refused(problem, field=field)


async def other_member(work: Work, member: MemberId) -> MemberId:
    """Another member, who must be there; whether suspended is not the caller's business."""
    account: Account = await work.load(ACCOUNT, account_stream(member))
    if isinstance(account, Nobody):
        raise Refused("not-found")
    return member
