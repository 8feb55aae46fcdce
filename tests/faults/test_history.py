"""
The history checker rejects what no correct Homezone can have done, and nothing else.
"""

from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.faults.history import violations
from tests.faults.record import History, Logged, Read, Record, Write, load

POST, OTHER, COMMENT, LIKE = "post-1", "post-2", "comment-1", "like-of-2"
AUTHOR, FRIEND, STRANGER = 1, 2, 3


class Story:
    """A history told step by step, each step a second long and after the one before."""

    def __init__(self) -> None:
        self.now = 0.0
        self.records: list[Record] = []
        self.log: list[Logged] = []
        self._versions: dict[str, int] = {}
        self._names = count()

    def event(self, kind: str, stream: str) -> str:
        """One more event; its position."""
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        event = Logged(0, len(self.log) + 1, stream, version, kind)
        self.log.append(event)
        return f"0-{event.position}"

    def write(self, kind: Any, at: str | None, **given: Any) -> Write:
        """An answered write, unless said otherwise."""
        began, self.now = self.now, self.now + 1
        usual: dict[str, Any] = {
            "client": f"c{next(self._names)}",
            "qq": AUTHOR,
            "post": POST,
            "id": POST,
            "began": began,
            "ended": self.now,
            "outcome": "done",
        }
        write = Write(kind=kind, at=at, **{**usual, **given})
        self.now += 1
        self.records.append(write)
        return write

    def publish(self, text: str = "first", audience: str = "friends") -> Write:
        """A post."""
        at = self.event("post.published.v1", POST)
        return self.write("publish", at, text=text, audience=audience)

    def edit(self, text: str, **given: Any) -> Write:
        """An edit that took hold."""
        return self.write("edit", self.event("post.edited.v1", POST), text=text, **given)

    def show_to(self, audience: str, **given: Any) -> Write:
        """A change of audience that took hold."""
        at = self.event("post.audience_changed.v1", POST)
        return self.write("audience", at, audience=audience, **given)

    def like(self, *, on: bool = True, **given: Any) -> Write:
        """A friend's like, or the end of it, that took hold."""
        at = self.event("like.given.v1" if on else "like.withdrawn.v1", LIKE)
        return self.write("like" if on else "unlike", at, qq=FRIEND, **given)

    def comment(self) -> Write:
        """A friend's comment."""
        at = self.event("comment.written.v1", COMMENT)
        return self.write("comment", at, qq=FRIEND, id=COMMENT, text="hm")

    def read(self, qq: int = FRIEND, **given: Any) -> Read:
        """What somebody read."""
        usual: dict[str, Any] = {
            "client": "reader",
            "qq": qq,
            "author": AUTHOR,
            "friend": qq == FRIEND,
            "post": POST,
            "began": self.now,
            "ended": self.now + 1,
            "found": True,
            "version": 1,
            "text": "first",
            "audience": "friends" if qq == AUTHOR else None,
        }
        read = Read(**{**usual, **given})
        self.now += 2
        self.records.append(read)
        return read

    @property
    def wrong(self) -> list[str]:
        """What the checker says."""
        return violations(self.records, self.log)


@pytest.fixture
def story() -> Story:
    """A history with a post in it."""
    story = Story()
    story.publish()
    return story


def rejected(story: Story, words: str) -> bool:
    """Whether the checker objects, just once, in such words."""
    return len(story.wrong) == 1 and words in story.wrong[0]


# What is right


def test_a_long_right_history_is_accepted(story: Story) -> None:
    story.read(AUTHOR)
    story.edit("second", condition=1)
    story.read(version=2, text="second", at_least={0: 2})
    story.like()
    story.comment()
    story.read(version=2, text="second", likes=1, comments=1, liked=True, at_least={0: 4})
    story.show_to("only_me", condition=2)
    story.read(found=False)
    story.write("edit", None, text="x", condition=2, outcome="refused", problem="version-mismatch")
    story.write("like", None, qq=FRIEND, outcome="refused", problem="not-found")
    story.like(on=False)
    story.read(AUTHOR, version=3, text="second", audience="only_me", comments=1)
    assert story.wrong == []


