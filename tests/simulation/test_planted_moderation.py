"""
The simulator finds what is wrong with moderation: bugs that are planted, one at a time, each in a
rule that keeps words, or people, from where they must not be.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeAlias
from unittest import mock

import msgspec
import pytest

from api import pages
from api.stream import hub
from commands import decisions, referrals, relations
from domain import casework, rulings
from domain.account import Active, Banned, acting
from domain.case import Claimed
from domain.comment import CommentHeld, CommentUnpublished
from domain.event import Recorded, Refused
from domain.ids import MemberId, cell_of
from domain.post_events import (
    PostApproved,
    PostEditHeld,
    PostHeld,
    PostRejected,
    PostRestored,
    PostUnpublished,
)
from domain.rulebook import LevelRaised
from projections import counters, reach, streams
from projections.arming import ARMING
from projections.counters import COUNTERS
from projections.gates import GATES, Gates, audience_of
from projections.posts import POSTS, Posts
from projections.reach import Reach
from projections.reading import moments, people, timelines
from projections.reading import posts as reading
from projections.reading import streams as read_streams
from projections.reading.viewing import viewer_towards
from projections.recall import answers, recall
from projections.recall.touches import changed
from projections.rows import Add, Change, Patch, Put
from tests.simulation import server
from tests.simulation.planting import SEEDS_MAX, first_failure
from tests.simulation.test_planted import PLAN

Planted: TypeAlias = Any
Rows: TypeAlias = Callable[[Recorded, Iterator[Change]], Iterator[Change]]

MODERATED = msgspec.structs.replace(PLAN, moderation=0.4)
#: What takes several decisions to show is looked for where many are made.
BUSY = msgspec.structs.replace(PLAN, moderation=0.6, moves=300)
#: What shows only while read models are behind is looked for where they often are.
BEHIND = msgspec.structs.replace(
    MODERATED, temper=msgspec.structs.replace(PLAN.temper, behind_seconds=30.0)
)


def _rows(model: Any, twisted: Rows) -> Planted:
    """A read model that writes something else of an event."""
    rows = model.rows
    return mock.patch.object(
        model, "rows", lambda self, recorded: twisted(recorded, rows(self, recorded))
    )


# What waits, what was taken down, what came back


def what_waits_is_for_friends() -> Planted:
    """A gate that lets friends see what is held."""

    def ajar(recorded: Recorded, changes: Iterator[Change]) -> Iterator[Change]:
        for change in changes:
            held = isinstance(recorded.event, PostHeld)
            if held and isinstance(change, Put) and change.table is GATES:
                change = Put(GATES, change.key, {**change.values, "audience": "friends"})
            yield change

    @contextmanager
    def planted() -> Iterator[None]:
        # What the row knows keeps it shut as well.
        with _rows(Gates, ajar), an_approval_is_ahead_of_the_text():
            yield

    return planted()


def an_edit_is_seen_before_it_is_approved() -> Planted:
    """A post that says what was kept back."""

    def hasty(recorded: Recorded, changes: Iterator[Change]) -> Iterator[Change]:
        yield from changes
        if isinstance(event := recorded.event, PostEditHeld):
            text = {"text": event.content.text.envelope}
            yield Patch(POSTS, (recorded.cell, recorded.stream), text)

    return _rows(Posts, hasty)


def what_is_taken_down_stays() -> Planted:
    """A gate that does not hear that people took something down."""

    def deaf(recorded: Recorded, changes: Iterator[Change]) -> Iterator[Change]:
        return iter(()) if isinstance(recorded.event, PostUnpublished) else changes

    return _rows(Gates, deaf)


def what_is_taken_down_is_remembered() -> Planted:
    """Facts in memory that no verdict drops."""

    def deaf(recorded: Recorded) -> Any:
        known = changed(recorded)
        judged = isinstance(recorded.event, PostUnpublished | PostRejected)
        return msgspec.structs.replace(known, touches=()) if judged else known

    return mock.patch.object(recall, "changed", deaf)


def a_share_shows_what_was_taken_down() -> Planted:
    """A share that does not ask whether its original still stands."""
    with_shared = reading.with_shared

    async def generous(connection: Any, viewer: MemberId, posts: Any) -> Any:
        views = await with_shared(connection, viewer, posts)
        for view in views:
            if view.shared is None and (which := view.share_of) is not None:
                cell = cell_of(which)
                rows = await reading._HYDRATE(
                    connection, cells=[cell], posts=[which], viewer=viewer
                )
                for row in rows:
                    towards = await viewer_towards(connection, viewer, {row[1]})
                    view.shared = reading._gated(towards, (*row[:13], True, *row[14:]))
        return views

    @contextmanager
    def planted() -> Iterator[None]:
        with ExitStack() as patches:
            # Most posts are answered from memory, their originals then by way of the pages.
            for module in (reading, timelines, read_streams, pages):
                patches.enter_context(mock.patch.object(module, "with_shared", generous))
            yield

    return planted()


def an_approval_is_ahead_of_the_text() -> Planted:
    """A gate that opens on what a post said before it was changed and approved."""

    def at_once(audience: str, _: Any) -> Any:
        return audience_of(audience)

    @contextmanager
    def planted() -> Iterator[None]:
        with (
            mock.patch.object(reading, "audience_so_far", at_once),
            mock.patch.object(answers, "audience_so_far", at_once),
        ):
            yield

    return planted()


def a_restoration_is_news() -> Planted:
    """What comes back stands at the top instead of in its old place."""

    def anew(recorded: Recorded, changes: Iterator[Change]) -> Iterator[Change]:
        yield from changes
        if isinstance(recorded.event, PostRestored):
            at = {"published_at": recorded.recorded_at}
            yield Patch(POSTS, (recorded.cell, recorded.stream), at)

    return _rows(Posts, anew)


def an_approval_is_no_news() -> Planted:
    """What was approved stands where it began to wait."""

    def late(recorded: Recorded, changes: Iterator[Change]) -> Iterator[Change]:
        for change in changes:
            if isinstance(recorded.event, PostApproved) and isinstance(change, Patch):
                values = {one: what for one, what in change.values.items() if one != "published_at"}
                change = Patch(change.table, change.key, values)
            yield change

    return _rows(Posts, late)


def what_waits_is_counted() -> Planted:
    """A number of comments that tells of one that nobody is to know of."""

    def telling(recorded: Recorded, changes: Iterator[Change]) -> Iterator[Change]:
        yield from changes
        if isinstance(event := recorded.event, CommentHeld):
            yield Add(COUNTERS, (cell_of(event.post), event.post), {"comments": 1})

    return _rows(counters.Counters, telling)


def what_is_taken_down_is_counted() -> Planted:
    """A number of comments that still has the one that was taken down."""

    def stubborn(recorded: Recorded, changes: Iterator[Change]) -> Iterator[Change]:
        return iter(()) if isinstance(recorded.event, CommentUnpublished) else changes

    return _rows(counters.Counters, stubborn)


def streams_do_not_hear_of_it() -> Planted:
    """An app that keeps what was taken down."""
    of = streams.question

    def deaf(recorded: Recorded, viewer: Any) -> Any:
        judged = isinstance(recorded.event, PostUnpublished | PostRejected)
        return None if judged else of(recorded, viewer)

    return mock.patch.object(moments, "question", deaf)


def streams_tell_everybody() -> Planted:
    """A withdrawal of what only its author ever saw."""
    transitions = streams.transitions

    def wide(event: Any) -> Any:
        rejected = isinstance(event, PostRejected)
        return Reach(source=event.author) if rejected else reach.reach(event)

    def told(recorded: Recorded, viewer: Any, before: Any) -> Any:
        if isinstance(event := recorded.event, PostRejected):
            return (streams.Transition("post.withdrawn", recorded.stream, event.author),)
        return transitions(recorded, viewer, before)

    @contextmanager
    def planted() -> Iterator[None]:
        with (
            mock.patch.object(hub, "reach", wide),
            mock.patch.object(moments, "transitions", told),
        ):
            yield

    return planted()


# Rules, cases and people


def old_rules_are_good_enough() -> Planted:
    """A log that takes what was screened before the rules changed."""
    return mock.patch.object(server, "EPOCHS", {})


def nobody_is_asked_to_look() -> Planted:
    """What waits, and no case of it."""
    return mock.patch.object(referrals, "refer", mock.AsyncMock())


def claims_keep_nobody_away() -> Planted:
    """Somebody else's claim that is not respected."""

    set_to_work = casework.set_to_work

    def free(case: Any, by: Any, now: Any) -> Any:
        return () if isinstance(case, Claimed) else set_to_work(case, by, now)

    return mock.patch.object(casework, "set_to_work", free)


