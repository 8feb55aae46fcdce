"""
The history checker: is there an order of events that explains everything that every client saw?

The log gives the order; what is checked is that it is one the clients could have seen. An operation
takes hold at one moment between its sending and its answer (Herlihy and Wing's linearizability, for
each stream, with the order of versions given, so that checking is a matter of comparing times
rather than of search). Clients that got no answer may have been served or not; whoever got one was.

Every rule is about one sentence of the product's promises; each has a history in the tests that it
must reject.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from math import inf
from typing import Final, NamedTuple

import msgspec

from tests.faults.record import At, Logged, Read, Record, Write, place
from tests.faults.timelines import Step, Timeline

TYPES: Final = {
    "publish": {"post.published.v1"},
    "edit": {"post.edited.v1"},
    "audience": {"post.audience_changed.v1", "post.published.v1"},
    "like": {"like.given.v1"},
    "unlike": {"like.withdrawn.v1"},
    "comment": {"comment.written.v1"},
}
OURS: Final = frozenset().union(*TYPES.values())
#: Each of these makes an event of its own; the others change nothing when it is so already.
FRESH: Final = frozenset({"publish", "edit", "comment"})
_EFFECTS: Final = {kind: min(types) for kind, types in TYPES.items()}
#: What cannot be known, because several clients with no answer may have made it so.
UNSURE: Final = "?"


def violations(records: Iterable[Record], log: Sequence[Logged]) -> list[str]:
    """All that cannot be explained; nothing when all is well."""
    return list(Checker(records, log).run())


class Checker:
    """One history against one log."""

    def __init__(self, records: Iterable[Record], log: Sequence[Logged]) -> None:
        every = list(records)
        self.writes = [each for each in every if isinstance(each, Write)]
        self.reads = [each for each in every if isinstance(each, Read)]
        self.log = sorted(log, key=lambda event: event.at)
        self.claims: dict[At, list[Write]] = defaultdict(list)
        #: A like's stream has a name that is the server's affair, but one for each post and member.
        self.streams: dict[tuple[str, int], str] = {}
        self.posts: dict[str, Timeline] = {}
        self.likes: dict[str, dict[int, Timeline]] = defaultdict(dict)
        self.comments: dict[str, list[Step]] = defaultdict(list)

    def run(self) -> Iterator[str]:
        """Every rule."""
        yield from self.no_gaps()
        yield from self.acknowledged_is_logged()
        yield from self.logged_was_asked_for()
        self._draw_timelines()
        yield from self.once()
        yield from self.real_time_order()
        yield from self.nothing_forgotten()
        yield from self.conditions()
        yield from self.refusals()
        for read in self.reads:
            yield from self.read(read)

    def no_gaps(self) -> Iterator[str]:
        """Positions run on in each cell, versions in each stream, and both the same way."""
        heads: dict[int, int] = defaultdict(int)
        versions: dict[str, int] = defaultdict(int)
        for event in self.log:
            if event.position != heads[event.cell] + 1:
                yield f"a gap: {event.cell}-{event.position} follows {heads[event.cell]}"
            if event.version != versions[event.stream] + 1:
                yield f"{event.at} has version {event.version} after {versions[event.stream]}"
            heads[event.cell] = event.position
            versions[event.stream] = event.version

    def acknowledged_is_logged(self) -> Iterator[str]:
        """What was acknowledged is in the log, where it was said to be."""
        by_at = {event.at: event for event in self.log}
        for write in self.writes:
            if write.outcome != "done":
                continue
            assert write.at is not None
            event = by_at.get(place(write.at))
            if event is None:
                yield f"acknowledged and not in the log: {_say(write)}"
                continue
            if event.type not in TYPES[write.kind] or not self._same_stream(write, event):
                yield f"acknowledged at somebody else's event {event.type}: {_say(write)}"
                continue
            self.claims[event.at].append(write)

    def logged_was_asked_for(self) -> Iterator[str]:
        """What is in the log was asked for by someone who was told so, or told nothing."""
        open_ends = [write for write in self.writes if write.outcome == "unknown"]
        for event in self.log:
            if event.type in OURS and event.at not in self.claims:
                fits = [write for write in open_ends if self._may_be(write, event)]
                if fits:
                    # Any of them will do: nobody was told, so nothing else depends on which.
                    open_ends.remove(fits[0])
                    self.claims[event.at] = [_one_of(fits)]
                else:
                    yield f"nobody asked for {event.type} at {event.at}, or had an answer to it"

    def once(self) -> Iterator[str]:
        """No event answers two commands that each make one."""
        for at, writes in self.claims.items():
            if sum(write.kind in FRESH for write in writes) > 1:
                yield f"one event at {at} for several commands: {_say(*writes)}"
            for name in ("text", "audience"):
                said = {getattr(write, name) for write in writes} - {None}
                if len(said) > 1:
                    yield f"the event at {at} cannot be what all were told: {_say(*writes)}"

    def real_time_order(self) -> Iterator[str]:
        """What began after another was acknowledged comes later: in one cell, in any stream."""
        events = [
            _Span(
                min(write.began for write in writes),
                min((write.ended for write in writes if write.ended is not None), default=inf),
                at,
                at[0],
                writes[0],
            )
            for at, writes in self.claims.items()
        ]
        for late, latest in _overtaken(events):
            yield f"began after {latest} was acknowledged: {_say(late.write)}"

    def nothing_forgotten(self) -> Iterator[str]:
        """Who is answered that it is so already is not told of a state that was overtaken."""
        spans = [
            _Span(write.began, write.ended, place(write.at), register, write)
            for write in self.writes
            if write.outcome == "done" and write.at is not None and write.ended is not None
            if (register := _register(write)) is not None
        ]
        for late, latest in _overtaken(spans):
            yield f"forgot {latest}, acknowledged before it began: {_say(late.write)}"

    def conditions(self) -> Iterator[str]:
        """A conditional write follows just the version that it named: no update is lost."""
        versions = {event.at: event.version for event in self.log}
        for at, writes in self.claims.items():
            for write in writes:
                if write.condition in (None, versions[at] - 1) or self._changed_nothing(write, at):
                    continue
                yield f"version {versions[at]} in spite of its condition: {_say(write)}"

    def _changed_nothing(self, write: Write, at: At) -> bool:
        """Whether an audience was as wanted already, at the version that was named."""
        post = self.posts.get(write.post)
        if write.kind != "audience" or post is None or write.ended is None:
            return False
        possible = post.possible(write.began, write.ended)
        named = [step for step in possible if step and step.version == write.condition]
        return any((step.cell, step.position) >= at for step in named)

    def refusals(self) -> Iterator[str]:
        """Nobody is turned away by a rule that did not hold at any moment while they waited."""
        for write in self.writes:
            if write.outcome != "refused" or write.ended is None:
                continue
            post = self.posts.get(write.post)
            if write.problem == "version-mismatch" and post and write.condition is not None:
                possible = post.possible(write.began, write.ended)
                if {step.version for step in possible if step} == {write.condition}:
                    yield f"turned away at the version it named: {_say(write)}"
            elif write.problem == "not-found" and post:
                # Members who respond are all friends of each other.
                possible = post.possible(write.began, write.ended)
                if all(step is not None and _is_shown(step, friend=True) for step in possible):
                    yield f"not found, and there all the time: {_say(write)}"
            elif write.problem not in ("version-mismatch", "unavailable"):
                yield f"turned away for no reason: {_say(write)}"

    def read(self, read: Read) -> Iterator[str]:
        """A read shows what can have been there, and nothing older than it asked for."""
        post = self.posts.get(read.post)
        if post is None:
            yield f"of a post that is not in the log: {_say(read)}"
            return
        own = read.qq == read.author
        gates = post.possible(read.began, read.ended)
        if not read.found:
            fresh = post.floor(read.at_least) is not None
            if fresh and all(step and (own or _is_shown(step, read.friend)) for step in gates):
                yield f"not found, and there all the time: {_say(read)}"
            return
        if not any(step and (own or _may_be_shown(step, read.friend)) for step in gates):
            yield f"shown to whom it was hidden from: {_say(read)}"
        if own and not {read.audience, UNSURE} & {step.audience for step in gates if step}:
            yield f"an audience that it cannot have had: {_say(read)}"
        yield from self._content(post, read)
        yield from self._counts(read)

    def _content(self, post: Timeline, read: Read) -> Iterator[str]:
        step = post.at_version(read.version)
        if step is None or step.since > read.ended:
            yield f"a version from the future: {_say(read)}"
            return
        if step.text not in (UNSURE, read.text):
            yield f"not the words of its version ({step.text}): {_say(read)}"
        floor = post.floor(read.at_least)
        if floor is not None and read.version < floor.version:
            yield f"older than it asked for (version {floor.version}): {_say(read)}"

    def _counts(self, read: Read) -> Iterator[str]:
        least = most = 0
        for timeline in self.likes[read.post].values():
            on = [
                step is not None and step.on for step in timeline.possible(read.began, read.ended)
            ]
            least += all(on)
            most += any(on)
        if not least <= read.likes <= most:
            yield f"{read.likes} likes where {least} to {most} are: {_say(read)}"
        written = self.comments[read.post]
        least = sum(step.sure < read.began for step in written)
        most = sum(step.since < read.ended for step in written)
        if not least <= read.comments <= most:
            yield f"{read.comments} comments where {least} to {most} are: {_say(read)}"
        mine = self.likes[read.post].get(read.qq, Timeline())
        weak = mine.not_before(mine.floor(read.at_least), read.ended)
        if read.liked not in {step is not None and step.on for step in weak}:
            yield f"liked: {read.liked}, which is older than it asked for: {_say(read)}"

    def _same_stream(self, write: Write, event: Logged) -> bool:
        if write.kind in ("like", "unlike"):
            return self.streams.setdefault((write.post, write.qq), event.stream) == event.stream
        return write.id == event.stream

    def _may_be(self, write: Write, event: Logged) -> bool:
        """Whether an unanswered write may have made an event."""
        if event.type != _EFFECTS[write.kind]:
            return False
        if write.condition is not None and event.version != write.condition + 1:
            return False
        if write.kind in ("like", "unlike"):
            return self.streams.get((write.post, write.qq), event.stream) == event.stream
        return write.kind not in ("edit", "audience") or write.post == event.stream

    def _draw_timelines(self) -> None:
        for event in self.log:
            writes = self.claims.get(event.at)
            if not writes:
                continue
            step = Step.of(event, writes)
            kind = event.type.partition(".")[0]
            if kind == "post":
                self.posts.setdefault(event.stream, Timeline()).append(step)
            elif kind == "like":
                of_post = self.likes[writes[0].post]
                of_post.setdefault(writes[0].qq, Timeline()).append(step)
            else:
                self.comments[writes[0].post].append(step)


def _is_shown(step: Step, friend: bool) -> bool:
    return step.audience == "public" or (friend and step.audience == "friends")


def _may_be_shown(step: Step, friend: bool) -> bool:
    return step.audience == UNSURE or _is_shown(step, friend)


def _one_of(fits: Sequence[Write]) -> Write:
    """Whichever of several unanswered writes it was: what they disagree on is not known."""
    texts, audiences = ({getattr(write, name) for write in fits} for name in ("text", "audience"))
    return msgspec.structs.replace(
        fits[0],
        began=min(write.began for write in fits),
        text=texts.pop() if len(texts) == 1 else UNSURE,
        audience=audiences.pop() if len(audiences) == 1 else UNSURE,
    )


class _Span(NamedTuple):
    """From when to when something at a place can have taken hold."""

    began: float
    ended: float
    at: At
    scope: Hashable
    write: Write


def _overtaken(spans: Sequence[_Span]) -> Iterator[tuple[_Span, At]]:
    """Those that stand before one of their scope which had ended when they began; and that one."""
    to_end = sorted(spans, key=lambda span: span.ended, reverse=True)
    latest: dict[Hashable, At] = {}
    for span in sorted(spans, key=lambda span: span.began):
        while to_end and to_end[-1].ended < span.began:
            before = to_end.pop()
            latest[before.scope] = max(latest.get(before.scope, before.at), before.at)
        if span.at < latest.get(span.scope, span.at):
            yield span, latest[span.scope]


def _register(write: Write) -> Hashable:
    """What a write sets, where setting it to what it is already makes no event."""
    if write.kind in ("like", "unlike"):
        return "like", write.post, write.qq
    return ("audience", write.post) if write.kind in ("publish", "audience") else None


def _say(*records: Record) -> str:
    return " | ".join(str(each) for each in records)
