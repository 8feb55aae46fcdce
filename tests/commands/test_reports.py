"""
Reports: whatever members say of one thing comes to one case of it.
"""

from datetime import timedelta
from typing import Any

import pytest

from commands import comments
from commands.comments import WriteComment
from commands.subjects import CommentSubject, MemberSubject, NicknameSubject, PostSubject
from domain.account import Active
from domain.account_events import (
    NicknameWithdrawn,
)
from domain.case import Open, case_of
from domain.case_events import (
    CaseDecided,
    CaseOpened,
    CaseReported,
    Subject,
)
from domain.comment import CommentUnpublished
from domain.event import Refused
from domain.ids import CommentId, PostId, mint
from tests.commands.bench import NORA, Bench, deciding
from tests.commands.house import NOON, live, to

NOWHERE = PostId(mint(0, 4_000, 1))


def test_reports_of_one_thing_are_one_case_in_its_owners_cell() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        first = await bench.report(bench.bela)
        assert bench.appended(first) == [CaseOpened, CaseReported]
        assert all(one.owner == bench.anna for one in bench.recorded(first))
        second = await bench.report(bench.carl)
        assert bench.appended(second) == [CaseReported]
        # Once more is the same report, at its own place in the log.
        again = await bench.report(bench.bela)
        assert (again.id, again.at, again.written) == (first.id, first.at, ())
        state = await bench.case_state()
        assert isinstance(state, Open)
        assert [one.reporter for one in state.matter.reports] == [bench.bela, bench.carl]
        opened = bench.recorded(first)[0].event
        assert isinstance(opened, CaseOpened)
        assert (opened.cause, opened.queue, opened.version) == ("report", "reports", 1)
        assert opened.promise.due == NOON + timedelta(days=2), "it is Sunday"

    live(history)


def test_a_reports_retry_under_its_key_is_the_same_report() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        first = await bench.report(bench.bela, key="k")
        again = await bench.report(bench.bela, key="k")
        assert (again.id, again.at, again.replayed) == (first.id, first.at, True)

    live(history)


def test_only_what_one_sees_is_reported() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        mine, theirs = MemberSubject(10001), NicknameSubject(10001)

        async def refused(by: Any, choice: Any) -> tuple[str, str | None]:
            with pytest.raises(Refused) as no:
                await bench.report(by, choice)
            return no.value.problem, no.value.field

        assert await refused(bench.anna, None) == ("own-subject", "/subject")
        assert await refused(bench.anna, mine) == ("own-subject", "/subject")
        assert await refused(bench.bela, PostSubject(NOWHERE)) == ("not-found", "/subject/id")
        unwritten = PostSubject(mint(0, 1, 99))
        assert await refused(bench.bela, unwritten) == ("not-found", "/subject/id")
        assert await refused(bench.bela, CommentSubject(bench.post)) == (
            "not-found",
            "/subject/id",
        )
        assert (await refused(bench.bela, MemberSubject(99999)))[0] == "not-found"
        await bench.report(bench.carl, theirs)
        await bench.house.tie(bench.anna, bench.bela, "block")
        assert await refused(bench.bela, PostSubject(bench.post)) == ("not-found", "/subject/id")
        assert await refused(bench.bela, theirs) == ("not-found", "/subject")
        assert await refused(bench.bela, mine) == ("not-found", "/subject")

    live(history)


def test_a_comment_is_reported_and_taken_down() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        house = bench.house
        written = await house.run(to(comments.write, bench.post), WriteComment("坏"), bench.bela)
        comment = CommentId(written.id)
        await bench.report(bench.anna, CommentSubject(comment))
        case = case_of(Subject("comment", comment, bench.bela))
        answer = await bench.decide(case=case)
        assert bench.appended(answer) == [CaseDecided, CommentUnpublished]
        with pytest.raises(Refused, match="not-found"):
            await bench.report(bench.carl, CommentSubject(comment))

    live(history)


def test_a_nickname_is_withdrawn_and_given_back() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        case = await bench.open(NicknameSubject(10001))
        decided = await bench.decide(case=case)
        assert bench.appended(decided) == [CaseDecided, NicknameWithdrawn]
        await bench.appeal(decided.id, case=case)
        await bench.decide(deciding("restore"), NORA, case)
        account = await bench.account()
        assert isinstance(account, Active)
        assert bench.house.vault.open(account.names.shown) == "安"

    live(history)