def one_person_is_enough() -> Planted:
    """A grave decision that takes no second person, but the same one twice."""
    return mock.patch.object(rulings, "check_second")


def who_decided_decides_the_appeal() -> Planted:
    """An appeal that goes back to whoever it is against."""
    return mock.patch.object(rulings, "check_impartial")


def penalties_do_not_reach_the_account() -> Planted:
    """A sanction that is written down, and shows nowhere."""
    return mock.patch.object(decisions, "settle", return_value=())


def who_is_suspended_reads() -> Planted:
    """A token that was good before, and is good still."""

    def lenient(status: str | None) -> None:
        if status == "banned":
            raise Refused("banned")

    @contextmanager
    def planted() -> Iterator[None]:
        with (
            mock.patch.object(people, "may_act", lenient),
            mock.patch.object(answers, "may_act", lenient),
        ):
            yield

    return planted()


def who_is_banned_writes() -> Planted:
    """A command that does not ask how its member stands."""

    def any_member(account: Any) -> Any:
        banned = isinstance(account, Banned)
        return Active(account.member, account.since, account.names) if banned else acting(account)

    return mock.patch.object(relations, "acting", any_member)


def who_is_restricted_publishes() -> Planted:
    """A restriction that restricts nothing."""
    return mock.patch.object(relations, "publishing", acting)


