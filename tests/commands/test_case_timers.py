"""
Time: claims, promises, strikes and sanctions end at their hour, however late the timer.
"""

from datetime import timedelta

from commands.accounts import ReinstateAccount, SuspendAccount
from commands.decisions import PenaltyChoice
from commands.subjects import PostSubject
from domain.account import Active, Suspended
from domain.account_events import AccountReinstated, AccountSuspended
from domain.case import Claimed, Open
from domain.case_events import (
    CaseAppealed,
    CaseClaimed,
    CaseClaimLapsed,
    CaseOverdue,
)
from domain.standing_events import SanctionLifted
from tests.commands.bench import MOD, NORA, Bench, deciding
from tests.commands.house import NOON, STAFF, live, to


def test_a_claim_lapses_at_its_hour_however_late_the_timer() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        await bench.claim()
        lapses = bench.armed()[0]
        assert (lapses.kind, lapses.due) == ("claim-lapses", NOON + timedelta(minutes=30))
        await bench.fire(lapses, late=timedelta(hours=5))
        await bench.fire(lapses, late=timedelta(hours=6))
        events = [one.event for one in bench.house.events()]
        assert [one for one in events if isinstance(one, CaseClaimLapsed)] == [
            CaseClaimLapsed(MOD, lapses.due)
        ]
        assert [one.kind for one in bench.armed()] == ["promise-due"]

    live(history)


def test_a_claim_that_was_renewed_is_not_ended_by_its_first_hour() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        await bench.claim()
        first = bench.armed()[0]
        bench.house.clock.advance(timedelta(minutes=10))
        await bench.claim()
        await bench.fire(first)
        assert isinstance(await bench.case_state(), Claimed)
        assert bench.armed()[0].due == first.due + timedelta(minutes=10)

    live(history)


def test_a_promise_that_was_broken_is_recorded_once() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        (due,) = bench.armed()
        await bench.fire(due, late=timedelta(days=1))
        await bench.fire(due, late=timedelta(days=2))
        overdue = [one for one in bench.house.events() if isinstance(one.event, CaseOverdue)]
        assert [one.event for one in overdue] == [CaseOverdue("review", due.due, due.due)]
        assert bench.armed() == []
        # Decided late, it is decided; and its next opening makes a promise of its own.
        await bench.decide()
        await bench.open(PostSubject(bench.post))
        state = await bench.case_state()
        assert isinstance(state, Open)
        assert not state.matter.overdue

    live(history)


def test_a_promise_that_was_kept_is_never_broken() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        (due,) = bench.armed()
        await bench.decide()
        assert bench.armed() == []
        await bench.fire(due)
        assert not [one for one in bench.house.events() if isinstance(one.event, CaseOverdue)]

    live(history)


def test_strikes_and_sanctions_end_at_their_hour() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        await bench.decide(deciding(penalty=PenaltyChoice("strike", weight=6)))
        ends, expires = bench.armed()
        assert (ends.kind, ends.due) == ("sanction-ends", NOON + timedelta(days=30))
        assert (expires.kind, expires.due) == ("strike-expires", NOON + timedelta(days=180))
        await bench.fire(ends, late=timedelta(days=1))
        assert isinstance(await bench.account(), Active)
        await bench.fire(ends, late=timedelta(days=2))
        lifted = [one for one in bench.house.events() if isinstance(one.event, SanctionLifted)]
        assert len(lifted) == 1
        await bench.fire(expires)
        await bench.fire(expires)
        assert [one.state for one in (await bench.standing()).strikes] == ["expired"]
        assert bench.armed() == []

    live(history)


def test_an_operators_suspension_and_a_decisions_end_each_by_itself() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        house = bench.house
        suspend = to(house.accounts.suspend, bench.anna)
        await bench.report(bench.bela)
        decided = await bench.decide(deciding(penalty="suspension"))
        second = await house.run(suspend, SuspendAccount("stolen"), STAFF)
        assert bench.appended(second) == [AccountSuspended]
        await bench.appeal(decided.id)
        overturned = await bench.decide(deciding("restore"), by=NORA)
        ended = bench.recorded(overturned)[-1].event
        assert isinstance(ended, AccountReinstated)
        assert ended.status == "suspended"
        assert isinstance(await bench.account(), Suspended), "the operator's goes on"
        await house.run(house.accounts.reinstate, ReinstateAccount(bench.anna), STAFF)
        assert isinstance(await bench.account(), Active)

    live(history)


def test_an_operator_leaves_what_was_decided() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        house = bench.house
        await bench.report(bench.bela)
        await bench.decide(deciding(penalty="suspension"))
        reinstate = house.accounts.reinstate
        nothing = await house.run(reinstate, ReinstateAccount(bench.anna), STAFF)
        assert (nothing.written, nothing.state) == ((), "suspended")
        (ends,) = [one for one in bench.armed() if one.kind == "sanction-ends"]
        await bench.fire(ends)
        assert isinstance(await bench.account(), Active)

    live(history)


def test_a_claim_is_one_event() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        assert bench.appended(await bench.claim()) == [CaseClaimed]
        assert (await bench.claim()).written == ()

    live(history)


def test_what_is_decided_first_is_due_first_and_an_appeal_when_it_was_promised() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        decided = await bench.decide(deciding("no_action", penalty="strike"))
        await bench.report(bench.carl)
        (review,) = [one for one in bench.armed() if one.kind == "promise-due"]
        appealed = await bench.appeal(decided.id)
        assert [one for one in bench.armed() if one.kind == "promise-due"] == [review]
        await bench.fire(review)
        bench.house.clock.advance(timedelta(days=10))
        await bench.claim()
        await bench.decide(deciding("no_action"))
        # Its day went by while something newer was looked at; it is said to have, as of that day.
        (turn,) = [one for one in bench.armed() if one.kind == "promise-due"]
        event = bench.recorded(appealed)[0].event
        assert isinstance(event, CaseAppealed)
        assert turn.due == event.promise.due
        await bench.fire(turn, late=timedelta(days=1))
        overdue = [one.event for one in bench.house.events() if isinstance(one.event, CaseOverdue)]
        assert [(one.promise, one.effective_at) for one in overdue] == [
            ("review", review.due), ("appeal", turn.due),
        ]  # fmt: skip

    live(history)


def test_what_waits_now_is_looked_at_as_soon_as_it_was_promised() -> None:
    """A preview that is replaced by what is held is due when that is."""

    async def history() -> None:
        bench = await Bench().sit()
        await bench.forbid("zorblat", "hold")
        await bench.forbid("blimfizz", "private_view", "beside")
        await bench.edit("a blimfizz")
        (preview,) = bench.armed()
        await bench.edit("a zorblat")
        (review,) = bench.armed()
        assert review.due < preview.due
        await bench.edit("another blimfizz")
        assert bench.armed() == [review]

    live(history)
