"""
Members and relations: accounts, profiles, friends, blocks, follows, lists, certification.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal
from uuid import UUID

from api import answers
from api.answers import Account, Friend, NamedList, Presenter, Written
from api.http.answers import Answer, Page, found, written
from api.http.queries import Paging
from api.http.routes import Routes
from api.services import MEMBERS, OPERATORS, Ask
from commands import circles, spaces
from commands.accounts import ChangeProfile, RegisterAccount, ReinstateAccount, SuspendAccount
from commands.circles import ChangeTie, Move
from commands.lists import SaveList
from commands.spaces import CertifySpace
from domain.account import account_stream
from domain.event import Refused
from domain.ids import ListId, MemberId
from projections.reading import people
from projections.recall import answers as recalled

ROUTES = Routes()
_TAG = "Members and relations"
_MAX = UUID(int=(1 << 128) - 1)
_MIN = UUID(int=0)
_TIES = (
    "not-found",
    "not-yourself",
    "blocked-by-you",
    "suspended",
    "banned",
    "no-account",
    "conflict",
)


@ROUTES.post(
    "/v1/accounts",
    tag=_TAG,
    summary="Give a QQ number an account",
    body=RegisterAccount,
    answer=Account,
    roles=OPERATORS,
    problems=("qq-taken", "birth-date", "not-published", "conflict"),
    example={
        "qq": 10001,
        "nickname": "李白",
        "real_name": "李太白",
        "birth_date": "2001-02-03",
    },
)
async def register_account(call: Ask[RegisterAccount, None]) -> Answer:
    """The member may act as soon as this is answered. The real name is sealed."""
    app = call.app
    answer = await app.execute(call, app.accounts.register, call.body, carried=True)
    member = MemberId(answer.id)
    opened = await _opened(call, member)
    view = await app.look(people.members, member, [member])
    account = Presenter(app, member).account(view[member])
    return written(account, opened, replayed=answer.replayed, status=201)


async def _opened(call: Ask[Any, Any], member: MemberId) -> dict[int, int]:
    """Where the account was opened; a replayed request may come before the policy has done so."""
    for recorded in await call.app.log.read_stream(account_stream(member), until=1):
        return {recorded.cell: recorded.position}
    raise Refused("conflict", "The account is still being opened.")


@ROUTES.get(
    "/v1/me",
    tag=_TAG,
    summary="Your own account",
    answer=Account,
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
)
async def me(call: Ask[None, None]) -> Answer:
    """Your nickname, standing and certification, and whether you consented to `location`."""
    found_member = await call.app.recall(call, recalled.account)
    if found_member is None:
        found_member = await call.app.read(call, _one, call.viewer.member)
    assert found_member is not None
    return found(Presenter(call.app, call.viewer.id).account(found_member))


async def _one(connection: Any, viewer: MemberId, wanted: MemberId) -> people.MemberView | None:
    return (await people.members(connection, viewer, [wanted])).get(wanted)


@ROUTES.patch(
    "/v1/me",
    tag=_TAG,
    summary="Change your profile",
    body=ChangeProfile,
    answer=Written,
    roles=MEMBERS,
    problems=(
        "suspended",
        "banned",
        "no-account",
        "restricted",
        "not-published",
        "conflict",
    ),
    example={"nickname": "青莲居士"},
)
async def change_profile(call: Ask[ChangeProfile, None]) -> Answer:
    """
    A new nickname shows everywhere at once. `location_consent` lets posts say where you are; taken
    back, it holds for what you publish from then on.
    """
    return done(await call.app.execute(call, call.app.accounts.change_profile, call.body))


def done(answer: Any) -> Answer:
    """What a write answers."""
    body = answers.Written(answer.id, answer.at, answer.state)
    return written(body, answer.at, replayed=answer.replayed, status=answer.status)


def _tie_route(
    method: Literal["put", "delete"], path: str, name: str, move: Move, summary: str, about: str
) -> Callable[[Ask[None, None]], Awaitable[Answer]]:
    """The six moves towards another member are one operation in six addresses."""

    async def handler(call: Ask[None, None]) -> Answer:
        other = await call.app.other(call, call.qq())
        command = ChangeTie(other, move)
        return done(await call.app.execute(call, circles.change_tie, command, carried=True))

    handler.__name__ = name
    handler.__doc__ = about
    problems: tuple[str, ...] = _TIES
    if move == "befriend":
        problems = (*_TIES, "too-many-friends", "too-many-requests-open")
    elif move == "block":
        problems = (*_TIES, "too-many-blocks")
    elif move == "follow":
        problems = (*_TIES, "too-many-follows", "not-certified")
    declare = getattr(ROUTES, method)
    declare(path, tag=_TAG, summary=summary, answer=Written, roles=MEMBERS, problems=problems)(
        handler
    )
    return handler


_tie_route(
    "put",
    "/v1/me/friends/{qq}",
    "befriend",
    "befriend",
    "Ask for friendship, or accept",
    "Asks; accepts, if they asked first. `state` is `outgoing` or `friends`.",
)
_tie_route(
    "delete",
    "/v1/me/friends/{qq}",
    "unfriend",
    "unfriend",
    "End a friendship",
    "Withdraws your request, declines theirs, or ends the friendship: whichever there is.",
)
_tie_route(
    "put",
    "/v1/me/blocks/{qq}",
    "block",
    "block",
    "Block a member",
    "Neither of you sees the other any longer; a friendship ends.",
)
_tie_route(
    "delete",
    "/v1/me/blocks/{qq}",
    "unblock",
    "unblock",
    "Lift a block",
    "A friendship that the block ended does not come back.",
)
_tie_route(
    "put",
    "/v1/me/follows/{qq}",
    "follow",
    "follow",
    "Follow a certified space",
    "Its public posts are in your feed from now on.",
)
_tie_route(
    "delete",
    "/v1/me/follows/{qq}",
    "unfollow",
    "unfollow",
    "Follow a space no longer",
    "Its posts leave your feed.",
)


class FriendsQuery(Paging, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which of the list of friends, and the page."""

    state: Literal["friends", "incoming", "outgoing"] = "friends"