def the_level_stays_raised() -> Planted:
    """A raised level that no timer ends."""

    def forgotten(recorded: Recorded) -> Iterator[Any]:
        return iter(())

    return mock.patch.dict(ARMING, {LevelRaised: forgotten})


PLANS = {an_approval_is_ahead_of_the_text: BEHIND, a_share_shows_what_was_taken_down: BUSY}


@pytest.mark.parametrize(
    "plant",
    [
        what_waits_is_for_friends,
        an_edit_is_seen_before_it_is_approved,
        what_is_taken_down_stays,
        what_is_taken_down_is_remembered,
        a_share_shows_what_was_taken_down,
        an_approval_is_ahead_of_the_text,
        a_restoration_is_news,
        an_approval_is_no_news,
        what_waits_is_counted,
        what_is_taken_down_is_counted,
        streams_do_not_hear_of_it,
        streams_tell_everybody,
        old_rules_are_good_enough,
        nobody_is_asked_to_look,
        claims_keep_nobody_away,
        one_person_is_enough,
        who_decided_decides_the_appeal,
        penalties_do_not_reach_the_account,
        who_is_suspended_reads,
        who_is_banned_writes,
        who_is_restricted_publishes,
        the_level_stays_raised,
    ],
    ids=lambda plant: plant.__name__,
)
def test_what_is_planted_is_found(plant: Any) -> None:
    plan = PLANS.get(plant, MODERATED)
    found = first_failure(plant, plan)
    assert found is not None, f"not found in {SEEDS_MAX} seeds"
