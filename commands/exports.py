"""
The command by which a member asks for a copy of all that is theirs. Who is suspended or banned may,
too: it stays theirs.
"""

from commands.work import Outcome, Work
from domain import export as decisions
from domain.account import ACCOUNT, Account, Nobody, account_stream
from domain.event import Refused
from domain.export import EXPORTS, exports_stream
from domain.ids import ExportId


async def ask(_: None, work: Work) -> Outcome:
    """
    Ask for a copy.

    :raises Refused: there is no such account, or there were too many copies.
    """
    member = work.context.member
    account: Account = await work.load(ACCOUNT, account_stream(member))
    if isinstance(account, Nobody):
        raise Refused("no-account")
    stream = exports_stream(member)
    exports = await work.load(EXPORTS, stream)
    export = ExportId(work.mint(work.cell))
    events = decisions.ask(exports, member, export, work.context.effective_at)
    work.append(EXPORTS, stream, member, events)
    return Outcome(export, (stream, work.version(stream) + 1), state="ready", status=201)