@ROUTES.get(
    "/v1/me/friends",
    tag=_TAG,
    summary="Your friends and open requests",
    query=FriendsQuery,
    answer=Page[Friend],
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
)
async def list_friends(call: Ask[None, FriendsQuery]) -> Answer:
    """The latest first."""
    before, query = call.after(UUID), call.query
    page = await call.app.read(call, people.friends, query.state, before or _MAX, query.limit + 1)
    return _page(call, page, query.limit, lambda view: view.bond)


@ROUTES.get(
    "/v1/me/blocks",
    tag=_TAG,
    summary="Members you have blocked",
    query=Paging,
    answer=Page[Friend],
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
)
async def list_blocks(call: Ask[None, Paging]) -> Answer:
    """In no particular order, the same on every page."""
    after, limit = call.after(UUID), call.query.limit
    page = await call.app.read(call, people.blocked, after or _MIN, limit + 1)
    return _page(call, page, limit, lambda view: view.member.member)


@ROUTES.get(
    "/v1/me/follows",
    tag=_TAG,
    summary="Spaces you follow",
    query=Paging,
    answer=Page[Friend],
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
)
async def list_follows(call: Ask[None, Paging]) -> Answer:
    """In no particular order, the same on every page."""
    after, limit = call.after(UUID), call.query.limit
    page = await call.app.read(call, people.followed, after or _MIN, limit + 1)
    return _page(call, page, limit, lambda view: view.member.member)


def _page(call: Ask[None, Any], views: list[Any], limit: int, mark: Callable[[Any], Any]) -> Answer:
    """One more than asked for was read: whether it is there tells whether there is a next page."""
    present = Presenter(call.app, call.viewer.id).friend
    shown = views[:limit]
    place = mark(shown[-1]) if len(views) > limit else None
    return call.page([present(view) for view in shown], place)


