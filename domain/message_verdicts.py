"""
What a verdict makes of a message on a board: the same table as for all that is published
(:mod:`domain.verdicts`).
"""

from typing import TypeAlias, assert_never

import msgspec

from domain.ids import CaseId, DecisionId
from domain.message import (
    Deleted,
    Held,
    Live,
    Message,
    MessageApproved,
    MessageEvent,
    MessageRejected,
    MessageRestored,
    MessageUnpublished,
    NeverPublished,
    TakenDown,
    Unwritten,
)
from domain.verdicts import NotPossible, Verdict


def of_message(
    message: Message, verdict: Verdict, case: CaseId, decision: DecisionId
) -> tuple[MessageEvent, ...]:
    """What a verdict makes of a message."""
    match verdict, message:
        case "approve", Held(message=live):
            return (_ruled(MessageApproved, live, case, decision),)
        case "approve", Live():
            return ()
        case "reject", Held(message=live):
            return (_ruled(MessageRejected, live, case, decision),)
        case "unpublish", Live():
            return (_ruled(MessageUnpublished, message, case, decision),)
        case "restore", TakenDown(message=live, was="published"):
            return (_ruled(MessageRestored, live, case, decision),)
        case "restore", TakenDown(message=live, was="held"):
            approved = _ruled(MessageApproved, live, case, decision)
            return (msgspec.structs.replace(approved, waited=False),)
        case "no_action", Held():
            raise NotPossible(verdict, "it waits to be approved or rejected")
        case "no_action", _:
            return ()
        case _:
            raise NotPossible(verdict, _state(message))


_Ruling: TypeAlias = (
    type[MessageApproved] | type[MessageRejected] | type[MessageUnpublished] | type[MessageRestored]
)


def _ruled(kind: _Ruling, live: Live, case: CaseId, decision: DecisionId) -> MessageEvent:
    return kind(live.author, live.space, case, decision, live.answered)


def _state(message: Message) -> str:
    match message:
        case Live():
            return "the message is published"
        case Held():
            return "the message waits"
        case TakenDown():
            return "the message is taken down"
        case NeverPublished():
            return "the message was never published"
        case Deleted():
            return "the message is deleted"
        case Unwritten():
            return "there is no such message"
        case _:
            assert_never(message)
