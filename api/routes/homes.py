"""
Home pages: how yours is arranged, who was there, and what stands on boards.
"""

from functools import partial
from typing import Any

from api.answers import Written
from api.homes import HomePresenter, HomeSettings, Message, Visitor
from api.http.answers import Answer, Page, found
from api.http.queries import Paging
from api.http.routes import Routes
from api.pages import LAST, mark_of
from api.routes.members import done
from api.services import MEMBERS, Ask
from commands import homes, messages, visits
from commands.homes import ChangeHome
from commands.messages import WriteMessage
from commands.visits import Visit
from commands.work import Outcome, Work
from domain.event import Refused
from domain.home import Home
from domain.ids import MemberId, MessageId, cell_of
from domain.looks import Look
from projections.reading import decorations
from projections.reading import homes as home_reads
from projections.reading import messages as message_reads
from projections.reading import visits as visit_reads
from projections.reading.messages import MessageView
from projections.reading.posts import Mark

ROUTES = Routes()
_TAG = "Feed and space"
_READING = ("suspended", "banned", "no-account")
_ACTING = (*_READING, "conflict")
_PUBLISHING = (*_ACTING, "restricted", "not-published")


@ROUTES.get(
    "/v1/me/space",
    tag=_TAG,
    summary="How your home page is arranged",
    answer=HomeSettings,
    roles=MEMBERS,
    problems=_READING,
)
async def read_own_space(call: Ask[None, None]) -> Answer:
    """Modules in their order, for whom each section is, and who may write on the board."""
    home, position, look = await call.app.read(call, _own)
    at = None if position is None else f"{cell_of(call.viewer.member)}-{position}"
    return found(HomePresenter(call.app, call.viewer.id).settings(home, look, at))


async def _own(connection: Any, owner: MemberId) -> tuple[Home, int | None, Look]:
    home, position = await home_reads.home_of(connection, owner)
    look, _ = await decorations.look(connection, owner)
    return home, position, look


@ROUTES.patch(
    "/v1/me/space",
    tag=_TAG,
    summary="Arrange your home page",
    body=ChangeHome,
    answer=Written,
    roles=MEMBERS,
    problems=(*_PUBLISHING, "module-twice"),
    example={"names": {"posts": "碎碎念"}, "privacy": {"visitors": "friends"}, "board": "friends"},
)
async def arrange_space(call: Ask[ChangeHome, None]) -> Answer:
    """
    What is named changes. `modules` are all that the page has, in their order: one that is left out
    is hidden. A section that is not for somebody is not there for them when this is answered;
    what stands in it is for whom it was. Restoring the default look restores the modules, too, and
    nothing else of this.
    """
    return done(await call.app.execute(call, homes.change, call.body))


@ROUTES.post(
    "/v1/spaces/{qq}/visits",
    tag=_TAG,
    summary="Visit a space",
    body=Visit,
    answer=Written,
    roles=MEMBERS,
    problems=(*_ACTING, "not-entitled"),
    example={"invisible": False},
)
async def visit_space(call: Ask[Visit, None]) -> Answer:
    """
    Counts as one visit; in your own space, as none. An `invisible` one, which takes Yellow Diamond,
    is counted and never listed.
    """
    owner = await call.app.member(call.qq())
    return done(await call.app.execute(call, partial(visits.visit, owner), call.body))


@ROUTES.get(
    "/v1/me/visitors",
    tag=_TAG,
    summary="Who visited your space",
    query=Paging,
    answer=Page[Visitor],
    roles=MEMBERS,
    problems=_READING,
)
async def list_visitors(call: Ask[None, Paging]) -> Answer:
    """Whoever came last is first; `times` counts from when you last took them off this list."""
    limit = call.query.limit
    views = await call.app.read(call, visit_reads.visitors, mark_of(call, LAST), limit + 1)
    present = HomePresenter(call.app, call.viewer.id).visitor
    place = views[limit - 1].mark if len(views) > limit else None
    return call.page([present(view) for view in views[:limit]], place)


@ROUTES.delete(
    "/v1/me/visitors/{qq}",
    tag=_TAG,
    summary="Take a visitor off your list",
    answer=Written,
    roles=MEMBERS,
    problems=_ACTING,
)
async def remove_visitor(call: Ask[None, None]) -> Answer:
    """Their visits stay counted; if they come again, they are listed again."""
    visitor = await call.app.member(call.qq())

    async def handle(_: None, work: Work) -> Outcome:
        return await visits.remove(visitor, work)

    return done(await call.app.execute(call, handle, None))


@ROUTES.post(
    "/v1/spaces/{qq}/messages",
    tag=_TAG,
    summary="Write on a board",
    body=WriteMessage,
    answer=Written,
    roles=MEMBERS,
    problems=(*_PUBLISHING, "no-such-message", "board-closed", "board-for-friends"),
    links=("delete_message",),
    example={"text": "踩踩"},
)
async def write_message(call: Ask[WriteMessage, None]) -> Answer:
    """`reply_to` names the message it answers, on the same board."""
    owner = await call.app.member(call.qq())
    return done(await call.app.execute(call, partial(messages.write, owner), call.body))


@ROUTES.get(
    "/v1/spaces/{qq}/messages",
    tag=_TAG,
    summary="What stands on a board",
    query=Paging,
    answer=Page[Message],
    roles=MEMBERS,
    problems=_READING,
)
async def list_messages(call: Ask[None, Paging]) -> Answer:
    """The newest first; `thread` groups them. A board that is not for you is not there."""
    owner = await call.app.other(call, call.qq())
    limit = call.query.limit
    views = await call.app.read(call, _messages, owner, mark_of(call, LAST), limit + 1)
    if views is None:
        raise Refused("not-found")
    present = HomePresenter(call.app, call.viewer.id).message
    place = views[limit - 1].mark if len(views) > limit else None
    return call.page([present(view) for view in views[:limit]], place)


async def _messages(
    connection: Any, viewer: MemberId, owner: MemberId, before: Mark, count: int
) -> list[MessageView] | None:
    if not await home_reads.section_is_open(connection, viewer, owner, "messages"):
        return None
    return await message_reads.messages(connection, viewer, owner, before, count)


@ROUTES.delete(
    "/v1/messages/{id}",
    tag=_TAG,
    summary="Delete a message",
    answer=Written,
    roles=MEMBERS,
    problems=(*_ACTING, "not-yours"),
)
async def delete_message(call: Ask[None, None]) -> Answer:
    """Your own, or any on your own board."""
    return done(await call.app.execute(call, messages.delete, MessageId(call.uuid())))
