"""
When somebody could see a post, as history has it, is what reading said at every moment: each event
of generated histories is written into the read models in the order of all cells, and after each the
product's own reading is asked.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from commands.accounts import ReinstateAccount, SuspendAccount
from commands.erasures import BeginErasureAgain, ErasureHandlers
from commands.work import Outcome, Work
from domain.account import account_stream
from domain.erasure import Terms
from domain.event import Recorded, Refused
from domain.ids import CaseId, DecisionId, MemberId, PostId
from domain.post import POST, post_stream
from domain.sealed import KeyClass
from domain.verdicts import Verdict, of_post
from projections.reading import people, posts, visibility
from projections.reading.statements import Statement
from projections.streams import moment_of
from projections.visibility import (
    AccountTurn,
    GateTurn,
    Interval,
    account_turns,
    author_turns,
    intervals,
)
from tests.commands.bench import Bench
from tests.commands.house import STAFF, House, live, to
from tests.commands.steps import STEPS, WHO, Step, taken
from tests.simulation.statements import TWINS
from tests.simulation.tables import MODELS, Tables, changes_of

_CASE, _DECISION = CaseId(STAFF), DecisionId(STAFF)
VERDICTS: list[Verdict] = ["approve", "reject", "unpublish", "unpublish", "restore", "restore"]
MOVES = st.one_of(
    STEPS,
    STEPS,
    st.tuples(st.just("verdict"), st.integers(0, 3), st.sampled_from(VERDICTS)),
    st.tuples(st.sampled_from(["suspend", "reinstate"]), WHO),
    # The third only: whoever is forgotten does nothing any more.
    st.just(("forget", 2)),
)
#: What is done, how many seconds later, and on which of two servers.
LATER = st.tuples(MOVES, st.integers(0, 2), st.booleans())


class Twin:
    """A connection to tables in memory."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Any]:
        return list(TWINS[statement.name](self.tables, values))


class History:
    """Three members, a post of each and one that waits; and two servers whose clocks differ."""

    async def begin(self) -> "History":
        bench = Bench()
        self.house = bench.house
        self.members = [await self.house.join(10001 + n) for n in range(3)]
        await self.house.befriend(self.members[0], self.members[1])
        await bench.forbid("zorblat")
        self.posts = [await self.house.publish(member) for member in self.members]
        self.posts.append(await self.house.publish(self.members[0], text="a zorblat"))
        self.beside = self.house.beside()
        return self

    async def live(self, moves: list[Any]) -> None:
        for move, seconds, elsewhere in moves:
            self.house.clock.set(self.house.clock.now() + timedelta(seconds=seconds))
            self.beside.clock.set(self.house.clock.now() - timedelta(seconds=2))
            house = self.beside if elsewhere else self.house
            try:
                await self._move(house, move)
            except Refused:
                continue

    async def _move(self, house: House, move: Any) -> None:
        match move:
            case Step():
                await taken(house, move, self.members, self.posts)
                if move.settles:
                    await house.settle()
            case ("verdict", which, verdict):
                await house.run(to(decided, self.posts[which]), verdict, STAFF)
            case ("suspend", who):
                suspend = to(house.accounts.suspend, self.members[who])
                await house.run(suspend, SuspendAccount("stolen"), STAFF)
            case ("reinstate", who):
                back = ReinstateAccount(self.members[who])
                await house.run(house.accounts.reinstate, back, STAFF)
            case ("forget", who):
                gone = BeginErasureAgain(self.members[who], (KeyClass.CONTENT,))
                await house.run(ErasureHandlers(Terms()).begin_again, gone, STAFF)
            case _:
                raise AssertionError(move)

    def events(self) -> list[Recorded]:
        """All that happened, in the order of all cells."""
        return sorted(self.house.events(), key=moment_of)


async def decided(post: UUID, verdict: Verdict, work: Work) -> Outcome:
    """What a verdict makes of a post."""
    stream = post_stream(PostId(post))
    work.cell = work.cell_of(post)
    state = await work.load(POST, stream)
    events = of_post(state, verdict, _CASE, _DECISION)
    work.append(POST, stream, work.context.person or MemberId(post), events)
    return Outcome(post, (stream, work.version(stream)))


