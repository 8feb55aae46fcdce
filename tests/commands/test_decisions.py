"""
Decisions: each is one append with all that it does, and grave ones take two.
"""

from datetime import timedelta
from typing import Any

import pytest

from commands import disclosures, spaces
from commands.decisions import PenaltyChoice
from commands.disclosures import SetDisclosurePolicy
from commands.posts import PublishShuoshuo
from commands.spaces import CertifySpace
from commands.types import ToOnlyMe, ToPublic
from domain.account import Active, Banned, Suspended
from domain.account_events import (
    AccountBanned,
    AccountRestricted,
    AccountSuspended,
)
from domain.case import Proposed
from domain.case_events import (
    CaseDecided,
)
from domain.disclosure_policy import Told
from domain.event import Refused
from domain.post import Live, TakenDown
from domain.post_events import PostUnpublished
from domain.standing_events import SanctionImposed, StrikeGiven
from tests.commands.bench import MOD, NORA, OLGA, Bench, deciding
from tests.commands.house import NOON, STAFF, live, on, to

# What is decided


def test_a_decision_and_all_it_does_are_one_append() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        penalty = PenaltyChoice("suspension", weight=3, days=14)
        answer = await bench.decide(deciding(penalty=penalty))
        assert bench.appended(answer) == [
            CaseDecided, PostUnpublished, StrikeGiven, SanctionImposed, AccountSuspended,
        ]  # fmt: skip
        assert len({one.command for one in bench.recorded(answer)}) == 1
        assert len({one.recorded_at for one in bench.recorded(answer)}) == 1
        decided = bench.recorded(answer)[0].event
        assert isinstance(decided, CaseDecided)
        assert decided.by == MOD
        assert decided.reporters == (bench.bela,)
        assert (decided.decision.on, decided.decision.cause) == (1, "report")
        assert not decided.decision.automated_detection
        assert bench.house.vault.open(decided.decision.explanation) == deciding().explanation
        account = await bench.account()
        assert isinstance(account, Suspended)
        assert account.by_decision is not None
        assert account.by_decision.until == NOON + timedelta(days=14)
        assert account.by_decision.decision == answer.id
        assert await bench.house.refusal(
            bench.house.posts.publish, PublishShuoshuo("x", ToPublic()), bench.anna
        ) == ("suspended", None)

    live(history)


@pytest.mark.parametrize(
    ("penalty", "appended"),
    [
        (None, []),
        ("none", []),
        ("strike", [StrikeGiven]),
        ("restriction", [SanctionImposed, AccountRestricted]),
        ("suspension", [SanctionImposed, AccountSuspended]),
        (PenaltyChoice("strike", weight=3), [StrikeGiven, SanctionImposed, AccountRestricted]),
        (PenaltyChoice("strike", weight=6), [StrikeGiven, SanctionImposed, AccountSuspended]),
    ],
)
def test_a_penalty_does_what_it_says(penalty: Any, appended: list[Any]) -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        answer = await bench.decide(deciding(penalty=penalty))
        assert bench.appended(answer) == [CaseDecided, PostUnpublished, *appended]

    live(history)


def test_what_cannot_be_decided_is_refused() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        for verdict in ("reject", "restore"):
            assert await bench.not_decided(deciding(verdict)) == ("verdict-not-possible", None)
        assert await bench.not_decided(deciding("approve", penalty="strike")) == (
            "penalty-not-possible",
            "/penalty",
        )
        assert await bench.not_decided(deciding(penalty=PenaltyChoice("ban", days=3))) == (
            "penalty-not-possible",
            "/penalty/days",
        )
        await bench.decide(deciding("no_action"))
        assert await bench.not_decided() == ("case-closed", None)

    live(history)


# A second person


def test_a_ban_takes_two() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        proposed = await bench.decide(deciding(penalty="ban"))
        assert proposed.state == "proposed"
        assert isinstance(await bench.post_state(), Live)
        assert isinstance(await bench.account(), Active)
        with pytest.raises(Refused, match="same-person"):
            await bench.confirm(MOD)
        confirmed = await bench.confirm(NORA)
        assert confirmed.id == proposed.id
        assert bench.appended(confirmed) == [
            CaseDecided, PostUnpublished, SanctionImposed, AccountBanned,
        ]  # fmt: skip
        decided = bench.recorded(confirmed)[0].event
        assert isinstance(decided, CaseDecided)
        assert (decided.by, decided.confirmed_by) == (MOD, NORA)
        with pytest.raises(Refused, match="no-proposal"):
            await bench.confirm(OLGA)

    live(history)


def test_a_ban_by_the_ladder_takes_two() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        tenth = deciding(penalty=PenaltyChoice("strike", weight=10))
        assert (await bench.decide(tenth)).state == "proposed"
        await bench.confirm(NORA)
        assert isinstance(await bench.account(), Banned)

    live(history)


def test_to_unpublish_a_certified_spaces_post_takes_two() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        certify = CertifySpace("brand", "Anna's")
        await bench.house.run(to(spaces.certify, bench.anna), certify, STAFF)
        await bench.report(bench.bela)
        assert (await bench.decide()).state == "proposed"
        assert (await bench.confirm(NORA, agree=False)).state == "open"
        # What is decided to be left as it is needs nobody else.
        assert (await bench.decide(deciding("no_action"))).state == "decided"

    live(history)


def test_what_is_confirmed_is_decided_on_what_is_true_then() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        await bench.decide(deciding(penalty="ban"))
        # Whom it is for is no part of what it says.
        narrow = to(bench.house.posts.change_audience, bench.post)
        await bench.house.run(narrow, ToOnlyMe(), bench.anna)
        confirmed = await bench.confirm(NORA)
        decided = bench.recorded(confirmed)[0].event
        assert isinstance(decided, CaseDecided)
        assert decided.decision.on == 2
        down = await bench.post_state()
        assert isinstance(down, TakenDown)

    live(history)


def test_what_was_deleted_meanwhile_is_not_confirmed_but_can_be_declined() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        await bench.decide(deciding(penalty="ban"))
        await bench.house.run(on(bench.house.posts.delete, bench.post), None, bench.anna)
        assert isinstance(await bench.case_state(), Proposed)
        with pytest.raises(Refused, match="verdict-not-possible"):
            await bench.confirm(NORA)
        await bench.confirm(NORA, agree=False)
        # The member answers for it all the same.
        await bench.decide(deciding("no_action", penalty="ban"))
        await bench.confirm(NORA)
        assert isinstance(await bench.account(), Banned)

    live(history)


# How much the member is told


def test_a_decision_says_which_policy_it_was_told_under() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        setting = SetDisclosurePolicy("opaque")
        first = await bench.house.run(disclosures.set_disclosure_policy, setting, STAFF)
        again = await bench.house.run(disclosures.set_disclosure_policy, setting, STAFF)
        assert (again.at, again.written) == (first.at, ())
        decided = bench.recorded(await bench.decide())[0].event
        assert isinstance(decided, CaseDecided)
        assert decided.decision.told == Told("opaque", 1)

    live(history)
