"""
Rules tried on history say what would have happened: exactly what happens to the same texts under
them, no more and no less, and against whose decisions.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import pytest

from adapters.screening import RuleMatcher
from commands.accounts import ChangeProfile
from commands.cases import CaseHandlers, OpenCase, claim
from commands.comments import WriteComment, write
from commands.decisions import Decide, decide
from commands.posts import EditPost, PublishDiary, PublishShuoshuo
from commands.rules import PublishRules
from commands.subjects import PostSubject
from commands.types import ToPublic
from commands.work import Outcome
from domain.case import case_of
from domain.case_events import Subject
from domain.event import Refused
from domain.ids import MemberId, PostId, cell_of
from domain.rules import Match, Rule, RuleSet, content_hash, packed
from domain.sealed import KeyClass
from domain.verdicts import Verdict
from replay.backtest.process import Range, shares
from replay.backtest.report import Tally, added, contradicted, differing, unchanged
from replay.backtest.trial import Trial
from tests.commands.house import STAFF, House, live, on, to

NAME = "ward"
WORDS = ("zorblat", "quimfel", "vexnor", "drublig")


def rule(word: str, action: str = "hold", **more: Any) -> Rule:
    return Rule(word, Match(phrase=word), action, "nonsense", **more)  # type: ignore[arg-type]


def rules(*every: Rule) -> RuleSet:
    return RuleSet(every)


async def enact(house: House, published: RuleSet, name: str = NAME) -> None:
    """Put a set in force everywhere."""
    matcher = await house.screens.try_out(name, published)
    command = PublishRules(name, packed(published), content_hash(packed(published)), matcher)
    await house.run(house.rules.publish, command, STAFF)
    await house.settle()


def trial(house: House, tried: RuleSet, *, level: int = 0, sample: int = 20) -> Trial:
    words = RuleMatcher()
    matcher = words.compile(NAME, tried)
    return Trial(house.log.reader, house.vault.open, words, matcher, NAME, level, sample)


def tallied(
    house: House,
    tried: RuleSet,
    *,
    level: int = 0,
    sample: int = 20,
    since: dict[int, int] | None = None,
    until: dict[int, int] | None = None,
) -> Tally:
    """All cells, or a part of them, and every event counted exactly once as done."""
    heads = house.log.reader.heads()
    on_trial = trial(house, tried, level=level, sample=sample)
    tallies, done = [], list[int]()
    total = 0
    for cell, head in heads.items():
        after, end = (since or {}).get(cell, 0), (until or heads).get(cell, 0)
        total += end - after
        tallies.append(on_trial.cell(cell, after, end, head, done.append))
    assert sum(done) == total
    return added(tallies, sample)


async def say(house: House, author: MemberId, text: str) -> tuple[str, UUID | None]:
    """What becomes of a post."""
    return await attempt(house, author, house.posts.publish, PublishShuoshuo(text, ToPublic()))


async def attempt(
    house: House, who: MemberId, handler: Callable[..., Awaitable[Outcome]], command: Any
) -> tuple[str, UUID | None]:
    try:
        answer = await house.run(handler, command, who)
    except Refused:
        return "refused", None
    return answer.state or "published", answer.id


def flagged(house: House) -> set[UUID]:
    """What was flagged."""
    return {one.stream for one in house.events() if type(one.event).__name__.endswith("Flagged")}


@pytest.mark.parametrize("seed", range(4))
def test_it_foretells_what_becomes_of_the_same_texts(seed: int) -> None:
    """Brute force: the same members say the same, without the rules and then under them."""
    random = Random(seed)
    actions = random.sample(("block", "hold", "private_view", "flag"), 4)
    every = (rule(word, action) for word, action in zip(WORDS, actions, strict=True))
    tried = RuleSet((*every, rule("mumble", "block", from_level=1)), ("zorblatty",))
    said = [_nonsense(random) for _ in range(60)]

    async def before() -> list[str]:
        house = House(seed=seed)
        member = await house.join(20_001)
        under = await house.publish(member)
        ids = [(await _say(house, member, kind, text, under))[1] for kind, text in said]
        tally = tallied(house, tried, sample=1_000)
        would = {example.id: example.would for example in tally.examples["newly_caught"]}
        assert sum(tally.kinds.values()) == len(said) + 2, "and a first post, and a nickname"
        assert sum(tally.changes.values()) == len(said) + 2
        assert differing(tally, "newly_caught").texts == len(would)
        assert tally.examples.keys() == {"newly_caught"}
        return [would.get(made, "published") for made in ids if made is not None]

    async def after() -> list[str]:
        house = House(seed=seed)
        member = await house.join(20_001)
        under = await house.publish(member)
        await enact(house, tried)
        found = []
        for kind, text in said:
            became, made = await _say(house, member, kind, text, under)
            found.append("flagged" if made in flagged(house) else became)
        return found

    happened = live(after)
    assert live(before) == happened
    assert len(set(happened)) == 5, "the seed shows every outcome"


def _nonsense(random: Random) -> tuple[str, str]:
    words = (*WORDS, "zorblatty", "mumble", "mumble", "ｚｏｒｂｌａｔ", "q u i m f e l")
    return random.choice(("post", "diary", "comment")), " ".join(random.choices(words, k=2))


async def _say(
    house: House, member: MemberId, kind: str, text: str, under: PostId
) -> tuple[str, UUID | None]:
    match kind:
        case "post":
            return await say(house, member, text)
        case "diary":
            diary = PublishDiary(text, "mumble", ToPublic())
            return await attempt(house, member, house.posts.publish, diary)
        case _:
            return await attempt(house, member, partial(write, under), WriteComment(text))


def test_the_difference_is_to_what_became_of_the_texts() -> None:
    """Newly, no longer, otherwise; and what another set found counts as it did then."""

    async def history() -> tuple[House, list[UUID | None], MemberId]:
        house = House()
        member, other = await house.join(20_001), await house.join(20_002)
        ids = [(await say(house, other, "vexnor"))[1]]
        await enact(house, rules(rule("zorblat"), rule("quimfel", "flag")))
        await enact(house, rules(rule("drublig", "private_view")), "other")
        said = ("zorblat", "quimfel", "vexnor", "drublig vexnor", "zorblat drublig", "mumble")
        ids += [(await say(house, member, text))[1] for text in said]
        return house, ids, member

    house, ids, _ = live(history)
    tally = tallied(house, rules(rule("quimfel", "block"), rule("vexnor", "private_view")))
    assert dict(tally.changes) == {
        ("published", "published"): 3,  # two nicknames, and the mumble
        ("published", "private_view"): 2,
        ("held", "published"): 1,
        ("flagged", "refused"): 1,
        ("private_view", "private_view"): 1,
        ("held", "private_view"): 1,
    }
    found = {kind: [one.id for one in examples] for kind, examples in tally.examples.items()}
    assert set(found["newly_caught"]) == {ids[0], ids[3]}
    assert found["no_longer_caught"] == [ids[1]]
    assert set(found["otherwise_caught"]) == {ids[2], ids[5]}
    assert tally.rules == {"quimfel": 1, "vexnor": 3}
    assert tally.categories == {"nonsense": 4}
    assert (tally.members, tally.found, unchanged(tally)) == (2, 4, 4)
    (gone,) = tally.examples["no_longer_caught"]
    assert [(hit.set, hit.rule, hit.start, hit.end) for hit in gone.hits] == [
        (NAME, "zorblat", 0, 7)
    ]


def test_edits_and_nicknames_are_texts_too() -> None:
    async def history() -> House:
        house = House()
        member = await house.join(20_001, "quimfel")
        post = await house.publish(member, text="mumble")
        await enact(house, rules(rule("zorblat"), rule("vexnor", "block")))
        edit = partial(house.posts.edit, post)
        assert await attempt(house, member, edit, EditPost(text="zorblat")) == ("held", post)
        assert (await attempt(house, member, edit, EditPost(text="vexnor")))[0] == "refused"
        assert (await attempt(house, member, edit, EditPost(mood="quimfel")))[0] == "published"
        change = house.accounts.change_profile
        assert (await attempt(house, member, change, ChangeProfile("zorblat")))[0] == "held"
        assert (await attempt(house, member, change, ChangeProfile("vexnor")))[0] == "refused"
        assert (await attempt(house, member, change, ChangeProfile("drublig")))[0] == "published"
        return house

    house = live(history)
    tally = tallied(house, rules(rule("quimfel", "flag"), rule("drublig")))
    assert tally.kinds == {"post": 1, "edit": 3, "nickname": 4}
    assert dict(tally.changes) == {
        ("published", "published"): 1,
        ("held", "published"): 2,
        ("refused", "published"): 2,
        ("published", "flagged"): 2,
        ("published", "held"): 1,
    }
    assert {hit.field for one in tally.examples["newly_caught"] for hit in one.hits} == {
        "mood",
        "nickname",
    }


def test_the_level_decides_which_rules_count() -> None:
    async def history() -> House:
        house = House()
        await say(house, await house.join(20_001), "zorblat")
        return house

    house, tried = live(history), rules(rule("zorblat", from_level=2))
    assert tallied(house, tried, level=1).found == 0
    assert tallied(house, tried, level=2).found == 1


def test_it_foretells_that_a_text_takes_too_much_to_look_through() -> None:
    tried = rules(*(rule("a" * length, "flag") for length in range(2, 101)))
    hard = "aaa " * 2_000 + "b"

    async def history(*, enacted: bool) -> tuple[House, str]:
        house = House()
        member = await house.join(20_001)
        if enacted:
            await enact(house, tried)
        return house, (await say(house, member, hard))[0]

    house, became = live(lambda: history(enacted=False))
    tally = tallied(house, tried)
    assert became == "published"
    assert tally.unfinished == tally.found == 1
    (example,) = tally.examples["newly_caught"]
    assert [hit.rule for hit in example.hits if not hit.unfinished] == ["aaa"] * 4
    assert example.would == "held"
    house, became = live(lambda: history(enacted=True))
    assert became == "held"
    assert tallied(house, tried).changes == {("held", "held"): 1, ("published", "published"): 1}


def test_what_cannot_be_read_is_counted_and_left_out() -> None:
    async def history() -> House:
        house = House()
        gone, there = await house.join(20_001), await house.join(20_002)
        await say(house, gone, "zorblat")
        await say(house, there, "zorblat")
        house.vault.destroy(gone, KeyClass.CONTENT)
        return house

    tally = tallied(live(history), rules(rule("zorblat")))
    assert (tally.unreadable, tally.kinds["post"], tally.found) == (1, 1, 1)


def test_a_part_of_history_is_exactly_that_part() -> None:
    """Wherever it is cut, also between a text and that it was flagged, the parts are the whole."""

    async def history() -> tuple[House, int]:
        house = House()
        member = await house.join(20_001)
        await enact(house, rules(rule("zorblat", "flag")))
        for text in ("zorblat", "mumble", "zorblat"):
            await say(house, member, text)
        return house, cell_of(member)

    house, cell = live(history)
    tried = rules(rule("mumble"))
    whole = tallied(house, tried)
    assert dict(whole.changes)["flagged", "published"] == 2
    heads = house.log.reader.heads()
    for cut in range(heads[cell] + 1):
        before = tallied(house, tried, until={**heads, cell: cut})
        after = tallied(house, tried, since={**dict.fromkeys(heads, 0), **_else(heads, cell, cut)})
        assert before.changes + after.changes == whole.changes, cut


def _else(heads: dict[int, int], cell: int, cut: int) -> dict[int, int]:
    """Nothing of the other cells, and the rest of this one."""
    return {**heads, cell: cut}


@pytest.mark.parametrize(
    ("verdict", "text", "contradicted_by"),
    [
        ("approve", "zorblat", rules(rule("zorblat", "block"))),
        ("approve", "zorblat", rules(rule("zorblat", "private_view"))),
        ("reject", "zorblat", rules(rule("quimfel"))),
        ("unpublish", "mumble", rules(rule("quimfel"))),
        ("no_action", "mumble", rules(rule("mumble"))),
    ],
)
def test_decisions_that_a_set_contradicts(
    verdict: Verdict, text: str, contradicted_by: RuleSet
) -> None:
    house, post = live(partial(_decided, verdict, text))
    tally = tallied(house, contradicted_by)
    assert (tally.decisions, tally.verdicts) == (1, {verdict: 1})
    (one,) = tally.contradictions
    assert (one.verdict, one.subject, one.id) == (verdict, "post", post)
    said = {example.position for kind in tally.examples.values() for example in kind}
    assert not said or one.text in said
    assert tally.members == 1
    report = contradicted(tally)
    assert (report.of, report.decisions, report.examples) == (1, 1, (one,))


@pytest.mark.parametrize(
    ("verdict", "text", "agreed_by"),
    [
        ("approve", "zorblat", rules(rule("zorblat", "flag"))),
        ("approve", "zorblat", rules(rule("quimfel", "block"))),
        ("reject", "zorblat", rules(rule("zorblat", "flag"))),
        ("unpublish", "mumble", rules(rule("mumble", "block"))),
        ("no_action", "mumble", rules(rule("mumble", "flag"))),
    ],
)
def test_decisions_that_a_set_agrees_with(verdict: Verdict, text: str, agreed_by: RuleSet) -> None:
    house, _ = live(partial(_decided, verdict, text))
    tally = tallied(house, agreed_by)
    assert (tally.decisions, tally.verdicts, tally.contradictions) == (1, {}, [])


async def _decided(verdict: Verdict, text: str) -> tuple[House, UUID]:
    """A post, held if it says so, and what somebody decided of it."""
    house = House()
    member = await house.join(20_001)
    await enact(house, rules(rule("zorblat")))
    _, post = await say(house, member, text)
    assert post is not None
    await _decide(house, Subject("post", post, member), verdict)
    return house, post


async def _decide(house: House, subject: Subject, verdict: Verdict) -> None:
    case = case_of(subject)
    if not any(one.stream == case for one in house.events()):
        opening = OpenCase(PostSubject(subject.id))
        await house.run(CaseHandlers(house.directory).open, opening, STAFF)
    await house.run(on(claim, case), None, STAFF)
    reasons = Decide(verdict, "terms", "1", "because", "nonsense", "facts")
    await house.run(to(decide, case), reasons, STAFF)


def test_a_decision_about_an_edit_that_waited_is_about_the_edit() -> None:
    async def history() -> House:
        house = House()
        member = await house.join(20_001)
        post = await house.publish(member, text="mumble")
        await enact(house, rules(rule("zorblat")))
        edit = partial(house.posts.edit, post)
        assert await attempt(house, member, edit, EditPost(text="zorblat")) == ("held", post)
        await _decide(house, Subject("post", post, member), "reject")
        return house

    house = live(history)
    assert tallied(house, rules(rule("mumble", "block"))).verdicts == {"reject": 1}
    assert tallied(house, rules(rule("zorblat", "block"))).verdicts == {}


def test_tallies_add_up_in_whatever_shares_the_work_is_done() -> None:
    async def history() -> House:
        house = House()
        for number in range(12):
            member = await house.join(20_001 + number)
            await say(house, member, "zorblat")
        return house

    house, tried = live(history), rules(rule("zorblat"))
    heads = house.log.reader.heads()
    ranges = [Range(cell, 0, head, head) for cell, head in heads.items()]
    on_trial = trial(house, tried, sample=5)
    results = []
    for number in (1, 2, 5, 50):
        dealt = shares(ranges, number)
        assert sorted(one for share in dealt for one in share) == sorted(ranges)
        tallies = {
            one.cell: on_trial.cell(*one, lambda _: None) for share in dealt for one in share
        }
        results.append(added((tallies[cell] for cell in sorted(tallies)), 5))
    assert all(one == results[0] for one in results)
    assert results[0].members == 12
    positions = [example.position for example in results[0].examples["newly_caught"]]
    assert len(positions) == 5
    assert positions == sorted(positions, key=lambda at: tuple(map(int, at.split("-"))))
