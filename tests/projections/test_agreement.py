"""
What is read is what was decided: after any history, read models folded in any batches say what the
states of the streams say.
"""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Table

from commands.spaces import CertifySpace, certify
from domain.audience import OnlyMe
from domain.circle import CIRCLE, circle_stream
from domain.comment import COMMENT, CommentWritten
from domain.comment import Live as LiveComment
from domain.event import Recorded, Refused
from domain.ids import MemberId, PostId, StreamId, cell_of
from domain.like import LIKE, LikeGiven
from domain.named_list import LISTS, lists_stream
from domain.post import POST, Live
from domain.post_events import PostPublished
from projections.catalogue import READ_MODELS
from projections.comments import COMMENTS, LIKES
from projections.counters import COUNTERS
from projections.gates import GATES, audience_name
from projections.lists import LIST_MEMBERS
from projections.lists import LISTS as LIST_ROWS
from projections.posts import POSTS
from projections.rows import Add, Change, Drop, Key, Patch, Put, fold
from projections.ties import BLOCKS, FOLLOWS, FRIENDSHIPS
from projections.timeline import TIMELINE
from tests.commands.house import STAFF, House, live, to
from tests.commands.steps import STEPS, Step, taken

Tables = dict[Table, dict[Key, dict[str, Any]]]


class Read:
    """Read models kept in dicts."""

    def __init__(self) -> None:
        self.tables: Tables = {table: {} for model in READ_MODELS for table in model.tables}
        self.writers: dict[tuple[Table, Key], int] = {}

    def feed(self, batch: list[Recorded]) -> None:
        """Fold a batch and write it."""
        changes = [one for model in READ_MODELS for each in batch for one in model.rows(each)]
        for each in batch:
            for model in READ_MODELS:
                for one in model.rows(each):
                    if not isinstance(one, Add):
                        writer = self.writers.setdefault((one.table, one.key), each.cell)
                        assert writer == each.cell, f"two cells write a row of {one.table.name}"
        for table, by_key in fold(changes).items():
            for key, change in by_key.items():
                self._write(self.tables[table], key, change)

    def _write(self, rows: dict[Key, dict[str, Any]], key: Key, change: Change) -> None:
        match change:
            case Put(table=table, values=values):
                assert not (table.info.get("append_only") and key in rows), "history is added to"
                rows[key] = dict(values)
            case Patch(values=values) if key in rows:
                rows[key].update(values)
            case Add(table=table, values=values):
                counts = {one.name: 0 for one in table.columns if one.server_default is not None}
                row = rows.setdefault(key, counts)
                for column, amount in values.items():
                    row[column] += amount
            case Drop():
                rows.pop(key, None)
            case _:
                pass


async def history(steps: list[Step]) -> tuple[House, list[MemberId]]:
    """A house in which all this happened."""
    house = House(cells=4)
    members = [await house.join(10001 + n) for n in range(3)]
    await house.befriend(members[0], members[1])
    await house.run(to(certify, members[2]), CertifySpace("brand", "商务"), STAFF)
    posts = [await house.publish(member) for member in members]
    for step in steps:
        try:
            await taken(house, step, members, posts)
        except Refused:
            continue
        if step.settles:
            await house.settle()
    return house, members


@settings(max_examples=60, deadline=None)
@given(
    st.lists(STEPS, min_size=30, max_size=80), st.lists(st.integers(1, 9), min_size=1, max_size=5)
)
def test_read_models_say_what_states_say(steps: list[Step], sizes: list[int]) -> None:
    house, members = live(lambda: history(steps))
    read = Read()
    for cell in house.store.heads:
        waiting = house.log.reader.read(cell, 0, 1_000_000)
        turn = 0
        while waiting:
            size = sizes[turn % len(sizes)]
            read.feed(waiting[:size])
            waiting, turn = waiting[size:], turn + 1
    check_ties(house, members, read.tables)
    check_lists(house, members, read.tables)
    check_content(house, read.tables)


def stream(house: House, id: StreamId) -> list[Any]:
    """A stream's events."""
    return [one.event for one in house.log.reader.read_stream(id)]


def check_ties(house: House, members: list[MemberId], tables: Tables) -> None:
    """Friendships, blocks and follows are the ties of each circle."""
    friendships, blocks, follows = {}, set(), set()
    for member in members:
        circle = CIRCLE.fold(stream(house, circle_stream(member)), CIRCLE.initial)
        for other, tie in circle.ties.items():
            at = (cell_of(member), member, other)
            if tie.standing != "none":
                friendships[at] = (tie.standing, tie.bond)
            if tie.blocked:
                blocks.add(at)
            if tie.follows:
                follows.add(at)
    shown = {at: (row["standing"], row["bond"]) for at, row in tables[FRIENDSHIPS].items()}
    assert shown == friendships
    assert set(tables[BLOCKS]) == blocks
    assert set(tables[FOLLOWS]) == follows


def check_lists(house: House, members: list[MemberId], tables: Tables) -> None:
    """Named lists hold whom their owners put there."""
    named, on = set(), set()
    for owner in members:
        cell = cell_of(owner)
        lists = LISTS.fold(stream(house, lists_stream(owner, cell)), LISTS.initial)
        for which, each in lists.lists.items():
            named.add((cell, owner, which))
            on |= {(cell, which, member) for member in each.members}
    assert set(tables[LIST_ROWS]) == named
    assert {at for at in tables[LIST_MEMBERS] if any(at[1] == key[2] for key in named)} == on


def check_content(house: House, tables: Tables) -> None:
    """Posts, comments, likes, their gates, the counters and the timeline agree."""
    posts, comments, likes = {}, {}, set()
    timeline, likes_of, comments_of = set(), Counter[PostId](), Counter[PostId]()
    shares_of = Counter[PostId]()
    for one in house.events():
        at = (one.cell, one.stream)
        match one.event:
            case PostPublished(author=author):
                state = POST.fold(stream(house, one.stream), POST.initial)
                gate = tables[GATES][at]
                assert gate["live"] == isinstance(state, Live)
                if isinstance(state, Live):
                    posts[at] = state.content.text.envelope
                    if state.share_of is not None and state.audience != OnlyMe():
                        shares_of[state.share_of] += 1
                    assert gate["audience"] == audience_name(state.audience)
                    timeline.add((one.cell, author, one.stream))
                assert gate["version"] == len(stream(house, one.stream))
            case CommentWritten(author=author, post=post):
                comment = COMMENT.fold(stream(house, one.stream), COMMENT.initial)
                assert tables[GATES][at]["live"] == isinstance(comment, LiveComment)
                if isinstance(comment, LiveComment):
                    comments[cell_of(post), one.stream] = post
                    comments_of[post] += 1
                    timeline.add((one.cell, author, one.stream))
            case LikeGiven(member=member, post=post):
                like = LIKE.fold(stream(house, one.stream), LIKE.initial)
                if like.given and (cell_of(post), post, member) not in likes:
                    likes.add((cell_of(post), post, member))
                    likes_of[post] += 1
                    timeline.add((one.cell, member, one.stream))
            case _:
                pass
    assert {at: row["text"] for at, row in tables[POSTS].items()} == posts
    assert {at: row["post"] for at, row in tables[COMMENTS].items()} == comments
    assert set(tables[LIKES]) == likes
    assert set(tables[TIMELINE]) == timeline
    for (_, post), sums in tables[COUNTERS].items():
        shares = shares_of[post]
        assert sums == {"likes": likes_of[post], "comments": comments_of[post], "shares": shares}
