"""
Messages on boards, in threads; who may take them away, and what may be decided of them.
"""

from typing import get_args

import pytest

from domain import message
from domain.event import Event, Refused
from domain.ids import CaseId, MessageId, mint
from domain.message import (
    MESSAGE,
    Message,
    MessageDeleted,
    MessageHeld,
    MessageTakenBack,
    MessageWritten,
    Unwritten,
    delete,
    write,
)
from domain.message_verdicts import of_message
from domain.promise import Promise
from domain.screening import Screening
from domain.verdicts import Verdict
from tests.domain.casework import NOW, decision_id
from tests.domain.given import given
from tests.domain.people import ANNA, BELA, CARL, sealed

TEXT = sealed("踩踩")
FIRST = MessageId(mint(1_790_000_200_000, 2, 20))
ANSWER = MessageId(mint(1_790_000_200_001, 3, 21))
RULED = (CaseId(mint(0, 1, 70)), decision_id(1))
FOUND = Screening(1, 0, (), "1", ())
PROMISE = Promise("review", NOW, "calendar/1")

BELAS = MessageWritten(BELA, ANNA, TEXT, FIRST)
HELD = MessageHeld(BELA, ANNA, TEXT, FIRST, "held", FOUND, PROMISE)
UNPUBLISHED = message.MessageUnpublished(BELA, ANNA, *RULED)
REJECTED = message.MessageRejected(BELA, ANNA, *RULED)
APPROVED = message.MessageApproved(BELA, ANNA, *RULED)
RESTORED = message.MessageRestored(BELA, ANNA, *RULED)
STATES: dict[str, tuple[Event, ...]] = {
    "unwritten": (),
    "published": (BELAS,),
    "held": (HELD,),
    "approved": (HELD, APPROVED),
    "unpublished": (BELAS, UNPUBLISHED),
    "rejected": (HELD, REJECTED),
    "refused": (message.MessageRefused(BELA, ANNA, TEXT, FOUND),),
    "deleted": (BELAS, MessageDeleted(BELA, ANNA, "author")),
    "taken back": (HELD, MessageTakenBack(BELA, ANNA)),
}
VERDICTS: dict[tuple[str, Verdict], tuple[Event, ...]] = {
    ("unwritten", "no_action"): (),
    ("published", "approve"): (),
    ("published", "unpublish"): (UNPUBLISHED,),
    ("published", "no_action"): (),
    ("held", "approve"): (APPROVED,),
    ("held", "reject"): (REJECTED,),
    ("approved", "approve"): (),
    ("approved", "unpublish"): (UNPUBLISHED,),
    ("approved", "no_action"): (),
    ("unpublished", "restore"): (RESTORED,),
    ("unpublished", "no_action"): (),
    ("rejected", "restore"): (message.MessageApproved(BELA, ANNA, *RULED, waited=False),),
    ("rejected", "no_action"): (),
    ("refused", "no_action"): (),
    ("deleted", "no_action"): (),
    ("taken back", "no_action"): (),
}


def state(name: str) -> Message:
    return given(MESSAGE, *STATES[name]).state


def test_a_message_begins_a_thread_and_an_answer_joins_it() -> None:
    assert write(FIRST, BELA, ANNA, TEXT, None, Unwritten()) == (BELAS,)
    answer = MessageWritten(CARL, ANNA, TEXT, FIRST, FIRST, BELA)
    assert write(ANSWER, CARL, ANNA, TEXT, FIRST, state("published")) == (answer,)


@pytest.mark.parametrize("name", ["unwritten", "held", "deleted", "unpublished", "refused"])
def test_what_is_not_there_is_not_answered(name: str) -> None:
    with pytest.raises(Refused) as refused:
        write(ANSWER, CARL, ANNA, TEXT, FIRST, state(name))
    assert (refused.value.problem, refused.value.field) == ("no-such-message", "/reply_to")


def test_what_is_on_another_board_is_not_answered() -> None:
    with pytest.raises(Refused):
        write(ANSWER, CARL, BELA, TEXT, FIRST, state("published"))


def test_its_author_and_the_boards_owner_take_a_message_away() -> None:
    published = given(MESSAGE, BELAS)
    published.when(delete, BELA).then(MessageDeleted(BELA, ANNA, "author"))
    published.when(delete, ANNA).then(MessageDeleted(BELA, ANNA, "owner"))
    published.when(delete, CARL).then_refused("not-yours")


def test_what_waits_is_its_authors_alone() -> None:
    given(MESSAGE, HELD).when(delete, BELA).then(MessageTakenBack(BELA, ANNA))
    given(MESSAGE, HELD).when(delete, ANNA).then_refused("not-found")


@pytest.mark.parametrize("editor", [ANNA, BELA])
def test_what_is_gone_is_gone_already(editor: object) -> None:
    for name in ("deleted", "unpublished"):
        assert delete(state(name), editor) == ()  # type: ignore[arg-type]
    for name in ("unwritten", "rejected", "refused"):
        with pytest.raises(Refused):
            delete(state(name), editor)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_exactly_these_verdicts_are_possible(name: str, verdict: Verdict) -> None:
    wanted = VERDICTS.get((name, verdict))
    if wanted is not None:
        assert of_message(state(name), verdict, *RULED) == wanted
        return
    with pytest.raises(Refused) as refused:
        of_message(state(name), verdict, *RULED)
    assert refused.value.problem == "verdict-not-possible"