@ROUTES.put(
    "/v1/me/lists",
    tag=_TAG,
    summary="Make a named list, or replace its members",
    body=SaveList,
    answer=Written,
    roles=MEMBERS,
    problems=(
        "no-such-member",
        "not-yourself",
        "too-many-lists",
        "suspended",
        "banned",
        "no-account",
        "conflict",
    ),
    links=("delete_list",),
    example={"name": "family", "members": []},
)
async def save_list(call: Ask[SaveList, None]) -> Answer:
    """A list is named by `name`; posts for it follow its members as they change."""
    return done(await call.app.execute(call, call.app.lists.save, call.body))


@ROUTES.get(
    "/v1/me/lists",
    tag=_TAG,
    summary="Your named lists",
    answer=Page[NamedList],
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
)
async def list_lists(call: Ask[None, None]) -> Answer:
    """All of them; there are at most 100."""
    views = await call.app.read(call, _lists_of)
    present = Presenter(call.app, call.viewer.id).named_list
    return call.page([present(view) for view in views])


async def _lists_of(connection: Any, viewer: MemberId) -> list[people.ListView]:
    return await people.lists(connection, viewer)


@ROUTES.delete(
    "/v1/me/lists/{id}",
    tag=_TAG,
    summary="Drop a named list",
    answer=Written,
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account", "conflict"),
)
async def delete_list(call: Ask[None, None]) -> Answer:
    """Posts for it are seen by you alone from now on."""
    which = ListId(call.uuid())
    return done(await call.app.execute(call, call.app.lists.delete, which))


@ROUTES.put(
    "/v1/spaces/{qq}/certification",
    tag=_TAG,
    summary="Certify a space",
    body=CertifySpace,
    answer=Written,
    roles=OPERATORS,
    problems=("conflict",),
    example={"type": "brand", "name": "商务印书馆"},
)
async def certify_space(call: Ask[CertifySpace, None]) -> Answer:
    """Anyone may follow it from now on."""
    target = await call.app.member(call.qq())
    return done(await call.app.execute(call, partial(spaces.certify, target), call.body))


@ROUTES.delete(
    "/v1/spaces/{qq}/certification",
    tag=_TAG,
    summary="Withdraw a certification",
    answer=Written,
    roles=OPERATORS,
    problems=("conflict",),
)
async def withdraw_certification(call: Ask[None, None]) -> Answer:
    """The space leaves its followers' feeds."""
    target = await call.app.member(call.qq())

    return done(await call.app.execute(call, spaces.withdraw_certification, target))


@ROUTES.put(
    "/v1/accounts/{qq}/suspension",
    tag=_TAG,
    summary="Suspend a member",
    body=SuspendAccount,
    answer=Written,
    roles=OPERATORS,
    problems=("in-the-past", "too-far-ahead", "conflict"),
    example={"reason": "the number was stolen"},
)
async def suspend_account(call: Ask[SuspendAccount, None]) -> Answer:
    """
    Tokens already issued stop at once. With `until`, it ends by itself. It stands beside what
    decisions brought; an earlier one of an operator's stands as it is. `state` is what the account
    is from then on: `suspended` or `banned`.
    """
    target = await call.app.member(call.qq())
    return done(await call.app.execute(call, partial(call.app.accounts.suspend, target), call.body))


@ROUTES.delete(
    "/v1/accounts/{qq}/suspension",
    tag=_TAG,
    summary="End a suspension",
    answer=Written,
    roles=OPERATORS,
    problems=("conflict",),
)
async def reinstate_account(call: Ask[None, None]) -> Answer:
    """
    Ends an operator's suspension, not what a decision brought: `state` says what the account is
    from then on, `active` unless something else stands.
    """
    command = ReinstateAccount(await call.app.member(call.qq()))
    return done(await call.app.execute(call, call.app.accounts.reinstate, command))