def test_saying_it_again_answers_the_event_that_made_it_so(story: Story) -> None:
    first = story.like()
    story.write("like", first.at, qq=FRIEND)
    story.write("audience", "0-1", audience="friends")
    story.read(likes=1, liked=True, at_least={0: 2})
    assert story.wrong == []


def test_two_at_once_may_be_in_either_order(story: Story) -> None:
    one, other = story.edit("one"), story.edit("other")
    for write in (one, other):
        write.began, write.ended = 10, 20
    one.at, other.at = other.at, one.at
    story.now = 30
    story.read(version=3, text="one", at_least={0: 3})
    assert story.wrong == []


@pytest.mark.parametrize("landed", [True, False])
def test_without_an_answer_both_may_be(story: Story, landed: bool) -> None:
    open_end: dict[str, Any] = {"ended": None, "outcome": "unknown"}
    story.write("edit", None, text="perhaps", **open_end)
    if landed:
        story.event("post.edited.v1", POST)
    story.read(version=2 if landed else 1, text="perhaps" if landed else "first")
    assert story.wrong == []


def test_of_two_without_an_answer_either_may_be_the_one(story: Story) -> None:
    for audience in ("public", "only_me"):
        story.write("audience", None, audience=audience, ended=None, outcome="unknown")
    story.event("post.audience_changed.v1", POST)
    story.read(STRANGER)
    story.read(STRANGER, found=False)
    story.read(AUTHOR, audience="only_me")
    assert story.wrong == []


def test_what_is_fed_may_lag_but_for_what_is_asked(story: Story) -> None:
    story.edit("second")
    story.read(version=1, text="first")
    assert story.wrong == []


def test_a_change_under_way_may_be_seen_or_not(story: Story) -> None:
    change = story.show_to("only_me")
    story.read(began=change.began, ended=change.ended, found=False)
    story.read(began=change.began, ended=change.ended)
    assert story.wrong == []


# What is lost, doubled or invented


def test_an_acknowledged_write_that_is_not_there(story: Story) -> None:
    story.write("edit", "0-2", text="gone")
    assert rejected(story, "acknowledged and not in the log")


def test_an_acknowledged_write_whose_place_another_has(story: Story) -> None:
    story.like()
    story.write("edit", "0-2", text="gone")
    assert "somebody else's event" in story.wrong[0]


def test_a_retry_that_was_done_twice(story: Story) -> None:
    story.edit("once")
    story.event("post.edited.v1", POST)
    assert rejected(story, "nobody asked")


def test_two_commands_that_share_one_event(story: Story) -> None:
    first = story.edit("one")
    story.write("edit", first.at, text="one", began=first.began, ended=first.ended)
    assert "for several commands" in "".join(story.wrong)


def test_a_refused_write_that_was_done(story: Story) -> None:
    story.event("post.edited.v1", POST)
    story.write("edit", None, text="no", outcome="refused", problem="unavailable")
    assert rejected(story, "nobody asked")


def test_a_no_op_that_rests_on_another_audience(story: Story) -> None:
    story.write("audience", "0-1", audience="public")
    assert "cannot be what all were told" in "".join(story.wrong)


def test_a_like_in_somebody_elses_stream(story: Story) -> None:
    story.like()
    story.event("like.given.v1", "another-stream")
    story.write("like", "0-3", qq=FRIEND)
    assert any("somebody else's" in each for each in story.wrong)


def test_a_gap_in_positions_and_in_versions(story: Story) -> None:
    story.edit("second")
    story.edit("third")
    del story.log[1], story.records[1]
    assert "a gap" in story.wrong[0]
    assert "has version 3 after 1" in story.wrong[1]


# Order


def test_later_in_time_and_earlier_in_the_log(story: Story) -> None:
    one, other = story.edit("one"), story.edit("other")
    one.at, other.at = other.at, one.at
    assert rejected(story, "began after")