async def asked(history: History, tables: Tables, viewer: MemberId, post: PostId) -> list[Interval]:
    """What the product answers."""
    past = await visibility.between(Twin(tables), post, viewer)
    assert past is not None
    account = history.house.log.reader.read_stream(account_stream(viewer))
    author = history.house.log.reader.read_stream(account_stream(past.author))
    turns = [*past.turns, *account_turns(account), *author_turns(author)]
    return intervals(viewer == past.author, turns)


async def replayed(
    events: list[Recorded], pairs: list[tuple[MemberId, PostId]]
) -> tuple[Tables, dict[tuple[MemberId, PostId], list[Interval]]]:
    """The read models at the end, and when reading found what, by reading after every event."""
    tables = Tables()
    found: dict[tuple[MemberId, PostId], list[Interval]] = {pair: [] for pair in pairs}
    for recorded in events:
        tables.write(changes_of(MODELS, [recorded]))
        at = moment_of(recorded)
        for viewer, post in pairs:
            twin, so_far = Twin(tables), found[viewer, post]
            active = await people.status(twin, viewer) == "active"
            sees = active and post in await posts.hydrate(twin, viewer, [post])
            saw = bool(so_far) and so_far[-1].closed is None
            if sees and not saw:
                so_far.append(Interval(at, None))
            elif saw and not sees:
                so_far[-1] = Interval(so_far[-1].opened, at)
    return tables, found


@settings(max_examples=40, deadline=None)
@given(st.lists(LATER, min_size=20, max_size=60))
def test_history_says_when_reading_found_a_post(moves: list[Any]) -> None:
    async def lived() -> None:
        history = await History().begin()
        await history.live(moves)
        pairs = [(viewer, post) for viewer in history.members for post in history.posts]
        tables, found = await replayed(history.events(), pairs)
        for (viewer, post), wanted in found.items():
            assert await asked(history, tables, viewer, post) == wanted

    live(lived)


def test_all_that_parts_a_viewer_from_a_post_is_told() -> None:
    """A history by hand, so that nobody has to hope that chance tried everything."""

    def step(who: int, what: str, towards: int) -> tuple[Step, int, bool]:
        return Step(who, what, towards, True), 1, False

    moves = [
        step(0, "narrow", 0),  # seen by the friend, 1
        step(1, "unfriend", 0),
        step(1, "befriend", 0), step(0, "befriend", 1),
        step(0, "block", 1), step(0, "unblock", 1),
        step(1, "befriend", 0), step(0, "befriend", 1),
        (("suspend", 1), 1, False), (("reinstate", 1), 1, False),
        (("verdict", 0, "unpublish"), 1, False), (("verdict", 0, "restore"), 1, False),
        step(0, "list", 2), step(0, "list only", 0), step(0, "list", 1), step(0, "list", 2),
        step(0, "widen", 0),
        (("forget", 0), 1, False),
        step(0, "delete", 0),
    ]  # fmt: skip

    async def lived() -> None:
        history = await History().begin()
        await history.live(moves)
        viewer, post = history.members[1], history.posts[0]
        tables, found = await replayed(history.events(), [(viewer, post)])
        by_moment = {moment_of(one): type(one.event).__name__ for one in history.events()}
        seen = await asked(history, tables, viewer, post)
        assert seen == found[viewer, post]
        assert [(by_moment[one.opened], one.closed and by_moment[one.closed]) for one in seen] == [
            ("PostPublished", "FriendEnded"),
            ("FriendAccepted", "FriendEnded"),  # a block ends the friendship first
            ("FriendAccepted", "AccountSuspended"),
            ("AccountReinstated", "PostUnpublished"),
            ("PostRestored", "PostAudienceChanged"),
            ("ListSaved", "ListSaved"),
            ("PostAudienceChanged", "AccountErased"),
        ]

    live(lived)


def test_what_nobody_ever_wrote_has_no_past() -> None:
    assert asyncio.run(visibility.between(Twin(Tables()), UUID(int=1), MemberId(STAFF))) is None


def test_turns_of_one_event_count_together() -> None:
    """An audience and who is on its list come with one event: in between nobody saw anything."""

    async def lived() -> None:
        history = await History().begin()
        moment = moment_of(history.events()[0])
        account, gate = AccountTurn(moment, True), GateTurn(moment, True, "public", None)
        shut = GateTurn(moment, False, None, None)
        assert intervals(False, [gate, account]) == [Interval(moment, None)]
        assert intervals(False, [gate, account, shut]) == []

    live(lived)
