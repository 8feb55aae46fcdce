"""
A decision is of what was read: whoever changes a thing while it is decided, is decided of anew.
"""

import asyncio
from collections.abc import Awaitable

import pytest

from commands import cases
from commands.accounts import ChangeProfile
from commands.executor import Answer
from commands.subjects import MemberSubject, NicknameSubject
from domain.case import Claimed, Open, Proposed, case_of
from domain.case_events import CaseClaimed, CaseSubjectChanged, Subject
from domain.event import Refused
from domain.post import Held, Live, TakenDown
from domain.post_events import PostEdited
from tests.commands.bench import MOD, NORA, OLGA, Bench, deciding
from tests.commands.house import live, on

APPROVE = deciding("approve")
CHANGED = ("subject-changed", None)


async def held() -> Bench:
    """Anna's post waits, for a word in it."""
    bench = await Bench().sit()
    await bench.forbid("zorblat")
    bench.post = await bench.house.publish(bench.anna, text="a zorblat")
    return bench


def test_nobody_approves_a_text_that_they_have_not_read() -> None:
    """Claimed, read, replaced, approved: not what is there now."""

    async def history() -> None:
        bench = await held()
        await bench.claim()
        edited = await bench.edit("quite another zorblat")
        assert bench.appended(edited)[-1] is CaseSubjectChanged
        assert await bench.not_decided(APPROVE) == CHANGED
        assert isinstance(await bench.post_state(), Held)
        # Claimed again, it is what is there now.
        again = await bench.claim()
        assert bench.appended(again) == [CaseClaimed]
        assert (await bench.decide(APPROVE)).state == "decided"
        assert isinstance(await bench.post_state(), Live)

    live(history)


def test_who_claims_nothing_decides_of_what_the_case_was_opened_about() -> None:
    async def history() -> None:
        bench = await held()
        await bench.edit("quite another zorblat")
        assert await bench.not_decided(APPROVE) == CHANGED
        assert await bench.not_decided(deciding("approve", on=1)) == CHANGED
        assert await bench.not_decided(deciding("approve", on=99)) == CHANGED
        assert (await bench.decide(deciding("approve", on=3))).state == "decided"

    live(history)


def test_what_is_published_is_bound_as_well() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        await bench.claim()
        edited = await bench.edit("sorry")
        assert bench.appended(edited) == [PostEdited, CaseSubjectChanged]
        assert await bench.not_decided() == CHANGED
        assert await bench.not_decided(deciding(on=1)) == CHANGED
        await bench.decide(deciding(on=2))
        assert isinstance(await bench.post_state(), TakenDown)

    live(history)


def test_a_name_is_bound_and_how_somebody_behaves_is_not() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela, NicknameSubject(10001))
        await bench.report(bench.bela, MemberSubject(10001))
        profile = ChangeProfile("another")
        await bench.house.run(bench.house.accounts.change_profile, profile, bench.anna)
        name = case_of(Subject("nickname", bench.anna, bench.anna))
        assert await bench.not_decided(case=name) == CHANGED
        member = case_of(Subject("member", bench.anna, bench.anna))
        penalised = deciding("no_action", penalty="strike")
        assert (await bench.decide(penalised, case=member)).state == "decided"
        # What a decision makes of the account is no other name.
        assert (await bench.decide(deciding(on=2), case=name)).state == "decided"

    live(history)


def test_nothing_is_confirmed_of_what_was_changed_since_it_was_proposed() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        await bench.decide(deciding(penalty="ban"))
        assert CaseSubjectChanged in bench.appended(await bench.edit("改"))
        with pytest.raises(Refused, match="same-person"):
            await bench.confirm(MOD)
        with pytest.raises(Refused, match="subject-changed"):
            await bench.confirm(NORA)
        assert isinstance(await bench.case_state(), Proposed)
        assert isinstance(await bench.post_state(), Live)
        await bench.confirm(NORA, agree=False)
        assert await bench.not_decided(deciding(penalty="ban")) == CHANGED
        await bench.decide(deciding(penalty="ban", on=2))
        await bench.confirm(NORA)
        assert isinstance(await bench.post_state(), TakenDown)

    live(history)


def test_what_nobody_is_to_decide_of_changes_without_a_word() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        assert bench.appended(await bench.edit("one")) == [PostEdited]
        await bench.report(bench.bela)
        decided = await bench.decide(deciding("no_action", penalty="strike"))
        assert bench.appended(await bench.edit("two")) == [PostEdited]
        # An appeal is about the decision. What it is about by now, its reader finds.
        await bench.appeal(decided.id)
        assert bench.appended(await bench.edit("three")) == [PostEdited]

    live(history)


