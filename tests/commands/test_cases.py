"""
Cases as people work on them, whoever races whom; and how they end when nothing is left to decide.
"""

import asyncio

from commands import cases
from commands.cases import EscalateCase, NoteCase
from commands.executor import Answer
from commands.posts import EditPost
from commands.subjects import PostSubject
from domain.case import Closed, Open
from domain.case_events import (
    CaseMooted,
    CaseNoted,
    CaseOpened,
)
from domain.event import Refused
from domain.ids import PostId, mint
from domain.post_events import PostDeleted, PostEdited, PostHeld
from domain.retention import ContentRetained
from domain.standing_events import StrikeGiven
from tests.commands.bench import MOD, NORA, OLGA, Bench, deciding
from tests.commands.house import live, on, to

NOWHERE = PostId(mint(0, 4_000, 1))


# Who is at it


def test_of_two_who_claim_at_once_one_is_at_it() -> None:
    """On one server and on two."""

    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        beside = Bench(bench.house.beside())
        beside.anna, beside.post = bench.anna, bench.post
        tries = await asyncio.gather(
            bench.claim(MOD), bench.claim(NORA), beside.claim(OLGA), return_exceptions=True
        )
        won = [one for one in tries if isinstance(one, Answer)]
        lost = [one for one in tries if isinstance(one, Refused)]
        assert len(won) == 1
        assert [one.problem for one in lost] == ["case-claimed"] * 2

    live(history)


def test_of_two_who_decide_at_once_one_decides() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        beside = Bench(bench.house.beside())
        beside.anna, beside.post = bench.anna, bench.post
        strike = deciding(penalty="strike")
        tries = await asyncio.gather(
            bench.decide(strike, MOD), beside.decide(strike, NORA), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in tries) == ["Answer", "Refused"]
        assert [one.problem for one in tries if isinstance(one, Refused)] == ["case-closed"]
        strikes = [one for one in bench.house.events() if isinstance(one.event, StrikeGiven)]
        assert len(strikes) == 1

    live(history)


def test_a_case_is_worked_on() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        house = bench.house
        await bench.report(bench.bela)
        assert (await bench.claim()).state == "claimed"
        assert await house.refusal(on(cases.claim, bench.case), None, NORA) == (
            "case-claimed",
            None,
        )
        assert await bench.not_decided(by=NORA) == ("case-claimed", None)
        noted = await house.run(to(cases.note, bench.case), NoteCase("hm", "public"), NORA)
        (said,) = bench.recorded(noted)
        assert isinstance(said.event, CaseNoted)
        assert house.vault.open(said.event.note) == "hm"
        assert (await house.run(on(cases.release, bench.case), None, MOD)).state == "open"
        await house.run(to(cases.escalate, bench.case), EscalateCase("hard"), NORA)
        state = await bench.case_state()
        assert isinstance(state, Open)
        assert state.matter.queue == "escalated"
        assert (await bench.decide(by=OLGA)).state == "decided"

    live(history)


def test_there_are_no_other_cases() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        house = bench.house
        for case in (bench.case, NOWHERE):
            for handler in (cases.claim, cases.release):
                assert await house.refusal(on(handler, case), None, MOD) == ("not-found", None)
        assert await bench.not_decided() == ("not-found", None)

    live(history)


def test_staff_opens_a_case_of_anything() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        case = await bench.open(PostSubject(bench.post))
        assert case == bench.case
        assert await bench.open(PostSubject(bench.post), NORA) == case
        assert len([one for one in bench.house.events() if isinstance(one.event, CaseOpened)]) == 1
        await bench.decide()
        await bench.open(PostSubject(bench.post))
        assert isinstance(await bench.case_state(), Open)
        assert await bench.house.refusal(
            bench.cases.open, cases.OpenCase(PostSubject(NOWHERE)), MOD
        ) == ("not-found", "/subject/id")

    live(history)


# What the member takes away


def test_who_deletes_what_waits_closes_its_case() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.forbid("zorblat")
        house = bench.house
        bench.post = await house.publish(bench.anna, text="a zorblat")
        assert [type(one.event) for one in house.events(bench.anna)][-2:] == [PostHeld, CaseOpened]
        deleted = await house.run(on(house.posts.delete, bench.post), None, bench.anna)
        assert bench.appended(deleted) == [PostDeleted, ContentRetained, CaseMooted]
        assert deleted.position == deleted.written[0], "the answer is about the post"
        assert isinstance(await bench.case_state(), Closed)
        assert [one.kind for one in bench.armed()] == ["retention-ends"]

    live(history)


def test_who_replaces_an_edit_that_waits_closes_its_case() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.forbid("zorblat")
        edit = to(bench.house.posts.edit, bench.post)
        await bench.house.run(edit, EditPost(text="a zorblat"), bench.anna)
        assert isinstance(await bench.case_state(), Open)
        worse = await bench.house.run(edit, EditPost(text="two zorblat"), bench.anna)
        assert CaseMooted not in bench.appended(worse)
        better = await bench.house.run(edit, EditPost(text="none"), bench.anna)
        assert bench.appended(better) == [PostEdited, CaseMooted]
        assert isinstance(await bench.case_state(), Closed)

    live(history)


def test_what_was_reported_is_looked_at_though_it_is_deleted() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        deleted = await bench.house.run(on(bench.house.posts.delete, bench.post), None, bench.anna)
        assert bench.appended(deleted) == [PostDeleted, ContentRetained]
        assert isinstance(await bench.case_state(), Open)

    live(history)
