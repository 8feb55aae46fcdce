"""
What staff do for the guardians of minors.
"""

from functools import partial

from api.answers import Written
from api.http.answers import Answer
from api.http.routes import Routes
from api.routes.members import done
from api.services import OPERATORS, Ask
from commands.guardians import RefundToGuardian
from domain.ids import OrderId

ROUTES = Routes()


@ROUTES.post(
    "/v1/orders/{id}/guardian-refunds",
    tag="Mall",
    summary="Undo what a minor bought",
    body=RefundToGuardian,
    answer=Written,
    roles=OPERATORS,
    problems=("not-a-minor", "refund-too-much", "conflict"),
    example={"reason": "asked by the mother", "evidence": "letter 2026-114", "house_percent": 70},
)
async def refund_to_guardian(call: Ask[RefundToGuardian, None]) -> Answer:
    """
    At the word of a guardian, for what was bought before the buyer's eighteenth birthday. Of what
    the order still holds, `house_percent` (all, if left out) returns to the very lots it came from;
    the guardian bears the rest. The item is taken back. It is done once an order: asked again, it
    is the same refund.
    """
    handler = partial(call.app.guardians.refund, OrderId(call.uuid()))
    return done(await call.app.execute(call, handler, call.body))
