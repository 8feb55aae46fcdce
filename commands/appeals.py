"""
The command by which a member has somebody else look at a decision once more.
"""

from uuid import UUID

import msgspec

from commands.cases import load_case, write
from commands.subjects import version_of
from commands.types import Statement
from commands.work import Outcome, Work
from domain import rulings
from domain.account import ACCOUNT, Account, Nobody, account_stream
from domain.case import matter_of
from domain.event import Refused
from domain.ids import CaseId, DecisionId
from domain.sealed import KeyClass


class Appeal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a decision is wrong."""

    decision: UUID
    statement: Statement


async def appeal(case: CaseId, command: Appeal, work: Work) -> Outcome:
    """
    Appeal a decision; who is suspended or banned may, too.

    :param case: which the decision was of.
    """
    # Not as an acting member: a ban that could not be appealed would be beyond correction.
    member = work.context.member
    account: Account = await work.load(ACCOUNT, account_stream(member))
    if isinstance(account, Nobody):
        raise Refused("not-found")
    state, stream = await load_case(case, work)
    this = work.mint(work.cell)
    events = rulings.appeal(
        state,
        member,
        this,
        DecisionId(command.decision),
        await work.vault.seal(member, KeyClass.MODERATION, command.statement),
        work.promise("appeal"),
        work.context.effective_at,
        await version_of(work, matter_of(state).subject),
    )
    write(work, state, stream, events)
    return Outcome(this, (stream, work.version(stream)), status=201)
