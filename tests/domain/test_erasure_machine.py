"""
Whatever members, compliance and timers do, in any order: what is held is not destroyed, what is
destroyed was due, and what is due and free is always about to be destroyed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.erasure import (
    CLASSES,
    DESTRUCTIONS,
    ERASURE,
    Begun,
    Erasure,
    ErasureEvent,
    Terms,
    Waiting,
    ask,
    begin,
    destroy,
    erasure_stream,
    place_hold,
    release_hold,
    take_back,
)
from domain.event import Recorded, Refused
from domain.ids import cell_of, mint
from domain.sealed import KeyClass
from projections.arming import ARMING
from projections.engine.deadlines import Arm
from tests.domain.people import ANNA, sealed

STAFF = mint(0, 4, 1)
WORDS = sealed("some words")
TERMS = Terms(moderation=timedelta(days=30), billing=timedelta(days=90))
CHOSEN = st.sets(st.sampled_from(CLASSES), min_size=1)


class Forgetting(RuleBasedStateMachine):
    """One member's erasure with its deadlines, armed by the events as in the product."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 11, 29, tzinfo=UTC)
        self.erasure: Erasure = ERASURE.initial
        self.version = 0
        self.deadlines: dict[object, Arm] = {}

    def do(self, events: Sequence[ErasureEvent]) -> None:
        """Append, and arm what is armed by it."""
        stream = erasure_stream(ANNA)
        for event in events:
            self.version += 1
            self.erasure = ERASURE.evolve(self.erasure, event, self.version)
            recorded = Recorded(
                cell_of(ANNA), self.version, stream, self.version, self.now, ANNA, ANNA, STAFF,
                STAFF, None, event,
            )  # fmt: skip
            for order in ARMING[type(event)](recorded):
                if isinstance(order, Arm):
                    self.deadlines[order.id] = order
                else:
                    self.deadlines.pop(order.id, None)

    @rule(by=st.sampled_from([ANNA, STAFF]))
    def ask(self, by: object) -> None:
        who = ANNA if by is ANNA else STAFF
        self.do(ask(self.erasure, ANNA, who, self.now + TERMS.wait))

    @rule(by=st.sampled_from([ANNA, STAFF]))
    def take_back(self, by: object) -> None:
        stage, refused = self.erasure.stage, False
        try:
            self.do(take_back(self.erasure, ANNA, ANNA if by is ANNA else STAFF))
        except Refused:
            refused = True
        theirs = isinstance(stage, Waiting) and stage.by == STAFF and by is ANNA
        assert refused == (isinstance(stage, Begun) or theirs)

    @rule(classes=CHOSEN)
    def hold(self, classes: set[KeyClass]) -> None:
        self.do(place_hold(self.erasure, ANNA, classes, WORDS, STAFF, self.now))
        assert set(self.erasure.held) == classes

    @rule()
    def release(self) -> None:
        self.do(release_hold(self.erasure, ANNA, STAFF, self.now))

    @rule(days=st.integers(1, 60))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)
        while due := [one for one in self.deadlines.values() if one.due <= self.now]:
            self.fire(min(due, key=lambda one: (one.due, str(one.id))))

    def fire(self, deadline: Arm) -> None:
        """A deadline that fires is answered, and armed no longer."""
        before = set(self.erasure.held)
        if deadline.kind == "erasure-due":
            self.do(begin(self.erasure, ANNA, deadline.due, TERMS))
        else:
            key_class = DESTRUCTIONS[deadline.kind]
            assert key_class not in before, "a deadline of what is held rests"
            self.do(destroy(self.erasure, ANNA, key_class, deadline.due))
        assert self.deadlines.get(deadline.id) is not deadline, "it did what it was armed for"

    @invariant()
    def nothing_is_destroyed_before_its_time(self) -> None:
        stage = self.erasure.stage
        if isinstance(stage, Begun):
            due = {one.key_class: one.due for one in stage.schedule}
            assert all(at >= due[one] for one, at in stage.destroyed.items())

    @invariant()
    def what_is_free_is_about_to_be_destroyed_and_nothing_else(self) -> None:
        armed = {one.kind for one in self.deadlines.values()}
        stage = self.erasure.stage
        if isinstance(stage, Begun):
            free = {one.key_class for one in stage.left} - set(self.erasure.held)
            assert armed == {f"erasure-{one.value}" for one in free}
        else:
            assert armed == ({"erasure-due"} if isinstance(stage, Waiting) else set())


TestForgetting = Forgetting.TestCase
