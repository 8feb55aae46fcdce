"""
What tests of moderation have in common: people who decide, and what they decide about.

A bench, as a court has one: Mod, Nora and Olga sit on it. Anna has published something, Bela can
see it, and Carl is nobody's friend.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from commands import appeals, cases, decisions
from commands.cases import CaseHandlers, OpenCase
from commands.decisions import Confirm, Decide
from commands.executor import Answer
from commands.posts import EditPost
from commands.reports import Report, ReportHandlers
from commands.rules import PublishRules
from commands.subjects import PostSubject, SubjectChoice
from domain.account import ACCOUNT, Account, account_stream
from domain.badge import DAYS
from domain.case import CASE, Case, case_of, case_stream
from domain.case_events import Subject
from domain.event import Event, Recorded
from domain.ids import CaseId, DecisionId, MemberId, mint
from domain.post import POST, Post, post_stream
from domain.rules import Match, Rule, RuleSet, content_hash, packed
from domain.standing import STANDING, Standing, standing_stream
from projections.arming import ARMING
from projections.engine.deadlines import Arm
from tests.commands.house import STAFF, House, on, to

MOD, NORA, OLGA = (mint(0, 4, number) for number in (11, 12, 13))

UNPUBLISH = Decide(
    verdict="unpublish",
    ground="terms",
    clause="4.2",
    explanation="It sells what it must not.",
    category="spam",
    facts="An offer.",
)


def deciding(verdict: str = "unpublish", **fields: Any) -> Decide:
    """A decision, with the usual reasons."""
    return msgspec.structs.replace(UNPUBLISH, verdict=verdict, **fields)


class Bench:
    """A house with people on the bench."""

    def __init__(self, house: House | None = None) -> None:
        self.house = house or House()
        self.cases = CaseHandlers(self.house.directory)
        self.reports = ReportHandlers(self.house.directory)

    async def sit(self) -> "Bench":
        """Everybody comes in."""
        self.anna = await self.house.join(10001, "安")
        self.bela = await self.house.join(10002, "贝")
        self.carl = await self.house.join(10003, "卡")
        self.post = await self.house.publish(self.anna)
        return self

    @property
    def case(self) -> CaseId:
        """The case of Anna's post."""
        return case_of(Subject("post", self.post, self.anna))

    async def report(
        self, by: MemberId, choice: SubjectChoice | None = None, key: str | None = None
    ) -> Answer:
        """A member reports Anna's post, or something else."""
        what = Report(choice or PostSubject(self.post), "spam", "see for yourself")
        return await self.house.run(self.reports.report, what, by, key)

    async def open(self, choice: SubjectChoice, by: UUID = MOD) -> CaseId:
        """Staff opens a case."""
        return CaseId((await self.house.run(self.cases.open, OpenCase(choice), by)).id)

    async def claim(self, by: UUID = MOD, case: CaseId | None = None) -> Answer:
        """Somebody claims the case."""
        return await self.house.run(on(cases.claim, case or self.case), None, by)

    async def decide(
        self, command: Decide = UNPUBLISH, by: UUID = MOD, case: CaseId | None = None
    ) -> Answer:
        """Somebody decides the case."""
        return await self.house.run(to(decisions.decide, case or self.case), command, by)

    async def not_decided(
        self, command: Decide = UNPUBLISH, by: UUID = MOD, case: CaseId | None = None
    ) -> tuple[str, str | None]:
        """Somebody may not decide the case."""
        return await self.house.refusal(to(decisions.decide, case or self.case), command, by)

    async def confirm(self, by: UUID, case: CaseId | None = None, *, agree: bool = True) -> Answer:
        """Somebody agrees, or not."""
        handler = to(decisions.confirm, case or self.case)
        return await self.house.run(handler, Confirm(agree), by)

    async def edit(self, text: str) -> Answer:
        """Anna changes what her post says."""
        edit = to(self.house.posts.edit, self.post)
        return await self.house.run(edit, EditPost(text=text), self.anna)

    async def appeal(
        self, decision: UUID, by: MemberId | None = None, case: CaseId | None = None
    ) -> Answer:
        """A member appeals."""
        command = appeals.Appeal(decision, "That is not so.")
        return await self.house.run(to(appeals.appeal, case or self.case), command, by or self.anna)

    async def forbid(self, word: str, action: Any = "hold", name: str = "house") -> None:
        """A word is forbidden from now on, everywhere."""
        rules = RuleSet((Rule("r-1", Match(phrase=word), action, "spam"),))
        matcher = await self.house.screens.try_out(name, rules)
        publishing = PublishRules(name, packed(rules), content_hash(packed(rules)), matcher)
        await self.house.run(self.house.rules.publish, publishing, STAFF)
        await self.house.settle()

    # What is so

    async def case_state(self, case: CaseId | None = None) -> Case:
        """The case as it is."""
        loaded = await self.house.streams.load(CASE, case_stream(case or self.case))
        state: Case = loaded.state
        return state

    async def post_state(self) -> Post:
        """Anna's post as it is."""
        state: Post = (await self.house.streams.load(POST, post_stream(self.post))).state
        return state

    async def account(self) -> Account:
        """Anna's account as it is."""
        state: Account = (await self.house.streams.load(ACCOUNT, account_stream(self.anna))).state
        return state

    async def standing(self) -> Standing:
        """Anna's standing."""
        loaded = await self.house.streams.load(STANDING, standing_stream(self.anna))
        state: Standing = loaded.state
        return state

    def appended(self, answer: Answer) -> list[type[Event]]:
        """What a command appended, by type, in the order of its cell."""
        return [type(one.event) for one in self.recorded(answer)]

    def recorded(self, answer: Answer) -> Sequence[Recorded]:
        """What a command appended."""
        return [
            one
            for one in self.house.events()
            if one.cell == answer.cell and one.position in answer.written
        ]

    def decision_of(self, answer: Answer) -> DecisionId:
        """The decision that a command made."""
        return DecisionId(answer.id)

    # Time

    def armed(self) -> list[Arm]:
        """
        The deadlines that are set, as the read model has them, the first due first; but not those
        of badges, which every account has from its first day.
        """
        deadlines: dict[UUID, Arm] = {}
        for recorded in self.house.events():
            arming = ARMING.get(type(recorded.event))
            for order in () if arming is None else arming(recorded):
                if isinstance(order, Arm):
                    deadlines[order.id] = order
                else:
                    deadlines.pop(order.id, None)
        of_cases = (one for one in deadlines.values() if one.kind not in DAYS)
        return sorted(of_cases, key=lambda one: (one.due, one.id))

    async def fire(self, deadline: Arm, late: timedelta = timedelta()) -> None:
        """A deadline's time has come, and perhaps gone by."""
        self.house.clock.set(deadline.due + late)
        await self.house.timers.fire(deadline.kind, deadline.id, deadline.subject, deadline.due)
