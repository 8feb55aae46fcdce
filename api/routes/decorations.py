"""
The look of a space: what its owner chose, and what of it shows.
"""

import msgspec

from api.answers import Written
from api.http.answers import Answer, found
from api.http.routes import Routes
from api.looks import ShownLook, lapsed_slots, shown_look
from api.routes.members import done
from api.services import MEMBERS, Ask
from commands import decorations
from commands.decorations import ChangeDecoration
from commands.work import Outcome, Work
from domain.ids import cell_of
from domain.looks import Slot
from projections.reading import decorations as reads

ROUTES = Routes()
_TAG = "Feed and space"
_ACTING = ("suspended", "banned", "no-account", "conflict")


class Decoration(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What was chosen, and what shows now; ``lapsed`` slots fell back, until what they need is there
    again.
    """

    look: ShownLook
    shown: ShownLook
    lapsed: list[Slot]
    position: str | None = None


@ROUTES.get(
    "/v1/me/space/decoration",
    tag=_TAG,
    summary="The look of your space",
    answer=Decoration,
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
)
async def read_decoration(call: Ask[None, None]) -> Answer:
    """What you chose stays chosen, also while it does not show."""
    view = await call.app.read(call, reads.decoration, call.app.clock.now())
    at = None if view.position is None else f"{cell_of(call.viewer.member)}-{view.position}"
    lapsed = lapsed_slots(view.look, view.shown)
    return found(Decoration(shown_look(view.look), shown_look(view.shown), lapsed, at))


@ROUTES.patch(
    "/v1/me/space/decoration",
    tag=_TAG,
    summary="Change the look of your space",
    body=ChangeDecoration,
    answer=Written,
    roles=MEMBERS,
    problems=(*_ACTING, "not-entitled", "no-such-look", "module-twice"),
    example={"theme": {"from": "house", "name": "bamboo"}, "wide": True},
)
async def change_decoration(call: Ask[ChangeDecoration, None]) -> Answer:
    """
    What is named changes, null restores it, and `layout` sets the page by one key. Looks are the
    house's, some for members of a plan, or what an order of yours brought: an item's kind is the
    slot that it goes into.
    """
    return done(await call.app.execute(call, decorations.change, call.body))


@ROUTES.delete(
    "/v1/me/space/decoration",
    tag=_TAG,
    summary="Restore the default look",
    answer=Written,
    roles=MEMBERS,
    problems=_ACTING,
)
async def restore_decoration(call: Ask[None, None]) -> Answer:
    """Your space looks like everybody's again."""

    async def handle(_: None, work: Work) -> Outcome:
        return await decorations.restore(work)

    return done(await call.app.execute(call, handle, None))