# Races


async def _race(first: Awaitable[Answer], second: Awaitable[Answer]) -> list[Answer | str]:
    ended = await asyncio.gather(first, second, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException) and not isinstance(one, Refused):
            raise one
    return [one.problem if isinstance(one, Refused) else one for one in ended]  # type: ignore[misc]


def beside(bench: Bench) -> Bench:
    """The same bench, on another server."""
    other = Bench(bench.house.beside())
    other.anna, other.post = bench.anna, bench.post
    return other


@pytest.mark.parametrize("edit_first", [True, False])
@pytest.mark.parametrize("servers", [1, 2])
def test_an_edit_that_races_a_decision_is_decided_of_or_comes_too_late(
    edit_first: bool, servers: int
) -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        await bench.claim()
        other = bench if servers == 1 else beside(bench)
        pair = [bench.decide(), other.edit("sorry")]
        ended = await _race(*(pair[::-1] if edit_first else pair))
        decided, edited = ended[::-1] if edit_first else ended
        state = await beside(bench).post_state()
        if isinstance(decided, Answer):
            assert edited == "not-found"
            assert isinstance(state, TakenDown)
            assert state.post.said == 1
        else:
            assert decided == "subject-changed"
            assert isinstance(edited, Answer)
            assert isinstance(state, Live)

    live(history)


@pytest.mark.parametrize("edit_first", [True, False])
def test_an_edit_that_races_a_confirmation_is_not_taken_down_unread(edit_first: bool) -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        await bench.decide(deciding(penalty="ban"))
        other = beside(bench)
        pair = [bench.confirm(NORA), other.edit("sorry")]
        ended = await _race(*(pair[::-1] if edit_first else pair))
        confirmed, edited = ended[::-1] if edit_first else ended
        state = await beside(bench).post_state()
        if isinstance(confirmed, Answer):
            assert edited in ("banned", "not-found")
            assert isinstance(state, TakenDown)
            assert state.post.said == 1
        else:
            assert confirmed == "subject-changed"
            assert isinstance(edited, Answer)
            assert isinstance(state, Live)

    live(history)


def test_an_edit_that_races_a_claim_is_what_was_claimed_or_is_said_to_have_come() -> None:
    async def history() -> None:
        bench = await held()
        other = beside(bench)
        claimed, edited = await _race(bench.claim(), other.edit("another zorblat"))
        assert isinstance(claimed, Answer)
        assert isinstance(edited, Answer)
        state = await beside(bench).case_state()
        assert isinstance(state, Claimed)
        post = await beside(bench).post_state()
        assert isinstance(post, Held)
        told = [type(one.event) for one in bench.house.events() if one.stream == bench.case]
        late = told.index(CaseSubjectChanged) > told.index(CaseClaimed)
        assert (state.on < post.post.said) == late

    live(history)


def test_of_a_claim_and_a_decision_at_once_either_comes_first() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        claimed, decided = await _race(beside(bench).claim(NORA), bench.decide())
        if isinstance(decided, Answer):
            assert claimed == "case-closed"
        else:
            assert decided == "case-claimed"
            assert isinstance(claimed, Answer)

    live(history)


# Whom it concerns


def test_nobody_decides_what_is_their_own_or_what_they_reported() -> None:
    """By day they sit on the bench; Anna wrote the post, and Bela reported it."""

    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        bench.house.persons = {MOD: bench.anna, NORA: bench.bela, OLGA: bench.carl}
        refused = ("same-person", None)
        for by in (MOD, NORA):
            assert await bench.house.refusal(on(cases.claim, bench.case), None, by) == refused
            assert await bench.not_decided(by=by) == refused
        await bench.decide(deciding(penalty="ban"), OLGA)
        for by in (MOD, NORA):
            for agree in (True, False):
                with pytest.raises(Refused, match="same-person"):
                    await bench.confirm(by, agree=agree)
        await bench.confirm(OLGA, agree=False)
        await bench.decide(deciding("no_action", penalty="strike"), OLGA)
        # Whoever reported it once has no part in what comes of that, either.
        (decided,) = bench.house.events(OLGA)[-2:-1]
        await bench.appeal(decided.event.decision.id)  # type: ignore[attr-defined]
        assert await bench.not_decided(deciding("no_action"), NORA) == refused
        assert isinstance(await bench.case_state(), Open)

    live(history)
