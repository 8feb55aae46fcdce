"""
Whatever waits, somebody is to look at: in every history, there is an open case, due on some day.
"""

import asyncio
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from commands.accounts import ChangeProfile
from commands.decisions import Confirm, decide
from commands.decisions import confirm as confirm_decision
from commands.subjects import NicknameSubject, PostSubject, SubjectChoice
from domain.account import Nobody
from domain.case import CASE, Case, Closed, NoCase, case_of, case_stream
from domain.case_events import CaseDecided, Subject
from domain.event import Refused
from domain.ids import CaseId
from domain.post import Held, Live
from tests.commands.bench import MOD, NORA, OLGA, Bench, deciding
from tests.commands.house import NOON, on, to

VERDICTS = ("approve", "reject", "unpublish", "restore", "no_action")
STEP = st.one_of(
    st.tuples(st.just("edit"), st.sampled_from(["clean", "a zorblat", "a blimfizz"])),
    st.tuples(st.just("name"), st.sampled_from(["clean", "zorblat", "blimfizz"])),
    st.tuples(st.sampled_from(["report", "by hand"]), st.sampled_from(["post", "name"])),
    st.tuples(
        st.just("decide"), st.sampled_from(["post", "name"]), st.sampled_from(VERDICTS),
        st.sampled_from([None, "strike", "ban"]), st.booleans(),
    ),
    st.tuples(st.just("confirm"), st.sampled_from(["post", "name"]), st.booleans()),
    st.tuples(st.just("appeal"), st.sampled_from(["post", "name"]), st.integers(0, 2)),
    st.tuples(st.just("delete")),
)  # fmt: skip


class History:
    """Anna's post and name, and all that is done about them; what is refused is refused."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.cases = {
            "post": bench.case,
            "name": case_of(Subject("nickname", bench.anna, bench.anna)),
        }
        self.subjects: dict[str, SubjectChoice] = {
            "post": PostSubject(bench.post),
            "name": NicknameSubject(10001),
        }

    async def step(self, step: tuple[Any, ...]) -> None:
        """Try one thing."""
        try:
            await self._step(*step)
        except Refused:
            return

    async def _step(self, what: str, *how: Any) -> None:
        bench, house = self.bench, self.bench.house
        match what, *how:
            case "edit", text:
                await bench.edit(text)
            case "name", name:
                profile = ChangeProfile(name)
                await house.run(house.accounts.change_profile, profile, bench.anna)
            case "report", which:
                await bench.report(bench.bela, self.subjects[which])
            case "by hand", which:
                await bench.open(self.subjects[which])
            case "decide", which, verdict, penalty, answers:
                await self._decide(self.cases[which], verdict, penalty, answers=answers)
            case "confirm", which, agree:
                confirm = to(confirm_decision, self.cases[which])
                await house.run(confirm, Confirm(agree), NORA)
            case "appeal", which, number:
                decided = self._decided(self.cases[which])
                if number < len(decided):
                    await bench.appeal(decided[number], case=self.cases[which])
            case _:
                await house.run(on(house.posts.delete, bench.post), None, bench.anna)

    async def _decide(
        self, case: CaseId, verdict: str, penalty: str | None, *, answers: bool
    ) -> None:
        state = await self._case(case)
        waits = None if isinstance(state, NoCase) else state.matter.appeal()
        against = waits.against if waits is not None and answers else None
        by = MOD if waits is None else OLGA
        await self.bench.claim(by, case)
        command = deciding(verdict, penalty=penalty, answers=against)
        await self.bench.house.run(to(decide, case), command, by)

    def _decided(self, case: CaseId) -> list[UUID]:
        return [
            one.event.decision.id
            for one in self.bench.house.events()
            if one.stream == case and isinstance(one.event, CaseDecided)
        ]

    async def _case(self, case: CaseId) -> Case:
        state: Case = (await self.bench.house.streams.load(CASE, case_stream(case))).state
        return state

    async def waits(self) -> dict[str, bool]:
        """Whether the post, or an edit of it, and a name wait."""
        post, account = await self.bench.post_state(), await self.bench.account()
        assert not isinstance(account, Nobody)
        edit = isinstance(post, Live) and post.pending is not None
        return {
            "post": isinstance(post, Held) or edit,
            "name": account.names.pending is not None,
        }

    async def check(self) -> None:
        """There is somebody to look at what waits, by a day that was named."""
        for which, waits in (await self.waits()).items():
            state = await self._case(self.cases[which])
            if waits:
                assert not isinstance(state, NoCase | Closed), which
                assert state.matter.new, "not for an appeal alone"
                assert state.matter.promise.due > NOON


@settings(max_examples=150, deadline=None)
@given(
    first=st.sampled_from(["clean", "a zorblat", "a blimfizz"]),
    steps=st.lists(STEP, min_size=4, max_size=24),
)
def test_whatever_waits_has_an_open_case(first: str, steps: list[tuple[Any, ...]]) -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.forbid("zorblat", "hold")
        await bench.forbid("blimfizz", "private_view", "beside")
        bench.post = await bench.house.publish(bench.anna, text=first)
        lived = History(bench)
        for step in steps:
            await lived.step(step)
            await lived.check()

    asyncio.run(history())


def lived(*steps: tuple[Any, ...], first: str = "clean") -> dict[str, bool]:
    """What waits in the end, of a history in which nothing waited without a case."""

    async def history() -> dict[str, bool]:
        bench = await Bench().sit()
        await bench.forbid("zorblat", "hold")
        bench.post = await bench.house.publish(bench.anna, text=first)
        lived = History(bench)
        for step in steps:
            await lived._step(*step)
            await lived.check()
        return await lived.waits()

    return asyncio.run(history())


def test_what_is_taken_down_takes_along_the_edit_that_waits() -> None:
    held = ("edit", "a zorblat")
    down, back = (("decide", "post", one, None, False) for one in ("unpublish", "restore"))
    by_hand = ("by hand", "post")
    assert not lived(("report", "post"), held, down, by_hand, back)["post"]
    assert not lived(("report", "post"), held, down, ("appeal", "post", 0), back)["post"]
    name = ("name", "zorblat")
    withdrawn = ("decide", "name", "unpublish", None, False)
    assert not lived(("report", "name"), name, withdrawn)["name"]


def test_what_waits_is_not_left_by_deciding_of_something_else() -> None:
    held = ("edit", "a zorblat")
    rejected = ("decide", "post", "reject", None, False)
    upheld = ("decide", "post", "no_action", None, True)
    # An appeal that is answered leaves the edit that has come since to be decided.
    assert lived(held, rejected, held, ("appeal", "post", 0), upheld)["post"]
    assert lived(held, rejected, ("appeal", "post", 0), held, upheld)["post"]