def test_a_no_op_that_forgot_what_was_acknowledged(story: Story) -> None:
    given = story.like()
    story.like(on=False)
    story.write("like", given.at, qq=FRIEND)
    assert rejected(story, "forgot (0, 3)")


def test_a_no_op_may_be_older_than_an_edit_but_not_than_another_audience(story: Story) -> None:
    story.edit("second")
    story.write("audience", "0-1", audience="friends")
    assert story.wrong == []
    story.show_to("public")
    story.write("audience", "0-1", audience="friends")
    assert rejected(story, "forgot (0, 3)")


# Conditions


def test_a_lost_update(story: Story) -> None:
    story.edit("one", condition=1)
    story.edit("other", condition=1)
    assert rejected(story, "in spite of its condition")


def test_a_condition_holds_for_what_changes_nothing_too(story: Story) -> None:
    story.edit("second")
    story.write("audience", "0-1", audience="friends", condition=2)
    assert story.wrong == []
    story.edit("third")
    story.write("audience", "0-1", audience="friends", condition=2)
    assert rejected(story, "in spite of its condition")


def test_turned_away_at_the_very_version(story: Story) -> None:
    refused: dict[str, Any] = {"outcome": "refused", "problem": "version-mismatch"}
    story.write("edit", None, text="x", condition=1, **refused)
    assert rejected(story, "turned away at the version it named")


def test_turned_away_without_a_reason(story: Story) -> None:
    story.write("like", None, qq=FRIEND, outcome="refused", problem="not-found")
    story.write("edit", None, text="x", outcome="refused", problem="not-yours")
    assert ["not found, and there" in story.wrong[0], "no reason" in story.wrong[1]] == [True] * 2


# Reads


def test_a_read_older_than_it_asked_for(story: Story) -> None:
    story.edit("second")
    story.read(version=1, text="first", at_least={0: 2})
    assert rejected(story, "older than it asked for")


def test_a_like_older_than_was_asked_for(story: Story) -> None:
    story.like()
    story.read(likes=1, liked=False, at_least={0: 2})
    assert rejected(story, "liked: False")


def test_words_of_another_version(story: Story) -> None:
    story.edit("second")
    story.read(version=2, text="first")
    assert rejected(story, "not the words")


def test_a_version_from_the_future(story: Story) -> None:
    story.read(version=2, text="second")
    story.edit("second")
    assert rejected(story, "from the future")


def test_withdrawn_and_still_shown(story: Story) -> None:
    story.show_to("only_me")
    story.read()
    assert rejected(story, "shown to whom it was hidden from")


def test_hidden_from_whom_it_is_for(story: Story) -> None:
    story.read(found=False, at_least={0: 1})
    assert rejected(story, "not found, and there")


def test_never_shown_to_a_stranger(story: Story) -> None:
    story.read(STRANGER)
    assert rejected(story, "shown to whom")


def test_an_audience_that_was_changed_back(story: Story) -> None:
    story.show_to("public")
    story.read(AUTHOR, audience="friends")
    assert rejected(story, "an audience that it cannot have had")


@pytest.mark.parametrize("likes", [0, 2])
def test_likes_miscounted(story: Story, likes: int) -> None:
    story.like()
    story.read(likes=likes, liked=True, at_least={0: 2})
    assert rejected(story, f"{likes} likes where 1 to 1 are")


@pytest.mark.parametrize("comments", [0, 2])
def test_comments_miscounted(story: Story, comments: int) -> None:
    story.comment()
    story.read(comments=comments)
    assert rejected(story, f"{comments} comments where 1 to 1 are")


def test_a_read_of_what_never_was(story: Story) -> None:
    story.read(post=OTHER)
    assert rejected(story, "not in the log")


# Keeping


def test_a_history_is_kept_whole(story: Story, tmp_path: Path) -> None:
    story.like()
    story.read()
    history = History()
    for record in story.records:
        history.add(record)
    history.save(tmp_path / "history.jsonl", story.log)
    assert load(tmp_path / "history.jsonl") == (story.records, story.log)
    assert msgspec.json.encode(story.records[0]).startswith(b'{"record":"write"')
