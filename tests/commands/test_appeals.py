"""
Appeals: by whoever is concerned, decided by whoever took no part.
"""

from datetime import timedelta

import pytest

from commands.decisions import PenaltyChoice
from domain.account import Active
from domain.case import case_of
from domain.case_events import (
    CaseAppealed,
    CaseDecided,
    Subject,
)
from domain.event import Refused
from domain.post import Live, TakenDown
from domain.post_events import PostRestored
from domain.standing_events import SanctionLifted, StrikeReversed
from tests.commands.bench import MOD, NORA, OLGA, Bench, deciding
from tests.commands.house import NOON, live, on


def test_an_appeal_gives_back_exactly_what_was_taken() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        before = await bench.post_state()
        await bench.decide(deciding(penalty=PenaltyChoice("suspension", weight=3)))
        decided = next(
            one.event for one in bench.house.events() if isinstance(one.event, CaseDecided)
        )
        # Who is suspended may appeal.
        appealed = await bench.appeal(decided.decision.id)
        assert bench.appended(appealed) == [CaseAppealed]
        assert await bench.not_decided(deciding("restore"), MOD) == ("same-person", None)
        answer = await bench.decide(deciding("restore"), NORA)
        assert bench.appended(answer)[:2] == [CaseDecided, PostRestored]
        kinds = bench.appended(answer)[2:]
        assert kinds[:2] == [StrikeReversed, SanctionLifted]
        after = await bench.post_state()
        assert isinstance(before, Live)
        assert isinstance(after, Live)
        assert (after.content, after.audience, after.audience_since) == (
            before.content, before.audience, before.audience_since,
        )  # fmt: skip
        account = await bench.account()
        assert isinstance(account, Active)
        assert account.restriction is None
        standing = await bench.standing()
        assert standing.weight(NOON) == 0
        assert standing.sanctions == ()
        with pytest.raises(Refused, match="already-appealed"):
            await bench.appeal(decided.decision.id)
        with pytest.raises(Refused, match="not-appealable"):
            await bench.appeal(answer.id)

    live(history)


def test_a_banned_member_may_appeal() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        decided = await bench.decide(deciding(penalty="ban"))
        await bench.confirm(NORA)
        await bench.appeal(decided.id)
        assert await bench.not_decided(deciding("restore"), NORA) == ("same-person", None)
        await bench.decide(deciding("restore"), OLGA)
        assert isinstance(await bench.account(), Active)

    live(history)


def test_an_appeal_that_is_upheld_changes_nothing() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        decided = await bench.decide(deciding(penalty="strike"))
        await bench.appeal(decided.id)
        answer = await bench.decide(deciding("no_action"), NORA)
        assert bench.appended(answer) == [CaseDecided]
        assert isinstance(await bench.post_state(), TakenDown)
        assert (await bench.standing()).weight(NOON) == 1

    live(history)


def test_an_overturned_strike_is_reversed_though_the_post_is_gone() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        await bench.house.run(on(bench.house.posts.delete, bench.post), None, bench.anna)
        decided = await bench.decide(deciding("no_action", penalty="strike"))
        await bench.appeal(decided.id)
        answer = await bench.decide(deciding("restore"), NORA)
        assert bench.appended(answer) == [CaseDecided, StrikeReversed]

    live(history)


def test_nobody_elses_decisions_can_be_appealed() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        decided = await bench.decide()
        for other in (bench.bela, bench.carl):
            with pytest.raises(Refused, match="not-found"):
                await bench.appeal(decided.id, other)
        with pytest.raises(Refused, match="not-found"):
            await bench.appeal(decided.id, case=case_of(Subject("member", bench.anna, bench.anna)))
        bench.house.clock.advance(timedelta(days=181))
        with pytest.raises(Refused, match="appeal-too-late"):
            await bench.appeal(decided.id)

    live(history)
